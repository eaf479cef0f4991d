import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseServer } from "./components/cluster/databaseServer";
import { ExistingServer } from "./components/cluster/existingServer";
import { loginPolicies } from "./components/cluster/iamLogins";
import { makeServer } from "./components/cluster/makeServer";
import { masterProvider } from "./components/cluster/postgresqlProvider";
import { routed } from "./components/cluster/routed";
import { auditParameters, sourceParameters } from "./components/cluster/serverParameters";
import { findSource } from "./components/cluster/sourceLookup";
import { AuditDatabase } from "./components/database/auditDatabase";
import { SourceDatabase } from "./components/database/sourceDatabase";
import { DeletionProtection } from "./components/deletionProtection";
import { readCaBundle } from "./components/dms/caBundle";
import { DmsReplication } from "./components/dms/dmsReplication";
import { DmsRoles } from "./components/dms/dmsRoles";
import { plannedGroups } from "./components/dms/plannedGroups";
import { taskSettings } from "./components/dms/taskSettings";
import { databaseRoute as routeToDatabases } from "./components/network/databaseRoute";
import { ExistingNetwork } from "./components/network/existingNetwork";
import { HostDatabases } from "./components/network/hostDatabases";
import { HostSessionLog, sessionCommand } from "./components/network/hostSessionLog";
import { Network } from "./components/network/network";
import { PrivateEndpoints } from "./components/network/privateEndpoints";
import { PsqlHost } from "./components/network/psqlHost";
import { SecurityGroups } from "./components/network/securityGroups";
import type { TrailNetwork } from "./components/network/trailNetwork";
import { ReplacementGuard } from "./components/replacementGuard";
import { resourcePrefix } from "./components/resourcePrefix";
import { stackState } from "./components/stackState";
import { loadConfig } from "./config/config";
import { databaseAccess } from "./config/databaseAccess";
import { formatTableName } from "./trail/names";
import { DEFAULT_GROUP } from "./trail/tableGroups";

const config = loadConfig();
const { trail, cluster, dms } = config;
const { databaseName } = cluster;
const { deletionProtection, highAvailability: multiAz, kmsKeyArn, passwordVersion } = config.stack;
const caBundle = readCaBundle(__dirname, cluster.caBundle);
const { path: caBundlePath, pem: caBundlePem } = caBundle;
const prefix = resourcePrefix(pulumi.getProject(), pulumi.getStack());
const tags = { Project: pulumi.getProject(), Stack: pulumi.getStack() };
const acknowledged = config.stack.acknowledgeReplacement;
const guard = new ReplacementGuard({ deletionProtection, acknowledged, deployed: stackState() });

const plan = plannedGroups(trail, prefix);

const isKept = config.audit.server.whenDestroyed === "retain";
const { existing, vpcCidr } = config.network;
const network: TrailNetwork =
    existing === undefined
        ? new Network(prefix, { vpcCidr, hasHost: config.host.wanted, guard, isKept, tags })
        : new ExistingNetwork(prefix, existing);
const { vpcId, privateSubnetIds: subnetIds, publicRouteTableId } = network;
const existingSource = config.source.existing;
const found =
    existingSource === undefined ? undefined : findSource(existingSource, config.source.password);
const ownBundle = existingSource?.kind === "address" ? existingSource.caBundle : undefined;
const ownCaBundle =
    ownBundle === undefined
        ? undefined
        : { file: ownBundle, ...readCaBundle(__dirname, ownBundle, "source") };
const groups = new SecurityGroups(prefix, {
    vpcId,
    host: network.host && { sshCidr: config.host.sshCidr },
    allowedSecurityGroupIds: existing?.allowedSecurityGroupIds ?? [],
    privateEndpoints: config.network.privateEndpoints,
    source: found && {
        ...found.reach,
        port: found.port,
        mayAddRules: existingSource?.allowedSecurityGroup !== undefined,
    },
    isKept,
    tags,
});
const prerequisites: pulumi.Resource[] = [];
if (dms.createRoles) {
    prerequisites.push(new DmsRoles(prefix, { tags }));
}
const securityGroupId = groups.endpointsId;
if (securityGroupId !== undefined) {
    // Without SSH from outside the host has no public address.
    const sessionManager = network.host !== undefined && config.host.sshCidr === undefined;
    const places = { vpcId, subnetIds, securityGroupId, publicRouteTableId };
    const args = { ...places, sessionManager, tags };
    prerequisites.push(new PrivateEndpoints(prefix, args));
}
const host =
    network.host && groups.hostId
        ? new PsqlHost(`${prefix}-host`, {
              place: network.host,
              securityGroupId: groups.hostId,
              hasSsh: config.host.sshCidr !== undefined,
              image: config.host.image,
              instanceType: config.host.instanceType,
              keyName: config.host.keyName,
              engineVersions: [config.audit.server, config.source.server].map(
                  ({ engineVersion }) => engineVersion ?? cluster.engineVersion,
              ),
              kmsKeyArn,
              caBundles: [
                  { file: cluster.caBundle, pem: caBundlePem },
                  ...(ownCaBundle ? [{ file: ownCaBundle.file, pem: ownCaBundle.pem }] : []),
              ],
              dependsOn: [groups, ...prerequisites],
              tags,
          })
        : undefined;
const route = routeToDatabases({
    access: databaseAccess(config),
    host,
    sshHost: config.access.sshHost,
    sshHostKey: config.access.sshHostKey,
    region: aws.getRegionOutput().region,
    profile: new pulumi.Config("aws").get("profile"),
});

const allServers = {
    caBundle: cluster.caBundle,
    engineVersion: cluster.engineVersion,
    instanceClass: cluster.instanceClass,
    databaseName,
    masterUsername: cluster.masterUsername,
    backupRetentionDays: cluster.backupRetentionDays,
    subnetIds,
    securityGroupId: groups.databaseId,
    multiAz,
    deletionProtection,
    guard,
    kmsKeyArn,
    passwordVersion,
    caBundlePath,
    tags,
};
const sourceDatabaseName = existingSource?.databaseName ?? databaseName;
const source = found
    ? new ExistingServer(`${prefix}-source`, {
          found,
          databaseName: sourceDatabaseName,
          route,
          caBundle: ownCaBundle ?? caBundle,
          caBundleName: ownCaBundle?.file ?? cluster.caBundle,
          kmsKeyArn,
          tags,
      })
    : makeServer(`${prefix}-source`, config.source.server, sourceParameters(), allServers);
const iamUsers = config.audit.users.filter(({ authentication }) => authentication === "iam");
const audit = makeServer(`${prefix}-audit`, config.audit.server, auditParameters(), {
    ...allServers,
    ...(iamUsers.length > 0 ? { iamAuthentication: true } : {}),
});
const hostDatabases =
    host &&
    new HostDatabases(`${prefix}-host-databases`, {
        parameterName: host.parameterName,
        role: host.roleName,
        source: {
            host: source.host,
            port: source.port,
            databaseName: sourceDatabaseName,
            caBundle: ownCaBundle?.file ?? cluster.caBundle,
            masterSecretArn: source.masterSecretArn,
        },
        audit: {
            host: audit.host,
            port: audit.port,
            databaseName,
            caBundle: cluster.caBundle,
            masterSecretArn: audit.masterSecretArn,
        },
        readsSecrets: config.host.secrets === "master",
        kmsKeyArn,
        tags,
    });
const sessionLog =
    host && config.host.sessionLog
        ? new HostSessionLog(`${prefix}-host-sessions`, { role: host.roleName, kmsKeyArn, tags })
        : undefined;
const inDatabase = (name: string, server: DatabaseServer): pulumi.ComponentResourceOptions => ({
    providers: { postgresql: masterProvider(name, routed(server, route), caBundlePath) },
});
export const sourceGuards = config.source.guards;
const sourceDatabase = new SourceDatabase(
    `${prefix}-source-database`,
    {
        server: routed(source, route),
        databaseName: sourceDatabaseName,
        tables: trail.tables,
        groups: plan.groups,
        columns: trail.columns,
        demoTable: config.source.demoTable,
        otherServer: audit,
        sourceGuards,
        allowTruncate: config.source.allowTruncate,
        allowKeyUpdates: config.source.allowKeyUpdates,
        fullReplicaIdentity: config.source.fullReplicaIdentity,
        kmsKeyArn,
        passwordVersion,
        tags,
    },
    inDatabase(`${prefix}-source`, source),
);
const auditDatabase = new AuditDatabase(
    `${prefix}-audit-database`,
    {
        server: routed(audit, route),
        databaseName,
        tables: trail.tables,
        groups: plan.groups,
        columns: trail.columns,
        definitions: sourceDatabase.definitions,
        users: config.audit.users,
        guard,
        kmsKeyArn,
        passwordVersion,
        tags,
    },
    inDatabase(`${prefix}-audit`, audit),
);

const replication = new DmsReplication(prefix, {
    subnetIds,
    securityGroupId: groups.dmsId,
    instanceClass: dms.instanceClass,
    engineVersion: dms.engineVersion,
    allocatedStorage: dms.allocatedStorage,
    multiAz,
    kmsKeyArn,
    caBundlePem,
    prerequisites,
    source: sourceDatabase,
    target: auditDatabase,
    groups: plan.groups,
    letJoin: plan.mayMove ? (early) => auditDatabase.letJoin(early) : undefined,
    tableMappings: sourceDatabase.tableMappings,
    taskSettings: taskSettings({ maxLobSizeKb: dms.maxLobSizeKb }),
    guard,
    tags,
});
const retired = auditDatabase.retireOthers(replication);
const everything = [
    ...[network, groups, ...prerequisites, ...(host ? [host] : []), source, audit],
    ...[hostDatabases, sessionLog].filter((made) => made !== undefined),
    ...[sourceDatabase, auditDatabase, replication, ...replication.joined, retired],
];
const checks = sourceDatabase.checkDestroy(`${prefix}-destroy-check`, everything);
new DeletionProtection(`${prefix}-deletionProtection`, {
    deletionProtection,
    everything: [...everything, ...checks],
});

export const tables = trail.tables.map(formatTableName);
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
/** By login: the policy that a person's IAM role needs to log in to the audit server as it. */
export const auditLoginPolicies =
    iamUsers.length === 0
        ? undefined
        : loginPolicies(
              audit,
              iamUsers.map(({ login }) => login),
          );
export const hostId = host?.instanceId;
/** A shell on the host by Session Manager, for whose machine has the AWS CLI and its plugin. */
export const hostSession =
    host && sessionCommand(host.instanceId, aws.getRegionOutput().region, sessionLog?.documentName);
export const hostAddress = host?.publicIp;
/** The way to the databases from the machine that runs Pulumi or a command. */
export const databaseRoute = route;
export const replicationInstanceArn = replication.instanceArn;
export const replicationTaskArn = replication.taskArns[DEFAULT_GROUP];
/** The tasks of all groups, by the names of the groups. */
export const replicationTaskArns = replication.taskArns;
