/** Where the program makes what rules judge. A rule's `changedIn` completes "Change it in ...". */
export const programFiles = {
    taskSettings: "components/dms/taskSettings.ts",
    mapping: "components/dms/tableMappings.ts, which follows the config key audit-trail:tables",
    endpoint: "components/dms/dmsEndpoint.ts",
    replication: "components/dms/dmsReplication.ts",
    parameters: "components/cluster/serverParameters.ts",
    cluster: "components/cluster/auroraCluster.ts or components/cluster/rdsInstance.ts",
    securityGroups: "components/network/securityGroups.ts",
    psqlHost: "components/network/psqlHost.ts",
    hostVerify: "components/network/hostVerify.ts",
    /** For types that this program does not make. */
    elsewhere: "the program that makes this resource",
} as const;
