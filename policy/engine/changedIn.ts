const TASK_SETTINGS = "components/dms/taskSettings.ts";
const MAPPING = "components/dms/tableMappings.ts, which follows the config key audit-trail:tables";
const ENDPOINT = "components/dms/dmsEndpoint.ts";
const REPLICATION = "components/dms/dmsReplication.ts";
const PARAMETERS = "components/cluster/clusterParameters.ts";
const CLUSTER = "components/cluster/auroraCluster.ts";
const GROUPS = "components/network/securityGroups.ts";
const HOST = "components/network/psqlHost.ts";
const OWN = "the program that makes this resource";

/** Where a setting that a rule refuses is changed, by the rule's name; it completes "Change it in ...". */
export const changedIn: Readonly<Record<string, string>> = {
    "rds-logical-replication-on": PARAMETERS,
    "rds-wal-sender-timeout": PARAMETERS,
    "rds-synchronous-commit-on": PARAMETERS,
    "rds-tls-forced": PARAMETERS,
    "rds-parameters-known": PARAMETERS,
    "rds-not-public": CLUSTER,
    "rds-storage-encrypted": CLUSTER,
    "rds-backups-kept": "the config key audit-trail:backupRetentionDays",
    "rds-logs-exported": CLUSTER,
    "rds-snapshots-private": OWN,
    "dms-instance-not-public": REPLICATION,
    "dms-instance-engine-current": "the config key audit-trail:dmsEngineVersion",
    "dms-endpoint-tls": ENDPOINT,
    "dms-endpoint-secret": ENDPOINT,
    "dms-endpoint-runs-no-script": ENDPOINT,
    "dms-source-writes-no-ddl": ENDPOINT,
    "dms-source-fails-on-truncation": ENDPOINT,
    "dms-endpoint-settings-known": ENDPOINT,
    "dms-task-captures-changes": REPLICATION,
    "dms-task-started": REPLICATION,
    "dms-task-keeps-staging": TASK_SETTINGS,
    "dms-task-applies-each-change": TASK_SETTINGS,
    "dms-task-survives-source-ddl": TASK_SETTINGS,
    "dms-task-loses-no-change": TASK_SETTINGS,
    "dms-task-no-log-group-keys": TASK_SETTINGS,
    "dms-task-logged": TASK_SETTINGS,
    "dms-task-settings-known": `${TASK_SETTINGS}, and LobMaxSize in the config key audit-trail:maxLobSizeKb`,
    "dms-mapping-explicit-tables": MAPPING,
    "dms-mapping-header-columns": MAPPING,
    "dms-mapping-staging-names": MAPPING,
    "dms-mapping-rules-known": MAPPING,
    "vpc-no-ingress-from-anywhere": `${GROUPS}, and for SSH in the config key audit-trail:sshCidr`,
    "vpc-standalone-rules-only": GROUPS,
    "ec2-volumes-encrypted": HOST,
    "ec2-imdsv2-only": HOST,
    "ec2-user-data-without-secrets": "components/network/hostSetup.ts",
    "secrets-not-public": "components/cluster/databaseCredentials.ts",
    "secrets-parameter-encrypted": OWN,
    "iam-policies-narrow": "components/iamPolicies.ts",
    "iam-managed-policies-known": "components/network/psqlHost.ts or components/dms/dmsRoles.ts",
    "iam-roles-trust-services": "components/iamPolicies.ts",
    "postgresql-roles-limited":
        "components/database/auditDatabase.ts or components/database/sourceDatabase.ts",
    "inputs-known": "components, where the resource is made",
    "stack-source-replicates-logically": PARAMETERS,
    "stack-trail-apart-from-source": "index.ts",
    "stack-task-endpoint-directions": REPLICATION,
    "stack-database-ingress-from-groups": GROUPS,
    "stack-removed-columns-chosen": "the config key audit-trail:columns",
    "stack-one-task-per-staging": "the config key audit-trail:tables",
    "stack-one-trail": REPLICATION,
    "stack-trail-protected": "the config key audit-trail:deletionProtection",
    "stack-parameter-family": "the config key audit-trail:engineVersion",
    "stack-private-subnets": "components/network/network.ts",
    "stack-secret-readers": REPLICATION,
    "stack-known-types": OWN,
};
