import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { trustService } from "../iamPolicies";
import { keeping, type Owner } from "../owner";
import type { Tags } from "../tags";
import { DMS_ROLES, type DmsRole, type RoleName } from "./missingRoles";

/** Arguments of {@link DmsRoles}. */
export interface DmsRolesArgs {
    /** Those that the stack has made, or that it makes because the account has none. */
    readonly names: readonly RoleName[];
    readonly tags: Tags;
}

/**
 * The roles under which DMS acts in an account, https://docs.aws.amazon.com/dms/latest/userguide/security-iam.html.
 * Their names are fixed, so an account has them once, and every replication instance in it needs them: no update and no destroy
 * deletes them. A role works only with its policy, so dependants must wait for this component.
 */
export class DmsRoles extends pulumi.ComponentResource {
    constructor(name: string, args: DmsRolesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:DmsRoles", name, {}, opts);
        const owner = keeping({ name, tags: args.tags, opts: { parent: this } });
        for (const role of DMS_ROLES.filter((one) => args.names.includes(one.name))) {
            dmsRole(owner, role);
        }
        this.registerOutputs();
    }
}

function dmsRole({ name, tags, opts }: Owner, role: DmsRole): void {
    const parent = { parent: opts.parent };
    const partition = aws.getPartitionOutput({}, parent).partition;
    const account = aws.getCallerIdentityOutput({}, parent).accountId;
    const created = new aws.iam.Role(
        `${name}-${role.name}`,
        {
            name: role.name,
            description: "Account-wide role of AWS DMS",
            assumeRolePolicy: account.apply((id) =>
                JSON.stringify(trustService("dms.amazonaws.com", id)),
            ),
            tags,
        },
        { ...opts, aliases: [{ name: `${name}-${role.formerLabel}` }] },
    );
    new aws.iam.RolePolicyAttachment(
        `${name}-${role.name}-policy`,
        {
            role: created.name,
            policyArn: pulumi.interpolate`arn:${partition}:iam::aws:policy/service-role/${role.policy}`,
        },
        { ...opts, aliases: [{ name: `${name}-${role.formerLabel}-policy` }] },
    );
}
