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
 * with its policy: the outputs are known when the policy is attached, and dependants must wait for this component.
 */
export class DmsRoles extends pulumi.ComponentResource {
    readonly vpcRoleArn: pulumi.Output<string>;
    readonly logsRoleArn: pulumi.Output<string>;

    constructor(name: string, args: DmsRolesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:DmsRoles", name, {}, opts);
        const parent = { parent: this };
        const partition = aws.getPartitionOutput({}, parent).partition;
        const account = aws.getCallerIdentityOutput({}, parent).accountId;
        const role = (label: string, roleName: string, policy: string): pulumi.Output<string> => {
            const created = new aws.iam.Role(
                `${name}-${label}`,
                {
                    name: roleName,
                    description: "Account-wide role of AWS DMS",
                    assumeRolePolicy: account.apply((id) =>
                        JSON.stringify(trustService("dms.amazonaws.com", id)),
                    ),
                    tags: args.tags,
                },
                parent,
            );
            const attachment = new aws.iam.RolePolicyAttachment(
                `${name}-${label}-policy`,
                {
                    role: created.name,
                    policyArn: pulumi.interpolate`arn:${partition}:iam::aws:policy/service-role/${policy}`,
                },
                parent,
            );
            return pulumi.all([created.arn, attachment.id]).apply(([arn]) => arn);
        };
        this.vpcRoleArn = role("vpc", "dms-vpc-role", "AmazonDMSVPCManagementRole");
        this.logsRoleArn = role("logs", "dms-cloudwatch-logs-role", "AmazonDMSCloudWatchLogsRole");
        this.registerOutputs({ vpcRoleArn: this.vpcRoleArn, logsRoleArn: this.logsRoleArn });
    }
}
