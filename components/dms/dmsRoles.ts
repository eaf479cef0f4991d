import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { trustService } from "../iamPolicies";
import type { Tags } from "../tags";

/** Arguments of {@link DmsRoles}. */
export interface DmsRolesArgs {
    readonly tags: Tags;
}

/**
 * The two roles under which DMS acts in an account, https://docs.aws.amazon.com/dms/latest/userguide/security-iam.html.
 * Their names are fixed, so an account has them once: a second stack must be told not to create them. A role works only
 * with its policy, so dependants must wait for this component.
 */
export class DmsRoles extends pulumi.ComponentResource {
    constructor(name: string, args: DmsRolesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:DmsRoles", name, {}, opts);
        const parent = { parent: this };
        const partition = aws.getPartitionOutput({}, parent).partition;
        const account = aws.getCallerIdentityOutput({}, parent).accountId;
        // The label is in the names that an earlier version of the program gave the two, which others had as well.
        const role = (label: string, roleName: string, policy: string): void => {
            const created = new aws.iam.Role(
                `${name}-${roleName}`,
                {
                    name: roleName,
                    description: "Account-wide role of AWS DMS",
                    assumeRolePolicy: account.apply((id) =>
                        JSON.stringify(trustService("dms.amazonaws.com", id)),
                    ),
                    tags: args.tags,
                },
                { ...parent, aliases: [{ name: `${name}-${label}` }] },
            );
            new aws.iam.RolePolicyAttachment(
                `${name}-${roleName}-policy`,
                {
                    role: created.name,
                    policyArn: pulumi.interpolate`arn:${partition}:iam::aws:policy/service-role/${policy}`,
                },
                { ...parent, aliases: [{ name: `${name}-${label}-policy` }] },
            );
        };
        role("vpc", "dms-vpc-role", "AmazonDMSVPCManagementRole");
        role("logs", "dms-cloudwatch-logs-role", "AmazonDMSCloudWatchLogsRole");
        this.registerOutputs();
    }
}
