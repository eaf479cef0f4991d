import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** The key under which the runtime wraps a secret on its way to the engine. */
const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";

/** Beginning of every password that the mocks make. */
export const MOCK_PASSWORD = "swordfish-";

/** A resource as the program registered it. */
export interface Registered {
    readonly type: string;
    readonly name: string;
    readonly custom: boolean;
    /** With secrets still wrapped. */
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly provider: string;
}

/** True for a value that reached the engine as a secret. */
export function isWrappedSecret(value: unknown): boolean {
    return typeof value === "object" && value !== null && SECRET_SIGNATURE in value;
}

/** The same value with every secret in clear, as a provider gets it. */
export function unwrap(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(unwrap);
    }
    if (typeof value !== "object" || value === null) {
        return value;
    }
    const fields = value as Record<string, unknown>;
    if (isWrappedSecret(value)) {
        return unwrap(fields["value"]);
    }
    return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, unwrap(field)]));
}

/** What AWS would add to a resource's inputs, as far as the program reads it. */
function outputsOf(type: string, name: string, inputs: Record<string, unknown>) {
    const arn = `arn:aws:mock:us-east-1:123456789012:${name}`;
    const common = { ...inputs, arn, name: inputs["name"] ?? name };
    switch (type) {
        case "aws:rds/cluster:Cluster":
            return { ...common, endpoint: `${name}.example.com`, port: 5432 };
        case "aws:rds/instance:Instance":
            return { ...common, address: `${name}.example.com`, port: 5432 };
        case "aws:dms/endpoint:Endpoint":
            return { ...common, endpointArn: arn };
        case "aws:dms/replicationInstance:ReplicationInstance":
            return { ...common, replicationInstanceArn: arn };
        case "aws:dms/replicationTask:ReplicationTask":
            return { ...common, replicationTaskArn: arn };
        case "aws:dms/certificate:Certificate":
            return { ...common, certificateArn: arn };
        case "aws:ec2/instance:Instance":
            return { ...common, publicIp: "192.0.2.7" };
        case "aws:s3/bucketObjectv2:BucketObjectv2":
            return { ...common, versionId: "v1" };
        case "pulumi-nodejs:dynamic/auditTrail:Password":
            return { ...common, value: `${MOCK_PASSWORD}${name}` };
        case "pulumi-nodejs:dynamic/auditTrail:SourceClaim": {
            const { host, port } = inputs["connection"] as Record<string, unknown>;
            return {
                ...common,
                host,
                port,
                version: "16.4",
                hasRdsRoles: port === 5432,
                slotsBefore: [],
            };
        }
        case "pulumi-nodejs:dynamic/auditTrail:SourceCatalog":
            return {
                ...common,
                rows: catalogRows(inputs["tables"]),
                columnsHash: mockColumnsHash(inputs["tables"]),
                repairs: {},
            };
        default:
            return common;
    }
}

/** Of the columns that every table has here: other tables have another one. */
export function mockColumnsHash(tables: unknown): string {
    return createHash("sha256").update(JSON.stringify(tables)).digest("hex").slice(0, 16);
}

/** Every table has one integer column, which is its key. */
function catalogRows(tables: unknown): unknown[] {
    const column = {
        name: "item_id",
        type: "integer",
        attnum: 1,
        element: "int4",
        elementKind: "b",
        builtIn: true,
    };
    return (tables as { schema: string; table: string }[]).map(({ schema, table }) => ({
        table_schema: schema,
        table_name: table,
        relkind: "r",
        oid: "16400",
        columns: [column],
        primary_key: ["item_id"],
    }));
}

/** Subnets, each in a zone of its own. */
const SUBNET_ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"];

const EXISTING = {
    engineVersion: "16.4",
    port: 5432,
    masterUserSecrets: [{ secretArn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:m" }],
};
const INVOKES: Readonly<Record<string, Record<string, unknown>>> = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        names: ["us-east-1c", "us-east-1a", "us-east-1b"],
    },
    "aws:index/getRegion:getRegion": { region: "us-east-1" },
    "aws:index/getPartition:getPartition": { partition: "aws", dnsSuffix: "amazonaws.com" },
    "aws:index/getCallerIdentity:getCallerIdentity": { accountId: "123456789012" },
    "aws:rds/getCluster:getCluster": {
        ...EXISTING,
        engine: "aurora-postgresql",
        endpoint: "shop.cluster-1.example.com",
        arn: "arn:aws:rds:us-east-1:123456789012:cluster:shop",
        vpcSecurityGroupIds: ["sg-0123456789abcdef0"],
    },
    "aws:rds/getInstance:getInstance": {
        ...EXISTING,
        engine: "postgres",
        address: "shop.1.example.com",
        dbInstanceArn: "arn:aws:rds:us-east-1:123456789012:db:shop",
        vpcSecurityGroups: ["sg-0123456789abcdef0"],
    },
    "aws:secretsmanager/getSecretVersion:getSecretVersion": {
        secretString: `{"username":"boss","password":"${MOCK_PASSWORD}existing"}`,
    },
    "aws:ssm/getParameter:getParameter": { value: "ami-0123456789abcdef0" },
};

function registerResourceHook(_request: unknown, callback: (error: null) => void): void {
    callback(null);
}

/** Records what a program registers; also fails it for two resources of one name, which mocks alone let pass. */
export class Recorder {
    readonly resources: Registered[] = [];
    readonly invokes: { readonly token: string; readonly inputs: unknown }[] = [];

    /** Makes this recorder the engine of everything that is created from now on. */
    async install(stack = "dev"): Promise<void> {
        await pulumi.runtime.setMocks(
            {
                newResource: (args) => this.register(args),
                call: ({ token, inputs }) => {
                    this.invokes.push({ token, inputs });
                    const answer =
                        token === "aws:ec2/getSubnet:getSubnet"
                            ? this.subnet(inputs as Readonly<Record<string, unknown>>)
                            : INVOKES[token];
                    assert.ok(answer !== undefined, `no answer is prepared for ${token}`);
                    return answer;
                },
            },
            "audit-trail",
            stack,
        );
        // The mocks know resource hooks, but not how to register one.
        Object.assign(pulumi.runtime.getMonitor() ?? {}, { registerResourceHook });
    }

    /** A subnet of the only VPC that is there already, in the zone after that of the last one asked for. */
    private subnet({ id }: Readonly<Record<string, unknown>>) {
        const asked = this.invokes.filter(({ token }) => token.endsWith(":getSubnet")).length - 1;
        const availabilityZone = SUBNET_ZONES[asked % SUBNET_ZONES.length];
        return { id, vpcId: "vpc-0123456789abcdef0", availabilityZone };
    }

    private register(args: pulumi.runtime.MockResourceArgs) {
        this.resources.push({
            type: args.type,
            name: args.name,
            custom: args.custom === true,
            inputs: args.inputs as Record<string, unknown>,
            provider: args.provider ?? "",
        });
        const inputs = unwrap(args.inputs) as Record<string, unknown>;
        return { id: `${args.name}-id`, state: outputsOf(args.type, args.name, inputs) };
    }

    /** Waits until everything is registered: the values of these outputs, and whatever follows from them. */
    async settle(...outputs: readonly pulumi.Input<unknown>[]): Promise<unknown[]> {
        const values = await new Promise<unknown[]>((resolve) => {
            pulumi.all([...outputs]).apply(resolve);
        });
        await pulumi.runtime.disconnect();
        return values;
    }

    /** The resources of one type, with secrets in clear. */
    all(type: string): (Registered & { readonly inputs: Record<string, unknown> })[] {
        return this.resources
            .filter((resource) => resource.type === type)
            .map((resource) => ({
                ...resource,
                inputs: unwrap(resource.inputs) as Record<string, unknown>,
            }));
    }

    /** The inputs, secrets in clear, of the only resource of a type, or of the one with this name. */
    inputs(type: string, name?: string): Record<string, unknown> {
        const found = this.all(type).filter((one) => name === undefined || one.name === name);
        assert.equal(found.length, 1, `${type} ${name ?? ""} should be there once`);
        return found[0]?.inputs ?? {};
    }

    /** Inputs of a resource with its secrets still wrapped. */
    raw(type: string, name: string): Readonly<Record<string, unknown>> {
        const found = this.resources.find((one) => one.type === type && one.name === name);
        assert.ok(found !== undefined, `${type} ${name} is not registered`);
        return found.inputs;
    }

    /** Fails when two resources share type and name: the engine would refuse the program. */
    assertNoDuplicates(): void {
        const names = this.resources.map(({ type, name }) => `${type} ${name}`);
        assert.deepEqual(
            names.filter((name, index) => names.indexOf(name) !== index),
            [],
        );
    }
}
