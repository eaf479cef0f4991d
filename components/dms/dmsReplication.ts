import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseServer } from "../cluster/databaseServer";
import { readSecrets, trustService } from "../iamPolicies";
import { named, type Tags } from "../tags";
import { regionBundle } from "./caBundle";
import { type EndpointArgs, endpointInputs, sourceSettings, targetSettings } from "./dmsEndpoint";
import type { TableMappings } from "./tableMappings";

/** A database. It is ready for DMS once this resource and its children exist. */
export interface DmsDatabase extends pulumi.Resource {
    /** A secret with username, password, host and port. */
    readonly dmsSecretArn: pulumi.Output<string>;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    readonly databaseName: string;
}

/** Arguments of {@link DmsReplication}. */
export interface DmsReplicationArgs {
    /** Private subnets in two zones. */
    readonly subnetIds: readonly pulumi.Input<string>[];
    readonly securityGroupId: pulumi.Input<string>;
    readonly instanceClass: string;
    readonly engineVersion: string;
    /** In GB. */
    readonly allocatedStorage: number;
    /** PEM text of the database servers' certificate authorities. */
    readonly caBundlePem: string;
    readonly source: DmsDatabase;
    readonly target: DmsDatabase;
    /**
     * What DMS needs of the account and the network: its roles, and a way to AWS services. This is an argument and not
     * `dependsOn`, because a component's children do not inherit that option and would be deleted in any order.
     */
    readonly prerequisites: readonly pulumi.Resource[];
    /** When they change, the task is stopped and resumed. */
    readonly tableMappings: pulumi.Input<TableMappings>;
    readonly taskSettings: Readonly<Record<string, unknown>>;
    readonly tags: Tags;
}

/** The DMS instance, its two endpoints, and the task that copies the tables and after that every change. */
export class DmsReplication extends pulumi.ComponentResource {
    readonly instanceArn: pulumi.Output<string>;
    readonly taskArn: pulumi.Output<string>;

    constructor(name: string, args: DmsReplicationArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:DmsReplication", name, {}, opts);
        const parent = { parent: this };
        const region = aws.getRegionOutput({}, parent).region;
        const dnsSuffix = aws.getPartitionOutput({}, parent).dnsSuffix;

        const subnetGroup = new aws.dms.ReplicationSubnetGroup(
            `${name}-subnets`,
            {
                replicationSubnetGroupId: name,
                replicationSubnetGroupDescription: "Private subnets of the audit trail",
                subnetIds: [...args.subnetIds],
                tags: named(name, args.tags),
            },
            { parent: this, dependsOn: [...args.prerequisites] },
        );
        const instance = new aws.dms.ReplicationInstance(
            `${name}-instance`,
            {
                replicationInstanceId: name,
                replicationInstanceClass: args.instanceClass,
                engineVersion: args.engineVersion,
                allocatedStorage: args.allocatedStorage,
                replicationSubnetGroupId: subnetGroup.id,
                vpcSecurityGroupIds: [args.securityGroupId],
                publiclyAccessible: false,
                multiAz: false,
                // The version is the config's decision: an engine that changes by itself may change what is logged.
                autoMinorVersionUpgrade: false,
                applyImmediately: true,
                tags: named(name, args.tags),
            },
            parent,
        );

        const accessRole = new aws.iam.Role(
            `${name}-access`,
            {
                namePrefix: `${name}-access-`,
                description: "Lets DMS read the secrets of its two endpoints",
                // For secrets the regional principal is asked for.
                assumeRolePolicy: pulumi.interpolate`dms.${region}.${dnsSuffix}`.apply((service) =>
                    JSON.stringify(trustService(service)),
                ),
                tags: args.tags,
            },
            parent,
        );
        const accessPolicy = new aws.iam.RolePolicy(
            `${name}-access-secrets`,
            {
                role: accessRole.id,
                policy: pulumi
                    .all([args.source.dmsSecretArn, args.target.dmsSecretArn])
                    .apply((arns) => JSON.stringify(readSecrets(arns))),
            },
            parent,
        );
        const certificate = new aws.dms.Certificate(
            `${name}-ca`,
            {
                certificateId: `${name}-ca`,
                certificatePem: region.apply((here) => regionBundle(args.caBundlePem, here)),
                tags: named(`${name}-ca`, args.tags),
            },
            parent,
        );
        const endpoint = (
            type: EndpointArgs["type"],
            database: DmsDatabase,
            settings: EndpointArgs["settings"],
        ): aws.dms.Endpoint =>
            new aws.dms.Endpoint(
                `${name}-${type}`,
                endpointInputs(`${name}-${type}`, {
                    type,
                    settings,
                    engineName: database.dmsEngineName,
                    secretArn: database.dmsSecretArn,
                    databaseName: database.databaseName,
                    accessRoleArn: accessRole.arn,
                    certificateArn: certificate.certificateArn,
                    tags: args.tags,
                }),
                { parent: this, dependsOn: [accessPolicy] },
            );
        const source = endpoint("source", args.source, sourceSettings);
        const target = endpoint("target", args.target, targetSettings);

        const task = new aws.dms.ReplicationTask(
            `${name}-task`,
            {
                replicationTaskId: name,
                migrationType: "full-load-and-cdc",
                replicationInstanceArn: instance.replicationInstanceArn,
                sourceEndpointArn: source.endpointArn,
                targetEndpointArn: target.endpointArn,
                tableMappings: pulumi.jsonStringify(args.tableMappings),
                replicationTaskSettings: JSON.stringify(args.taskSettings),
                // A change of the task stops it, and only this starts it again.
                startReplicationTask: true,
                tags: named(name, args.tags),
            },
            // It writes as soon as it runs, and what it writes without triggers is not logged; meanwhile the instance is created.
            { parent: this, dependsOn: [args.source, args.target] },
        );
        this.instanceArn = instance.replicationInstanceArn;
        this.taskArn = task.replicationTaskArn;
        this.registerOutputs({ instanceArn: this.instanceArn, taskArn: this.taskArn });
    }
}
