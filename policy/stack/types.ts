import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { stackRule } from "../engine/rule";
import { items, shown } from "../engine/values";

/** The types of the services that hold the rows, the passwords or the rights, which the pack knows and judges. */
const KNOWN: readonly string[] = [
    "aws:dms/certificate:Certificate",
    "aws:dms/endpoint:Endpoint",
    "aws:dms/eventSubscription:EventSubscription",
    "aws:dms/replicationInstance:ReplicationInstance",
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
    "aws:dms/replicationTask:ReplicationTask",
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:iam/policy:Policy",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    "aws:rds/clusterSnapshot:ClusterSnapshot",
    "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy",
    "aws:rds/eventSubscription:EventSubscription",
    "aws:rds/instance:Instance",
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:rds/snapshot:Snapshot",
    "aws:rds/snapshotCopy:SnapshotCopy",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:secretsmanager/secret:Secret",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:secretsmanager/secretRotation:SecretRotation",
    "aws:secretsmanager/secretVersion:SecretVersion",
];

/** Services through which the rows or the passwords can be had; AWS's other provider names them otherwise. */
const GUARDED = /^aws:(dms|rds|secretsmanager|iam)\/|^aws-native:/;

const knownTypes = stackRule({
    name: "stack-known-types",
    displayName: "Nothing reaches the rows but what the pack judges",
    description:
        "A resource of DMS, RDS, Secrets Manager or IAM is of a type that the pack checks, and none comes from the provider aws-native: a serverless replication, an S3 endpoint, an export, a proxy, a stream or an access key is another way to the audited rows.",
    severity: "high",
    frameworks: [
        securityHub("IAM.3", "IAM users' access keys should be rotated"),
        auditTrail("Nobody but DMS and the operator reaches the trail", "A way that nobody judged"),
    ],
    remediationSteps:
        "Remove the resource, or use the type that the pack knows; to allow one that you have judged yourself, add it to the rule's setting alsoAllowed, as its type token.",
    url: pages.hubRds,
    changedIn: programFiles.elsewhere,
    configSchema: {
        properties: {
            alsoAllowed: {
                type: "array",
                items: { type: "string" },
                default: [],
                description: "Further type tokens, such as aws:rds/proxy:Proxy.",
            },
        },
    },
    check: (stack, findings, config) => {
        const known = [...KNOWN, ...items(config.alsoAllowed)];
        for (const { type, name, urn } of stack.resources) {
            if (GUARDED.test(type) && !known.includes(type)) {
                findings.violation(
                    `${name} is of the type ${shown(type)}, which the pack does not judge; remove it.`,
                    urn,
                );
            }
        }
    },
});

export const typeRules = [knownTypes] as const;
