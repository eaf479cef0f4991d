import type { Flip } from "./flips";

/** A flip and the rule that is meant for it. */
type Meant = readonly [type: string, path: string, how: Flip["how"], rule: string];

const CLUSTER = "aws:rds/cluster:Cluster";
const ENDPOINT = "aws:dms/endpoint:Endpoint";
const GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup";
const TASK = "aws:dms/replicationTask:ReplicationTask";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

/** Flips that would weaken a guarantee, each with the rule whose refusal explains why. */
export const meantFor: readonly Meant[] = [
    [CLUSTER, "backupRetentionPeriod", "absent", "rds-backups-kept"],
    [CLUSTER, "dbClusterParameterGroupName", "dangerous", "stack-parameter-family"],
    [CLUSTER, "dbClusterParameterGroupName", "dangerous", "stack-source-replicates-logically"],
    [CLUSTER, "deletionProtection", "dangerous", "stack-trail-protected"],
    [CLUSTER, "enableHttpEndpoint+", "added", "inputs-known"],
    [CLUSTER, "enabledCloudwatchLogsExports", "absent", "rds-logs-exported"],
    [CLUSTER, "engineVersion", "dangerous", "stack-parameter-family"],
    [CLUSTER, "finalSnapshotIdentifier", "absent", "stack-trail-protected"],
    [CLUSTER, "skipFinalSnapshot", "dangerous", "stack-trail-protected"],
    [CLUSTER, "snapshotIdentifier+", "added", "inputs-known"],
    [CLUSTER, "storageEncrypted", "absent", "rds-storage-encrypted"],
    [CLUSTER, "vpcSecurityGroupIds", "dangerous", "stack-database-ingress-from-groups"],
    [GROUP, "family", "dangerous", "stack-parameter-family"],
    [GROUP, "parameters", "absent", "rds-tls-forced"],
    [GROUP, "parameters.*", "absent", "stack-source-replicates-logically"],
    [GROUP, "parameters.*.name", "dangerous", "rds-parameters-known"],
    [
        "aws:rds/clusterInstance:ClusterInstance",
        "publiclyAccessible",
        "dangerous",
        "rds-not-public",
    ],
    [ENDPOINT, "endpointType", "dangerous", "stack-task-endpoint-directions"],
    [ENDPOINT, "engineName", "dangerous", "inputs-known"],
    [ENDPOINT, "extraConnectionAttributes+", "added", "dms-endpoint-runs-no-script"],
    [ENDPOINT, "password+", "added", "dms-endpoint-secret"],
    [ENDPOINT, "postgresSettings.+", "added", "dms-endpoint-settings-known"],
    [ENDPOINT, "postgresSettings.afterConnectScript+", "added", "dms-endpoint-runs-no-script"],
    [ENDPOINT, "postgresSettings.captureDdls", "dangerous", "dms-source-writes-no-ddl"],
    [ENDPOINT, "postgresSettings.heartbeatEnable", "dangerous", "dms-endpoint-settings-known"],
    [ENDPOINT, "postgresSettings.mapBooleanAsBoolean", "absent", "dms-endpoint-settings-known"],
    [ENDPOINT, "postgresSettings.pluginName", "dangerous", "dms-endpoint-settings-known"],
    [ENDPOINT, "secretsManagerArn", "dangerous", "stack-task-endpoint-directions"],
    [ENDPOINT, "sslMode", "dangerous", "dms-endpoint-tls"],
    [TASK, "cdcStartTime+", "added", "dms-task-captures-changes"],
    [TASK, "migrationType", "dangerous", "dms-task-captures-changes"],
    [TASK, "replicationTaskSettings.ErrorBehavior.+", "added", "dms-task-settings-known"],
    [
        TASK,
        "replicationTaskSettings.ErrorBehavior.DataErrorPolicy",
        "absent",
        "dms-task-loses-no-change",
    ],
    [
        TASK,
        "replicationTaskSettings.FullLoadSettings.StopTaskCachedChangesApplied",
        "dangerous",
        "dms-task-settings-known",
    ],
    [
        TASK,
        "replicationTaskSettings.TargetMetadata.BatchApplyEnabled",
        "dangerous",
        "dms-task-applies-each-change",
    ],
    [
        TASK,
        "replicationTaskSettings.TargetMetadata.SupportLobs",
        "dangerous",
        "dms-task-settings-known",
    ],
    [TASK, "startReplicationTask", "absent", "dms-task-started"],
    [TASK, "tableMappings.rules.*", "absent", "dms-mapping-header-columns"],
    [TASK, "tableMappings.rules.*.+", "added", "dms-mapping-rules-known"],
    [TASK, "tableMappings.rules.*.expression", "dangerous", "dms-mapping-header-columns"],
    [TASK, "tableMappings.rules.*.filters", "dangerous", "dms-mapping-rules-known"],
    [TASK, "tableMappings.rules.*.rule-action", "dangerous", "dms-mapping-rules-known"],
    [TASK, "tableMappings.rules.*.value", "dangerous", "dms-mapping-rules-known"],
    [TASK, "targetEndpointArn", "dangerous", "stack-one-trail"],
    [
        "aws:dms/replicationInstance:ReplicationInstance",
        "autoMinorVersionUpgrade",
        "dangerous",
        "inputs-known",
    ],
    [
        "aws:dms/replicationInstance:ReplicationInstance",
        "publiclyAccessible",
        "absent",
        "dms-instance-not-public",
    ],
    ["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "ingress", "absent", "inputs-known"],
    ["aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", "dangerous", "inputs-known"],
    [INGRESS, "cidrIpv4", "dangerous", "vpc-no-ingress-from-anywhere"],
    [INGRESS, "ipProtocol", "dangerous", "stack-database-ingress-from-groups"],
    [INGRESS, "prefixListId+", "added", "vpc-no-ingress-from-anywhere"],
    [INGRESS, "toPort", "dangerous", "vpc-no-ingress-from-anywhere"],
    ["aws:iam/role:Role", "assumeRolePolicy", "dangerous", "iam-roles-trust-services"],
    ["aws:iam/role:Role", "managedPolicyArns+", "added", "iam-roles-trust-services"],
    ["aws:iam/rolePolicy:RolePolicy", "policy", "dangerous", "iam-policies-narrow"],
    [
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "policyArn",
        "dangerous",
        "iam-managed-policies-known",
    ],
    ["aws:secretsmanager/secret:Secret", "policy+", "added", "secrets-not-public"],
    ["aws:secretsmanager/secret:Secret", "recoveryWindowInDays", "dangerous", "inputs-known"],
    ["postgresql:index/role:Role", "superuser+", "added", "postgresql-roles-limited"],
    ["postgresql:index/schema:Schema", "dropCascade+", "added", "inputs-known"],
];
