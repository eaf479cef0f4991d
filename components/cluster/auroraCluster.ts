import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
import type { Owner } from "../owner";
import type { ReplacementGuard } from "../replacementGuard";
import { named, type Tags } from "../tags";
import type { ClusterParameter } from "./clusterParameters";
import { DatabaseCredentials } from "./databaseCredentials";
import type { DatabaseServer } from "./databaseServer";
import { majorVersion, parameterGroupFamily } from "./engineVersion";
import { Password } from "./password";
import { psqlCommand } from "./psqlCommand";

/** Arguments of {@link AuroraCluster}. */
export interface AuroraClusterArgs {
    readonly engineVersion: string;
    readonly instanceClass: string;
    readonly databaseName: string;
    readonly masterUsername: string;
    readonly parameters: readonly ClusterParameter[];
    /** Private subnets in two zones. */
    readonly subnetIds: readonly pulumi.Input<string>[];
    readonly securityGroupId: pulumi.Input<string>;
    readonly backupRetentionDays: number;
    /**
     * Whether the engine and AWS refuse to delete the cluster. While it is true, a cluster that is deleted in another way
     * leaves a final snapshot. Setting it to false by an update says that no final snapshot is wanted.
     */
    readonly deletionProtection: boolean;
    readonly guard: Pick<ReplacementGuard, "optionsFor">;
    /** PEM file of the authorities that sign the servers' certificates, as people's commands name it. */
    readonly caBundle: string;
    /** The path at which the program and its plugins find that file, see {@link CaBundle}. */
    readonly caBundlePath: string;
    readonly tags: Tags;
}

const ENGINE = aws.rds.EngineType.AuroraPostgresql;

/**
 * The certificate authority of the instances' certificates; its roots are in certs/rds-ca-bundle.pem.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
 */
const CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1";

/**
 * The name of the final snapshot. It contains the random part of the subnet's id, because a stack that is deployed again
 * after a destroy needs another name.
 */
export function finalSnapshotName(cluster: string, subnetId: string): string {
    return `${cluster}-final-${subnetId.replace(/[^A-Za-z0-9]/g, "").slice(-8)}`;
}

/** A private, encrypted Aurora PostgreSQL cluster with one instance, and its master credentials as a secret. */
export class AuroraCluster extends pulumi.ComponentResource implements DatabaseServer {
    readonly engineVersion: string;
    readonly dmsEngineName = "aurora-postgresql";
    /** The cluster. */
    readonly owner: aws.rds.Cluster;
    readonly arn: pulumi.Output<string>;
    /** Name of the writer; known when the instance answers. */
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    readonly masterSecretArn: pulumi.Output<string>;
    /** A command for people; the password is in the master secret. */
    readonly psql: pulumi.Output<string>;
    /** The way in as the master user; a secret. */
    readonly masterConnection: pulumi.Output<Connection>;

    /** @param name Also the cluster's identifier in the account. */
    constructor(name: string, args: AuroraClusterArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuroraCluster", name, {}, opts);
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const password = new Password(`${name}-master-password`, owner.opts).value;
        const subnets = subnetGroup(owner, args);
        const parameters = parameterGroup(owner, args);
        const cluster = auroraCluster(owner, args, { password, subnets, parameters });
        const writer = clusterInstance(owner, args, cluster, subnets);
        const host = pulumi.all([cluster.endpoint, writer.id]).apply(([endpoint]) => endpoint);
        const port = pulumi.all([cluster.port, writer.id]).apply(([number]) => number);

        this.owner = cluster;
        this.engineVersion = args.engineVersion;
        this.arn = cluster.arn;
        this.host = host;
        this.port = port;
        this.psql = psqlOf(args, host, port);
        this.masterSecretArn = masterSecret(owner, args, { host, port, password });
        this.masterConnection = connectionOf(args, { host, port, password });
        this.registerOutputs({
            arn: this.arn,
            host: this.host,
            port: this.port,
            masterSecretArn: this.masterSecretArn,
            psql: this.psql,
        });
    }
}

/** Where the writer is, and the password of its master user. */
interface MasterLogin {
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    readonly password: pulumi.Output<string>;
}

function subnetGroup(
    { name, tags, opts }: Owner,
    { subnetIds }: AuroraClusterArgs,
): aws.rds.SubnetGroup {
    return new aws.rds.SubnetGroup(
        `${name}-subnets`,
        {
            name,
            description: `Private subnets of ${name}`,
            subnetIds: [...subnetIds],
            tags: named(name, tags),
        },
        opts,
    );
}

function parameterGroup(
    { name, tags, opts }: Owner,
    { engineVersion, parameters }: AuroraClusterArgs,
): aws.rds.ClusterParameterGroup {
    return new aws.rds.ClusterParameterGroup(
        `${name}-parameters`,
        {
            // Another major needs another family, and the two groups exist side by side during the upgrade.
            name: `${name}-pg${majorVersion(engineVersion)}`,
            family: parameterGroupFamily(engineVersion),
            description: `Parameters of ${name}`,
            parameters: [...parameters],
            tags: named(name, tags),
        },
        opts,
    );
}

/** What the cluster itself is made with. */
interface ClusterParts {
    readonly password: pulumi.Output<string>;
    readonly subnets: aws.rds.SubnetGroup;
    readonly parameters: aws.rds.ClusterParameterGroup;
}

function auroraCluster(
    { name, tags, opts }: Owner,
    args: AuroraClusterArgs,
    { password, subnets, parameters }: ClusterParts,
): aws.rds.Cluster {
    const inputs: aws.rds.ClusterArgs = {
        clusterIdentifier: name,
        engine: ENGINE,
        engineVersion: args.engineVersion,
        databaseName: args.databaseName,
        masterUsername: args.masterUsername,
        masterPassword: pulumi.secret(password),
        dbSubnetGroupName: subnets.name,
        dbClusterParameterGroupName: parameters.name,
        vpcSecurityGroupIds: [args.securityGroupId],
        storageEncrypted: true,
        backupRetentionPeriod: args.backupRetentionDays,
        copyTagsToSnapshot: true,
        enabledCloudwatchLogsExports: ["postgresql"],
        ...deletionInputs(name, args),
        applyImmediately: true,
        // availabilityZones stays unset: Aurora answers with three, and two in the program replace the cluster.
        tags: named(name, tags),
    };
    const resourceName = `${name}-cluster`;
    const guarded = args.guard.optionsFor(resourceName);
    return new aws.rds.Cluster(resourceName, inputs, { ...opts, ...guarded });
}

/** What the cluster's deletion needs and leaves behind. */
function deletionInputs(
    name: string,
    { deletionProtection, subnetIds }: AuroraClusterArgs,
): Pick<
    aws.rds.ClusterArgs,
    "deletionProtection" | "skipFinalSnapshot" | "finalSnapshotIdentifier"
> {
    if (!deletionProtection) {
        return { deletionProtection, skipFinalSnapshot: true };
    }
    const finalSnapshotIdentifier = pulumi
        .output(subnetIds[0] ?? "")
        .apply((subnetId) => finalSnapshotName(name, subnetId));
    return { deletionProtection, skipFinalSnapshot: false, finalSnapshotIdentifier };
}

function clusterInstance(
    { name, tags, opts }: Owner,
    { engineVersion, instanceClass, guard }: AuroraClusterArgs,
    cluster: aws.rds.Cluster,
    subnets: aws.rds.SubnetGroup,
): aws.rds.ClusterInstance {
    const identifier = `${name}-instance-1`;
    return new aws.rds.ClusterInstance(
        identifier,
        {
            identifier,
            clusterIdentifier: cluster.id,
            engine: ENGINE,
            engineVersion,
            instanceClass,
            dbSubnetGroupName: subnets.name,
            publiclyAccessible: false,
            caCertIdentifier: CERTIFICATE_AUTHORITY,
            copyTagsToSnapshot: true,
            // The version is the config's decision; an upgrade by AWS would make the next update try to go back.
            autoMinorVersionUpgrade: false,
            applyImmediately: true,
            tags: named(identifier, tags),
        },
        { ...opts, ...guard.optionsFor(identifier) },
    );
}

function psqlOf(
    { databaseName, masterUsername, caBundle }: AuroraClusterArgs,
    host: pulumi.Output<string>,
    port: pulumi.Output<number>,
): pulumi.Output<string> {
    return pulumi.all([host, port]).apply(([knownHost, knownPort]) =>
        psqlCommand({
            host: knownHost,
            port: knownPort,
            databaseName,
            masterUsername,
            caBundle,
        }),
    );
}

function masterSecret(
    { name, tags, opts }: Owner,
    { databaseName, masterUsername: username }: AuroraClusterArgs,
    login: MasterLogin,
): pulumi.Output<string> {
    return new DatabaseCredentials(
        `${name}-master`,
        { description: `Master user of ${name}`, username, databaseName, tags, ...login },
        opts,
    ).secretArn;
}

function connectionOf(
    { databaseName: database, masterUsername: user, caBundlePath: caPath }: AuroraClusterArgs,
    login: MasterLogin,
): pulumi.Output<Connection> {
    return pulumi.secret(pulumi.output({ ...login, database, user, caPath }));
}
