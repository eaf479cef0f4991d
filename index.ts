import * as pulumi from "@pulumi/pulumi";
import { AuroraCluster } from "./components/cluster/auroraCluster";
import { auditParameters, sourceParameters } from "./components/cluster/clusterParameters";
import { masterProvider } from "./components/cluster/postgresqlProvider";
import { AuditDatabase } from "./components/database/auditDatabase";
import { SourceDatabase } from "./components/database/sourceDatabase";
import { DeletionProtection } from "./components/deletionProtection";
import { readCaBundle } from "./components/dms/caBundle";
import { DmsReplication } from "./components/dms/dmsReplication";
import { DmsRoles } from "./components/dms/dmsRoles";
import { taskSettings } from "./components/dms/taskSettings";
import { Network } from "./components/network/network";
import { PrivateEndpoints } from "./components/network/privateEndpoints";
import { PsqlHost } from "./components/network/psqlHost";
import { SecurityGroups } from "./components/network/securityGroups";
import { resourcePrefix } from "./components/resourcePrefix";
import { loadConfig } from "./config/config";
import { formatTableName } from "./trail/names";

const config = loadConfig();
const { path: caBundlePath, pem: caBundlePem } = readCaBundle(__dirname, config.caBundle);
const prefix = resourcePrefix(pulumi.getProject(), pulumi.getStack());
const tags = { Project: pulumi.getProject(), Stack: pulumi.getStack() };

const network = new Network(prefix, { vpcCidr: config.vpcCidr, tags });
const { vpcId, privateSubnetIds: subnetIds, publicSubnetId, publicRouteTableId } = network;
const groups = new SecurityGroups(prefix, { ...config, vpcId, tags });
const prerequisites: pulumi.Resource[] = [];
if (config.createDmsRoles) {
    prerequisites.push(new DmsRoles(prefix, { tags }));
}
const securityGroupId = groups.endpointsId;
if (securityGroupId !== undefined) {
    const args = { vpcId, subnetIds, securityGroupId, publicRouteTableId, tags };
    prerequisites.push(new PrivateEndpoints(prefix, args));
}
const hostArgs = { ...config, subnetId: publicSubnetId, securityGroupId: groups.hostId, tags };
const host = new PsqlHost(`${prefix}-host`, hostArgs);

const clusterArgs = {
    ...config,
    caBundlePath,
    subnetIds,
    securityGroupId: groups.databaseId,
    tags,
};
const sourceArgs = { ...clusterArgs, parameters: sourceParameters() };
const source = new AuroraCluster(`${prefix}-source`, sourceArgs);
const auditArgs = { ...clusterArgs, parameters: auditParameters() };
const audit = new AuroraCluster(`${prefix}-audit`, auditArgs);
const inDatabase = (name: string, server: AuroraCluster): pulumi.ComponentResourceOptions => ({
    providers: { postgresql: masterProvider(name, server, config.engineVersion, caBundlePath) },
});
const sourceDatabase = new SourceDatabase(
    `${prefix}-source-database`,
    { ...config, server: source, tags },
    inDatabase(`${prefix}-source`, source),
);
const auditDatabase = new AuditDatabase(
    `${prefix}-audit-database`,
    { ...config, server: audit, shapes: sourceDatabase.shapes, tags },
    inDatabase(`${prefix}-audit`, audit),
);

const replicationArgs = {
    ...config,
    subnetIds,
    securityGroupId: groups.dmsId,
    caBundlePem,
    prerequisites,
    source: sourceDatabase,
    target: auditDatabase,
    tableMappings: sourceDatabase.tableMappings,
    taskSettings: taskSettings(config),
    tags,
};
const replication = new DmsReplication(prefix, replicationArgs);
const retired = auditDatabase.retireOthers(replication);
new DeletionProtection(`${prefix}-deletionProtection`, {
    deletionProtection: config.deletionProtection,
    everything: [
        ...[network, groups, ...prerequisites, host, source, audit],
        ...[sourceDatabase, auditDatabase, replication, retired],
    ],
});

export const tables = config.tables.map(formatTableName);
export const sourceGuards = config.sourceGuards;
export const sourceEndpoint = source.host;
export const sourcePort = source.port;
export const sourceClusterArn = source.arn;
export const sourceMasterSecretArn = source.masterSecretArn;
export const sourceDmsSecretArn = sourceDatabase.dmsSecretArn;
/** To be run in the project folder, or in the home folder of the psql host; the password is in the master secret. */
export const sourcePsql = source.psql;
export const auditEndpoint = audit.host;
export const auditPort = audit.port;
export const auditClusterArn = audit.arn;
export const auditMasterSecretArn = audit.masterSecretArn;
export const auditDmsSecretArn = auditDatabase.dmsSecretArn;
export const auditPsql = audit.psql;
export const hostId = host.instanceId;
export const hostAddress = host.publicIp;
export const replicationInstanceArn = replication.instanceArn;
export const replicationTaskArn = replication.taskArn;
