import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseServer } from "../cluster/databaseServer";
import { readSecrets, trustService } from "../iamPolicies";
import type { Owner } from "../owner";
import { named, type Tags } from "../tags";
import { regionBundle } from "./caBundle";
import { type EndpointArgs, endpointInputs, sourceSettings, targetSettings } from "./dmsEndpoint";
import { replicationTasks, type ReplicationTasksArgs } from "./replicationTasks";

/** A database. It is ready for DMS once this resource and its children exist. */
export interface DmsDatabase extends pulumi.Resource {
    /** A secret with username, password, host and port. */
    readonly dmsSecretArn: pulumi.Output<string>;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    readonly databaseName: string;
    /** PEM text of the certificate authorities of its server. */
    readonly caBundlePem: string;
}

/** Arguments of {@link DmsReplication}. */
export interface DmsReplicationArgs extends Pick<
    ReplicationTasksArgs,
    "groups" | "guard" | "letJoin" | "tableMappings" | "taskSettings"
> {
    /** Private subnets in two zones. */
    readonly subnetIds: readonly pulumi.Input<string>[];
    readonly securityGroupId: pulumi.Input<string>;
    readonly instanceClass: string;
    readonly engineVersion: string;
    /** In GB. */
    readonly allocatedStorage: number;
    /** Whether a second instance in another zone takes over when the first one fails. */
    readonly multiAz: boolean;
    /** A key of the customer's for storage, endpoints, secrets and the task's log; undefined: the keys that AWS manages. */
    readonly kmsKeyArn: string | undefined;
    readonly source: DmsDatabase;
    readonly target: DmsDatabase;
    /**
     * What DMS needs of the account and the network: its roles, and a way to AWS services. This is an argument and not
     * `dependsOn`, because a component's children do not inherit that option and would be deleted in any order.
     */
    readonly prerequisites: readonly pulumi.Resource[];
    readonly tags: Tags;
}

/** The DMS instance, its two endpoints, and for each group the task that copies its tables and after that every change. */
export class DmsReplication extends pulumi.ComponentResource {
    readonly instanceArn: pulumi.Output<string>;
    /** The ARNs of the tasks, by the names of their groups. */
    readonly taskArns: Readonly<Record<string, pulumi.Output<string>>>;
    /** What tasks waited for that got tables of others. */
    readonly joined: readonly pulumi.Resource[];

    constructor(name: string, args: DmsReplicationArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:DmsReplication", name, {}, opts);
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const region = aws.getRegionOutput({}, owner.opts).region;
        const dnsSuffix = aws.getPartitionOutput({}, owner.opts).dnsSuffix;

        const subnets = subnetGroup(owner, args);
        const instance = replicationInstance(owner, args, subnets);
        // For secrets DMS demands the regional principal.
        const role = accessRole(owner, pulumi.interpolate`dms.${region}.${dnsSuffix}`);
        const policy = accessPolicy(owner, role, args);
        const certificate = caCertificate(owner, "ca", region, args.target.caBundlePem);
        const access: Access = { role, policy, certificate, kmsKeyArn: args.kmsKeyArn };
        const own = args.source.caBundlePem;
        const sourceAccess =
            own === args.target.caBundlePem
                ? access
                : { ...access, certificate: caCertificate(owner, "source-ca", region, own) };
        const source = endpoint(owner, sourceAccess, "source", args.source);
        // One after the other: each stops the tasks to be changed and resumes them.
        const target = endpoint(owner, access, "target", args.target, [source]);
        const { byGroup, joined } = replicationTasks(owner, {
            ...args,
            instanceArn: instance.replicationInstanceArn,
            sourceEndpointArn: source.endpointArn,
            targetEndpointArn: target.endpointArn,
            dependsOn: [args.source, args.target],
        });

        this.instanceArn = instance.replicationInstanceArn;
        this.taskArns = Object.fromEntries(
            Object.entries(byGroup).map(([group, task]) => [group, task.replicationTaskArn]),
        );
        this.joined = joined;
        this.registerOutputs({ instanceArn: this.instanceArn, taskArns: this.taskArns });
    }
}

function subnetGroup(
    { name, tags, opts }: Owner,
    { subnetIds, prerequisites }: DmsReplicationArgs,
): aws.dms.ReplicationSubnetGroup {
    return new aws.dms.ReplicationSubnetGroup(
        `${name}-subnets`,
        {
            replicationSubnetGroupId: name,
            replicationSubnetGroupDescription: "Private subnets of the audit trail",
            subnetIds: [...subnetIds],
            tags: named(name, tags),
        },
        { ...opts, dependsOn: [...prerequisites] },
    );
}

function replicationInstance(
    { name, tags, opts }: Owner,
    args: DmsReplicationArgs,
    subnets: aws.dms.ReplicationSubnetGroup,
): aws.dms.ReplicationInstance {
    // Here and below: with the same id the new one cannot be made beside the old one.
    return new aws.dms.ReplicationInstance(
        `${name}-instance`,
        {
            replicationInstanceId: name,
            replicationInstanceClass: args.instanceClass,
            engineVersion: args.engineVersion,
            allocatedStorage: args.allocatedStorage,
            replicationSubnetGroupId: subnets.id,
            vpcSecurityGroupIds: [args.securityGroupId],
            publiclyAccessible: false,
            multiAz: args.multiAz,
            kmsKeyArn: args.kmsKeyArn,
            // The version is the config's decision: an engine that changes by itself may change what is logged.
            autoMinorVersionUpgrade: false,
            applyImmediately: true,
            tags: named(name, tags),
        },
        {
            ...opts,
            deleteBeforeReplace: true,
            dependsOn: encryptedLog({ name, tags, opts }, args),
        },
    );
}

/** The log group of the task's log, made before DMS makes one that the customer's key does not encrypt. */
function encryptedLog(
    { name, tags, opts }: Owner,
    { kmsKeyArn }: DmsReplicationArgs,
): aws.cloudwatch.LogGroup[] {
    if (kmsKeyArn === undefined) {
        return [];
    }
    const inputs = { name: `dms-tasks-${name}`, kmsKeyId: kmsKeyArn, tags: named(name, tags) };
    return [new aws.cloudwatch.LogGroup(`${name}-log`, inputs, opts)];
}

/** What an endpoint needs to read its secret and to verify its server. */
interface Access {
    readonly role: aws.iam.Role;
    readonly policy: aws.iam.RolePolicy;
    readonly certificate: aws.dms.Certificate;
    readonly kmsKeyArn: string | undefined;
}

/** The role with which DMS, as the service `principal`, reads the endpoints' secrets. */
function accessRole({ name, tags, opts }: Owner, principal: pulumi.Output<string>): aws.iam.Role {
    return new aws.iam.Role(
        `${name}-access`,
        {
            namePrefix: `${name}-access-`,
            description: "Lets DMS read the secrets of its two endpoints",
            assumeRolePolicy: principal.apply((service) => JSON.stringify(trustService(service))),
            tags,
        },
        opts,
    );
}

function accessPolicy(
    { name, opts }: Owner,
    role: aws.iam.Role,
    { source, target, kmsKeyArn }: DmsReplicationArgs,
): aws.iam.RolePolicy {
    const policy = pulumi
        .all([source.dmsSecretArn, target.dmsSecretArn])
        .apply((arns) => JSON.stringify(readSecrets(arns, kmsKeyArn)));
    return new aws.iam.RolePolicy(`${name}-access-secrets`, { role: role.id, policy }, opts);
}

/** The authorities of this region's servers. */
function caCertificate(
    { name, tags, opts }: Owner,
    label: string,
    region: pulumi.Output<string>,
    caBundlePem: string,
): aws.dms.Certificate {
    const resourceName = `${name}-${label}`;
    const certificatePem = region.apply((here) => regionBundle(caBundlePem, here));
    // DMS cannot change a certificate. Another one has another id, so that the endpoints can go over to it.
    const certificateId = certificatePem.apply(
        (pem) => `${resourceName}-${createHash("sha256").update(pem).digest("hex").slice(0, 8)}`,
    );
    return new aws.dms.Certificate(
        resourceName,
        {
            certificateId,
            certificatePem,
            tags: named(resourceName, tags),
        },
        opts,
    );
}

function endpoint(
    { name, tags, opts }: Owner,
    { role, policy, certificate, kmsKeyArn }: Access,
    type: EndpointArgs["type"],
    { dmsEngineName, dmsSecretArn, databaseName }: DmsDatabase,
    after: readonly pulumi.Resource[] = [],
): aws.dms.Endpoint {
    const endpointId = `${name}-${type}`;
    const inputs = endpointInputs(endpointId, {
        type,
        settings: { source: sourceSettings, target: targetSettings }[type],
        engineName: dmsEngineName,
        secretArn: dmsSecretArn,
        databaseName,
        accessRoleArn: role.arn,
        kmsKeyArn,
        certificateArn: certificate.certificateArn,
        tags,
    });
    return new aws.dms.Endpoint(endpointId, inputs, {
        ...opts,
        deleteBeforeReplace: true,
        dependsOn: [policy, ...after],
    });
}
