import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
import type { CaBundle } from "../dms/caBundle";
import type { Owner } from "../owner";
import { stackState } from "../stackState";
import { named } from "../tags";
import { auroraFamily } from "./engineVersion";
import { refuseMajorUpgrade } from "./majorUpgrade";
import {
    CERTIFICATE_AUTHORITY,
    deletionInputs,
    encryptedLog,
    masterAccess,
    type NewServer,
    type NewServerArgs,
    parameterGroupInputs,
    serverOwner,
    subnetGroup,
} from "./newServer";
import { Password } from "./password";

/** Arguments of {@link AuroraCluster}. */
export interface AuroraClusterArgs extends NewServerArgs {
    /** How far a cluster of the class db.serverless grows, in Aurora capacity units; undefined for every other class. */
    readonly serverless: { readonly minCapacity: number; readonly maxCapacity: number } | undefined;
}

const ENGINE = aws.rds.EngineType.AuroraPostgresql;

/**
 * A private, encrypted Aurora PostgreSQL cluster with one instance, or with two in different zones, and its master credentials
 * as a secret.
 */
export class AuroraCluster extends pulumi.ComponentResource implements NewServer {
    readonly engineVersion: string;
    readonly caBundle: CaBundle;
    readonly dmsEngineName = "aurora-postgresql";
    /** The cluster. */
    readonly owner: aws.rds.Cluster;
    readonly arn: pulumi.Output<string>;
    readonly resourceId: pulumi.Output<string>;
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
        const owner = serverOwner(name, args, this);
        const password = new Password(`${name}-master-password`, args.passwordVersion, {
            parent: this,
        });
        const subnets = subnetGroup(owner, args);
        const parameters = parameterGroup(owner, args);
        const cluster = auroraCluster(owner, args, { password, subnets, parameters });
        const writer = clusterInstance(owner, args, { cluster, subnets }, 1);
        if (args.multiAz) {
            // After the first one, which so becomes the writer.
            clusterInstance(owner, args, { cluster, subnets }, 2, [writer]);
        }
        const access = masterAccess(owner, args, {
            host: pulumi.all([cluster.endpoint, writer.id]).apply(([endpoint]) => endpoint),
            port: pulumi.all([cluster.port, writer.id]).apply(([number]) => number),
            password,
        });

        this.owner = cluster;
        this.engineVersion = args.engineVersion;
        this.caBundle = args.caBundle;
        this.arn = cluster.arn;
        this.resourceId = cluster.clusterResourceId;
        this.host = access.host;
        this.port = access.port;
        this.psql = access.psql;
        this.masterSecretArn = access.masterSecretArn;
        this.masterConnection = access.masterConnection;
        this.registerOutputs({
            arn: this.arn,
            host: this.host,
            port: this.port,
            masterSecretArn: this.masterSecretArn,
            psql: this.psql,
        });
    }
}

function parameterGroup(owner: Owner, args: AuroraClusterArgs): aws.rds.ClusterParameterGroup {
    return new aws.rds.ClusterParameterGroup(
        `${owner.name}-parameters`,
        { ...parameterGroupInputs(owner, args), family: auroraFamily(args.engineVersion) },
        owner.opts,
    );
}

/** What the cluster itself is made with. */
interface ClusterParts {
    readonly password: Password;
    readonly subnets: aws.rds.SubnetGroup;
    readonly parameters: aws.rds.ClusterParameterGroup;
}

function auroraCluster(
    owner: Owner,
    args: AuroraClusterArgs,
    { password, subnets, parameters }: ClusterParts,
): aws.rds.Cluster {
    const { name, tags, opts } = owner;
    const inputs: aws.rds.ClusterArgs = {
        clusterIdentifier: name,
        engine: ENGINE,
        engineVersion: args.engineVersion,
        databaseName: args.databaseName,
        masterUsername: args.masterUsername,
        masterPassword: pulumi.secret(password.value),
        iamDatabaseAuthenticationEnabled: args.iamAuthentication,
        dbSubnetGroupName: subnets.name,
        dbClusterParameterGroupName: parameters.name,
        vpcSecurityGroupIds: [args.securityGroupId],
        storageEncrypted: true,
        kmsKeyId: args.kmsKeyArn,
        serverlessv2ScalingConfiguration: args.serverless,
        backupRetentionPeriod: args.backupRetentionDays,
        copyTagsToSnapshot: true,
        enabledCloudwatchLogsExports: ["postgresql"],
        ...deletionInputs(name, args),
        applyImmediately: true,
        // availabilityZones stays unset: Aurora answers with three, and two in the program replace the cluster.
        tags: named(name, tags),
    };
    const resourceName = `${name}-cluster`;
    refuseMajorUpgrade(stackState(), resourceName, args.engineVersion);
    return new aws.rds.Cluster(resourceName, inputs, {
        ...opts,
        ...args.guard.lastingOptionsFor(resourceName),
        dependsOn: encryptedLog(owner, args, "cluster"),
    });
}

function clusterInstance(
    { name, tags, opts }: Owner,
    { engineVersion, instanceClass, guard }: AuroraClusterArgs,
    { cluster, subnets }: { cluster: aws.rds.Cluster; subnets: aws.rds.SubnetGroup },
    number: number,
    dependsOn: pulumi.Resource[] = [],
): aws.rds.ClusterInstance {
    const identifier = `${name}-instance-${number}`;
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
        { ...opts, ...guard.optionsFor(identifier), dependsOn },
    );
}
