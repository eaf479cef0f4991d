import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
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
    /** PEM file of the authorities that sign the servers' certificates, as people's commands name it. */
    readonly caBundle: string;
    /** The path at which the program and its plugins find that file, see {@link CaBundle}. */
    readonly caBundlePath: string;
    readonly tags: Tags;
}

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
        const parent = { parent: this };
        const engine = aws.rds.EngineType.AuroraPostgresql;
        const password = new Password(`${name}-master-password`, parent).value;
        const subnetGroup = new aws.rds.SubnetGroup(
            `${name}-subnets`,
            {
                name,
                description: `Private subnets of ${name}`,
                subnetIds: [...args.subnetIds],
                tags: named(name, args.tags),
            },
            parent,
        );
        const parameterGroup = new aws.rds.ClusterParameterGroup(
            `${name}-parameters`,
            {
                // Another major needs another family, and the two groups exist side by side during the upgrade.
                name: `${name}-pg${majorVersion(args.engineVersion)}`,
                family: parameterGroupFamily(args.engineVersion),
                description: `Parameters of ${name}`,
                parameters: [...args.parameters],
                tags: named(name, args.tags),
            },
            parent,
        );
        const cluster = new aws.rds.Cluster(
            `${name}-cluster`,
            {
                clusterIdentifier: name,
                engine,
                engineVersion: args.engineVersion,
                databaseName: args.databaseName,
                masterUsername: args.masterUsername,
                masterPassword: pulumi.secret(password),
                dbSubnetGroupName: subnetGroup.name,
                dbClusterParameterGroupName: parameterGroup.name,
                vpcSecurityGroupIds: [args.securityGroupId],
                storageEncrypted: true,
                backupRetentionPeriod: args.backupRetentionDays,
                copyTagsToSnapshot: true,
                enabledCloudwatchLogsExports: ["postgresql"],
                deletionProtection: args.deletionProtection,
                skipFinalSnapshot: !args.deletionProtection,
                finalSnapshotIdentifier: args.deletionProtection
                    ? pulumi
                          .output(args.subnetIds[0] ?? "")
                          .apply((subnetId) => finalSnapshotName(name, subnetId))
                    : undefined,
                applyImmediately: true,
                // availabilityZones stays unset: Aurora answers with three, and two in the program replace the cluster.
                tags: named(name, args.tags),
            },
            // A replacement is a deletion too, which AWS would refuse only after the engine had begun.
            { parent: this, protect: args.deletionProtection },
        );
        const instance = new aws.rds.ClusterInstance(
            `${name}-instance-1`,
            {
                identifier: `${name}-instance-1`,
                clusterIdentifier: cluster.id,
                engine,
                engineVersion: args.engineVersion,
                instanceClass: args.instanceClass,
                dbSubnetGroupName: subnetGroup.name,
                publiclyAccessible: false,
                caCertIdentifier: CERTIFICATE_AUTHORITY,
                copyTagsToSnapshot: true,
                // The version is the config's decision; an upgrade by AWS would make the next update try to go back.
                autoMinorVersionUpgrade: false,
                applyImmediately: true,
                tags: named(`${name}-instance-1`, args.tags),
            },
            parent,
        );
        this.owner = cluster;
        this.engineVersion = args.engineVersion;
        this.arn = cluster.arn;
        this.host = pulumi.all([cluster.endpoint, instance.id]).apply(([host]) => host);
        this.port = pulumi.all([cluster.port, instance.id]).apply(([port]) => port);
        const { databaseName, masterUsername, caBundle } = args;
        this.psql = pulumi
            .all([this.host, this.port])
            .apply(([host, port]) =>
                psqlCommand({ host, port, databaseName, masterUsername, caBundle }),
            );
        this.masterSecretArn = new DatabaseCredentials(
            `${name}-master`,
            {
                description: `Master user of ${name}`,
                username: args.masterUsername,
                password,
                host: this.host,
                port: this.port,
                databaseName: args.databaseName,
                tags: args.tags,
            },
            parent,
        ).secretArn;
        this.masterConnection = pulumi.secret(
            pulumi.output({
                host: this.host,
                port: this.port,
                database: args.databaseName,
                user: args.masterUsername,
                password,
                caPath: args.caBundlePath,
            }),
        );
        this.registerOutputs({
            arn: this.arn,
            host: this.host,
            port: this.port,
            masterSecretArn: this.masterSecretArn,
            psql: this.psql,
        });
    }
}
