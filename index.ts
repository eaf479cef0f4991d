import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ExistingServer } from "./components/cluster/existingServer";
import { loginPolicies, loginsByIam } from "./components/cluster/iamLogins";
import { makeServer, type UsualServer } from "./components/cluster/makeServer";
import type { NewServer } from "./components/cluster/newServer";
import { madeAt } from "./components/cluster/postgresqlProvider";
import { routed } from "./components/cluster/routed";
import { auditParameters, sourceParameters } from "./components/cluster/serverParameters";
import { findSource } from "./components/cluster/sourceLookup";
import { AuditDatabase } from "./components/database/auditDatabase";
import { SourceDatabase } from "./components/database/sourceDatabase";
import { DeletionProtection } from "./components/deletionProtection";
import { type CaBundle, readCaBundle } from "./components/dms/caBundle";
import { DmsReplication } from "./components/dms/dmsReplication";
import { DmsRoles } from "./components/dms/dmsRoles";
import { stackRoles } from "./components/dms/missingRoles";
import { plannedGroups } from "./components/dms/plannedGroups";
import { taskSettings } from "./components/dms/taskSettings";
import { routeToDatabases } from "./components/network/databaseRoute";
import { ExistingNetwork } from "./components/network/existingNetwork";
import { HostDatabases } from "./components/network/hostDatabases";
import { hostProgram } from "./components/network/hostProgram";
import { HostSessionLog, sessionCommand } from "./components/network/hostSessionLog";
import { HostVerify } from "./components/network/hostVerify";
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
const { deletionProtection, highAvailability: multiAz, kmsKeyArn, passwordVersion } = config.stack;
const prefix = resourcePrefix(pulumi.getProject(), pulumi.getStack());
const tags = { Project: pulumi.getProject(), Stack: pulumi.getStack() };
const acknowledged = config.stack.acknowledgeReplacement;
const guard = new ReplacementGuard({ deletionProtection, acknowledged, deployed: stackState() });
const plan = plannedGroups(trail, prefix);

const iamLogins = loginsByIam(config.audit.users);
const isKept = config.audit.server.whenDestroyed === "retain";
const existingSource = config.source.existing;
const caBundle = readCaBundle(__dirname, cluster.caBundle);
const sourceCaBundle = ownCaBundle() ?? caBundle;
const sourceDatabaseName = existingSource?.databaseName ?? cluster.databaseName;

const network = makeNetwork();
const { vpcId, privateSubnetIds: subnetIds, publicRouteTableId } = network;
const found = existingSource && findSource(existingSource, config.source.password);
const groups = makeSecurityGroups();
const prerequisites = makePrerequisites();
const host = makePsqlHost();
const { region } = aws.getRegionOutput();
const route = routeToDatabases({
    access: databaseAccess(config),
    host,
    sshHost: config.access.sshHost,
    sshHostKey: config.access.sshHostKey,
    region,
    profile: new pulumi.Config("aws").get("profile"),
});

const source = makeSource();
const audit = makeAudit();
guard.refuseLeavers();
const hostVerify = host && makeHostVerify(host);
const hostDatabases = host && makeHostDatabases(host);
const sessionLog = host && makeSessionLog(host);

const sourceDatabase = makeSourceDatabase();
const auditDatabase = makeAuditDatabase();
const replication = makeReplication();
const late = [auditDatabase.retireOthers(replication), sourceDatabase.unguardOthers(replication)];
protectEverything();

export const sourceGuards = config.source.guards;
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
export const auditLoginPolicies = loginPolicies(audit, iamLogins);
export const hostId = host?.instanceId;
/** A shell on the host by Session Manager, for whose machine has the AWS CLI and its plugin. */
export const hostSession =
    host && sessionCommand(host.instanceId, region, sessionLog?.documentName);
export const hostAddress = host?.publicIp;
/** The way to the databases from the machine that runs Pulumi or a command. */
export const databaseRoute = route;
export const replicationInstanceArn = replication.instanceArn;
export const replicationTaskArn = replication.taskArns[DEFAULT_GROUP];
/** The tasks of all groups, by the names of the groups. */
export const replicationTaskArns = replication.taskArns;

/** The authorities of an existing source that has its own. */
function ownCaBundle(): CaBundle | undefined {
    const file = existingSource?.kind === "address" ? existingSource.caBundle : undefined;
    return file === undefined ? undefined : readCaBundle(__dirname, file, "source");
}

function makeNetwork(): TrailNetwork {
    const { existing, vpcCidr } = config.network;
    return existing === undefined
        ? new Network(prefix, { vpcCidr, hasHost: config.host.wanted, guard, isKept, tags })
        : new ExistingNetwork(prefix, existing);
}

function makeSecurityGroups(): SecurityGroups {
    const mayAddRules = existingSource?.allowedSecurityGroup !== undefined;
    return new SecurityGroups(prefix, {
        vpcId,
        host: network.host && { sshCidr: config.host.sshCidr },
        allowedSecurityGroupIds: config.network.existing?.allowedSecurityGroupIds ?? [],
        privateEndpoints: config.network.privateEndpoints,
        source: found && { ...found.reach, port: found.port, mayAddRules },
        isKept,
        tags,
    });
}

/** What DMS and the psql host need of the account and of the network. */
function makePrerequisites(): pulumi.Resource[] {
    const names = stackRoles(stackState(), dms.createRoles);
    const roles = names.length > 0 ? [new DmsRoles(prefix, { names, tags })] : [];
    const securityGroupId = groups.endpointsId;
    if (securityGroupId === undefined) {
        return roles;
    }
    // Without SSH from outside the host has no public address.
    const sessionManager = network.host !== undefined && config.host.sshCidr === undefined;
    const places = { vpcId, subnetIds: network.endpointSubnetIds, securityGroupId };
    const args = { ...places, publicRouteTableId, sessionManager, tags };
    return [...roles, new PrivateEndpoints(prefix, args)];
}

function makePsqlHost(): PsqlHost | undefined {
    if (network.host === undefined || groups.hostId === undefined) {
        return undefined;
    }
    return new PsqlHost(`${prefix}-host`, {
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
        caBundles: [...new Set([caBundle, sourceCaBundle])],
        dependsOn: [groups, ...prerequisites],
        tags,
    });
}

/** What both servers have, unless the config says otherwise of one of them. */
function usualServer(): UsualServer {
    return {
        caBundle,
        engineVersion: cluster.engineVersion,
        instanceClass: cluster.instanceClass,
        databaseName: cluster.databaseName,
        masterUsername: cluster.masterUsername,
        backupRetentionDays: cluster.backupRetentionDays,
        subnetIds,
        securityGroupId: groups.databaseId,
        multiAz,
        deletionProtection,
        guard,
        kmsKeyArn,
        passwordVersion,
        tags,
    };
}

function makeSource(): ExistingServer | NewServer {
    const name = `${prefix}-source`;
    if (found === undefined) {
        return makeServer(name, config.source.server, sourceParameters(), usualServer());
    }
    const args = { found, databaseName: sourceDatabaseName, caBundle: sourceCaBundle };
    return new ExistingServer(name, { ...args, route, kmsKeyArn, tags });
}

function makeAudit(): NewServer {
    return makeServer(`${prefix}-audit`, config.audit.server, auditParameters(), {
        ...usualServer(),
        ...(iamLogins.length > 0 ? { iamAuthentication: true } : {}),
    });
}

/** The program of audit-verify, which needs both master secrets. */
function makeHostVerify({ roleName: role }: PsqlHost): HostVerify | undefined {
    if (config.host.secrets !== "master") {
        return undefined;
    }
    const program = hostProgram({
        tables: trail.tables.map(formatTableName),
        guardsExpected: config.source.guards,
    });
    return new HostVerify(`${prefix}-verify`, { role, program, kmsKeyArn, tags });
}

/** Lets the commands on the psql host find the databases. */
function makeHostDatabases({ parameterName, roleName }: PsqlHost): HostDatabases {
    return new HostDatabases(`${prefix}-host-databases`, {
        parameterName,
        role: roleName,
        source: { server: source, databaseName: sourceDatabaseName },
        audit: { server: audit, databaseName: cluster.databaseName },
        readsSecrets: config.host.secrets === "master",
        verify: hostVerify?.place,
        kmsKeyArn,
        tags,
    });
}

function makeSessionLog({ roleName: role }: PsqlHost): HostSessionLog | undefined {
    return config.host.sessionLog
        ? new HostSessionLog(`${prefix}-host-sessions`, { role, kmsKeyArn, tags })
        : undefined;
}

function makeSourceDatabase(): SourceDatabase {
    const server = routed(source, route);
    return new SourceDatabase(
        `${prefix}-source-database`,
        {
            server,
            databaseName: sourceDatabaseName,
            tables: trail.tables,
            groups: plan.byName,
            columns: trail.columns,
            demoTable: config.source.demoTable,
            otherServer: audit,
            sourceGuards: config.source.guards,
            allowTruncate: config.source.allowTruncate,
            allowKeyUpdates: config.source.allowKeyUpdates,
            fullReplicaIdentity: config.source.fullReplicaIdentity,
            kmsKeyArn,
            passwordVersion,
            tags,
        },
        madeAt(`${prefix}-source`, server),
    );
}

function makeAuditDatabase(): AuditDatabase {
    const server = routed(audit, route);
    return new AuditDatabase(
        `${prefix}-audit-database`,
        {
            server,
            databaseName: cluster.databaseName,
            tables: trail.tables,
            groups: plan.byName,
            columns: trail.columns,
            definitions: sourceDatabase.definitions,
            users: config.audit.users,
            guard,
            kmsKeyArn,
            passwordVersion,
            tags,
        },
        madeAt(`${prefix}-audit`, server),
    );
}

function makeReplication(): DmsReplication {
    return new DmsReplication(prefix, {
        subnetIds,
        securityGroupId: groups.dmsId,
        instanceClass: dms.instanceClass,
        engineVersion: dms.engineVersion,
        allocatedStorage: dms.allocatedStorage,
        multiAz,
        kmsKeyArn,
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
}

/** Protects the stack's resources; a new one of the program belongs into the list. */
function protectEverything(): void {
    const everything = [
        ...[network, groups, ...prerequisites, ...(host ? [host] : []), source, audit],
        ...[hostVerify, hostDatabases, sessionLog].filter((made) => made !== undefined),
        ...[sourceDatabase, auditDatabase, replication, ...replication.joined, ...late],
    ];
    const checks = sourceDatabase.checkDestroy(`${prefix}-destroy-check`, everything);
    new DeletionProtection(`${prefix}-deletionProtection`, {
        deletionProtection,
        everything: [...everything, ...checks],
    });
}
