import { sourceSettings, targetSettings } from "../../../components/dms/dmsEndpoint";
import { taskSettings } from "../../../components/dms/taskSettings";
import { sessionDocument } from "../../../components/network/hostSessionLog";
import type { Values } from "../../../policy/engine/values";
import { HEADERS } from "../../../trail/headerColumns";
import { type JudgedResource, UNKNOWN } from "./judge";

/** An input that is made from outputs of other resources, and so unknown in the first preview. */
export class Reference {
    readonly names: readonly string[];
    constructor(...names: readonly string[]) {
        this.names = names;
    }
}

/** A resource as a program writes it: a {@link Reference} where it uses another resource. */
export interface WrittenResource {
    readonly type: string;
    readonly name: string;
    readonly inputs: Values;
}

const header = (id: number, value: string, expression: string, dataType: Values): Values => ({
    "rule-type": "transformation",
    "rule-id": String(id),
    "rule-name": String(id),
    "rule-action": "add-column",
    "rule-target": "column",
    "object-locator": { "schema-name": "public", "table-name": "items" },
    value,
    expression,
    "data-type": dataType,
});

/** The mapping of one table, as the project writes it. */
export const goodMapping: { readonly rules: readonly Values[] } = {
    rules: [
        {
            "rule-type": "selection",
            "rule-id": "1",
            "rule-name": "1",
            "rule-action": "explicit",
            "object-locator": { "schema-name": "public", "table-name": "items" },
            filters: [],
        },
        {
            "rule-type": "transformation",
            "rule-id": "2",
            "rule-name": "2",
            "rule-action": "rename",
            "rule-target": "table",
            "object-locator": { "schema-name": "public", "table-name": "items" },
            value: "items_staging",
        },
        ...HEADERS.map(({ name, expression, dataType }, at) =>
            header(3 + at, name, expression, dataType),
        ),
    ],
};

/** The task settings that the project deploys. */
export const goodSettings = taskSettings({ maxLobSizeKb: 64 }) as Readonly<Record<string, Values>>;

function cluster(side: string, parameters: readonly Values[]): WrittenResource[] {
    return [
        {
            type: "aws:rds/clusterParameterGroup:ClusterParameterGroup",
            name: `${side}-parameters`,
            inputs: { family: "aurora-postgresql17", parameters },
        },
        {
            type: "aws:rds/cluster:Cluster",
            name: `${side}-cluster`,
            inputs: {
                engine: "aurora-postgresql",
                engineVersion: "17.7",
                deletionProtection: true,
                skipFinalSnapshot: false,
                finalSnapshotIdentifier: `${side}-final`,
                dbClusterParameterGroupName: new Reference(`${side}-parameters`),
                vpcSecurityGroupIds: new Reference("database-group"),
                masterPassword: new Reference(`${side}-password`),
                storageEncrypted: true,
                backupRetentionPeriod: 7,
                enabledCloudwatchLogsExports: ["postgresql"],
            },
        },
        {
            type: "aws:rds/clusterInstance:ClusterInstance",
            name: `${side}-instance`,
            inputs: {
                clusterIdentifier: new Reference(`${side}-cluster`),
                publiclyAccessible: false,
            },
        },
        { type: "pulumi-nodejs:dynamic:Resource", name: `${side}-password`, inputs: {} },
        { type: "aws:secretsmanager/secret:Secret", name: `${side}-secret`, inputs: {} },
        {
            type: "aws:secretsmanager/secretVersion:SecretVersion",
            name: `${side}-secret-value`,
            inputs: {
                secretId: new Reference(`${side}-secret`),
                secretString: new Reference(`${side}-cluster`, `${side}-password`),
            },
        },
        {
            type: "aws:dms/endpoint:Endpoint",
            name: `${side}-endpoint`,
            inputs: {
                endpointType: side === "source" ? "source" : "target",
                engineName: "aurora-postgresql",
                databaseName: "postgres",
                sslMode: "verify-full",
                certificateArn: UNKNOWN,
                secretsManagerArn: new Reference(`${side}-secret`),
                secretsManagerAccessRoleArn: new Reference("access-role"),
                postgresSettings: side === "source" ? sourceSettings : targetSettings,
            },
        },
    ];
}

/** The trust policy of a role for one service. */
const trust = (service: string): string =>
    JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
    });

const access: readonly WrittenResource[] = [
    {
        type: "aws:iam/role:Role",
        name: "access-role",
        inputs: { assumeRolePolicy: trust("dms.eu-central-1.amazonaws.com") },
    },
    {
        type: "aws:iam/rolePolicy:RolePolicy",
        name: "access-policy",
        inputs: {
            role: new Reference("access-role"),
            policy: new Reference("source-secret", "audit-secret"),
        },
    },
    {
        type: "aws:iam/role:Role",
        name: "host-role",
        inputs: { assumeRolePolicy: trust("ec2.amazonaws.com") },
    },
    {
        type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        name: "host-attachment",
        inputs: {
            role: new Reference("host-role"),
            policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        },
    },
    {
        type: "postgresql:index/role:Role",
        name: "source-dms-user",
        inputs: {
            name: "audit_trail_dms_source",
            login: true,
            roles: ["rds_replication", "rds_superuser"],
        },
    },
    {
        type: "postgresql:index/role:Role",
        name: "owner",
        inputs: { name: "audit_trail_owner" },
    },
];

/** Two subnets of which one has a way out. */
const network: readonly WrittenResource[] = [
    ...["private", "public"].flatMap((side): WrittenResource[] => [
        { type: "aws:ec2/subnet:Subnet", name: `${side}-subnet`, inputs: {} },
        { type: "aws:ec2/routeTable:RouteTable", name: `${side}-routes`, inputs: {} },
        {
            type: "aws:ec2/routeTableAssociation:RouteTableAssociation",
            name: `${side}-association`,
            inputs: {
                subnetId: new Reference(`${side}-subnet`),
                routeTableId: new Reference(`${side}-routes`),
            },
        },
    ]),
    {
        type: "aws:ec2/route:Route",
        name: "way-out",
        inputs: {
            routeTableId: new Reference("public-routes"),
            destinationCidrBlock: "0.0.0.0/0",
            gatewayId: UNKNOWN,
        },
    },
    {
        type: "aws:rds/subnetGroup:SubnetGroup",
        name: "database-subnets",
        inputs: { subnetIds: new Reference("private-subnet") },
    },
];

const buckets: readonly WrittenResource[] = [
    { type: "aws:s3/bucket:Bucket", name: "bucket", inputs: {} },
    ...[
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
    ].map((type): WrittenResource => ({
        type,
        name: `bucket-${type.replace(/^.*:Bucket/, "")}`,
        inputs: { bucket: new Reference("bucket") },
    })),
];

const forceSsl: Values = { name: "rds.force_ssl", value: "1", applyMethod: "pending-reboot" };

/** A stack that no rule has anything against. */
export const goodStack: readonly WrittenResource[] = [
    ...cluster("source", [
        { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" },
        { name: "wal_sender_timeout", value: "0", applyMethod: "pending-reboot" },
        forceSsl,
    ]),
    ...cluster("audit", [forceSsl]),
    ...access,
    ...network,
    ...buckets,
    {
        type: "aws:dms/replicationInstance:ReplicationInstance",
        name: "replication-instance",
        inputs: { publiclyAccessible: false, engineVersion: "3.6.1" },
    },
    {
        type: "aws:dms/replicationTask:ReplicationTask",
        name: "task",
        inputs: {
            migrationType: "full-load-and-cdc",
            startReplicationTask: true,
            tableMappings: JSON.stringify(goodMapping),
            replicationTaskSettings: JSON.stringify(goodSettings),
            sourceEndpointArn: new Reference("source-endpoint"),
            targetEndpointArn: new Reference("audit-endpoint"),
            replicationInstanceArn: new Reference("replication-instance"),
        },
    },
    {
        type: "aws:ec2/securityGroup:SecurityGroup",
        name: "database-group",
        inputs: { description: "Databases" },
    },
    {
        type: "aws:ec2/securityGroup:SecurityGroup",
        name: "host-group",
        inputs: { description: "psql host" },
    },
    {
        type: "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        name: "default-group",
        inputs: { ingress: [], egress: [] },
    },
    {
        type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        name: "database-from-host",
        inputs: {
            securityGroupId: new Reference("database-group"),
            referencedSecurityGroupId: new Reference("host-group"),
            ipProtocol: "tcp",
            fromPort: 5432,
            toPort: 5432,
        },
    },
    {
        type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        name: "host-from-operator",
        inputs: {
            securityGroupId: new Reference("host-group"),
            cidrIpv4: "203.0.113.0/24",
            ipProtocol: "tcp",
            fromPort: 22,
            toPort: 22,
        },
    },
    {
        type: "aws:ec2/instance:Instance",
        name: "host",
        inputs: {
            rootBlockDevice: { encrypted: true },
            metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
            userData: "#!/bin/bash\nset -euo pipefail\ndnf install -y postgresql17\n",
        },
    },
    {
        type: "aws:ssm/document:Document",
        name: "session",
        inputs: {
            documentType: "Session",
            content: JSON.stringify(sessionDocument("/sessions", true)),
        },
    },
    {
        type: "aws:ssm/parameter:Parameter",
        name: "note",
        inputs: { type: "String", value: "eu-central-1" },
    },
];

/** The resource as the engine shows it in a preview of a stack that does not exist yet. */
export function previewed({ type, name, inputs }: WrittenResource): JudgedResource {
    const entries = Object.entries(inputs).filter(([, value]) => value !== undefined);
    return {
        type,
        name,
        properties: Object.fromEntries(
            entries.map(([key, value]) => [key, value instanceof Reference ? UNKNOWN : value]),
        ),
        dependencies: Object.fromEntries(
            entries.flatMap(([key, value]) =>
                value instanceof Reference ? [[key, value.names]] : [],
            ),
        ),
    };
}

/** The first resource of a type in the good stack. */
export function goodResource(type: string): WrittenResource {
    const found = goodStack.find((resource) => resource.type === type);
    if (found === undefined) {
        throw new Error(`The good stack holds no ${type}: give the cases a base.`);
    }
    return found;
}
