import assert from "node:assert/strict";
import type { Rule } from "../../policy/engine/rule";
import type { Values } from "../../policy/engine/values";
import { rules } from "../../policy/registry";
import {
    goodMapping,
    goodStack,
    previewed,
    Reference,
    type WrittenResource,
} from "./support/goodStack";
import { judgeStack, outcome, UNKNOWN } from "./support/judge";

type Change = (stack: readonly WrittenResource[]) => readonly WrittenResource[];

/** Gives a resource of the good stack other inputs; undefined removes one. */
const set =
    (name: string, change: Values): Change =>
    (stack) => {
        assert.ok(stack.some((resource) => resource.name === name));
        return stack.map((resource) =>
            resource.name === name
                ? { ...resource, inputs: { ...resource.inputs, ...change } }
                : resource,
        );
    };

const add =
    (...resources: readonly WrittenResource[]): Change =>
    (stack) => [...stack, ...resources];

/** Leaves resources out, as in a program that uses existing ones. */
const leaveOut =
    (...names: readonly string[]): Change =>
    (stack) =>
        stack.filter(({ name }) => !names.includes(name));

const both =
    (...changes: readonly Change[]): Change =>
    (stack) =>
        changes.reduce((changed, change) => change(changed), stack);

interface StackCases {
    readonly rule: string;
    readonly pass: readonly Change[];
    readonly fail: readonly Change[];
    readonly absent: readonly (readonly [Change, string])[];
    readonly unknown: readonly (readonly [Change, string])[];
    readonly wrongType: readonly Change[];
}

const replication = { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" };
const databaseRule = (inputs: Values): WrittenResource => ({
    type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    name: "one-more",
    inputs: {
        securityGroupId: new Reference("database-group"),
        ipProtocol: "tcp",
        fromPort: 5432,
        toPort: 5432,
        ...inputs,
    },
});

/** A resource of the good stack. */
function named(name: string): WrittenResource {
    const found = goodStack.find((resource) => resource.name === name);
    assert.ok(found !== undefined, `The good stack holds no ${name}.`);
    return found;
}

/** The good stack's task once more, with other inputs. */
const secondTask = (change: Values): WrittenResource => ({
    ...named("task"),
    name: "second-task",
    inputs: { ...named("task").inputs, ...change },
});

const rolePolicy = (inputs: Values): WrittenResource => ({
    type: "aws:iam/rolePolicy:RolePolicy",
    name: "one-more-policy",
    inputs,
});

/** The endpoint gets to its server by name, without a secret of this stack. */
const byServerName = (side: string, server: unknown): Change =>
    set(`${side}-endpoint`, { secretsManagerArn: undefined, serverName: server });

/** The good task, with a rule that removes a column. */
const removes = (column: string): Change =>
    set("task", {
        tableMappings: JSON.stringify({
            rules: [
                ...goodMapping.rules,
                {
                    "rule-type": "transformation",
                    "rule-id": "30",
                    "rule-name": "30",
                    "rule-action": "remove-column",
                    "rule-target": "column",
                    "object-locator": {
                        "schema-name": "public",
                        "table-name": "items",
                        "column-name": column,
                    },
                },
            ],
        }),
    });

/** What the program reads the source's catalog with. */
const catalog = (inputs: Values): Change =>
    add({
        type: "pulumi-nodejs:dynamic/auditTrail:SourceCatalog",
        name: "catalog",
        inputs: { tables: [{ schema: "public", table: "items" }], ...inputs },
    });

/** The removed column's table is a partition of one, and the column of public.sales is excluded. */
const partitionOf = (table: string): Change =>
    catalog({
        tables: [{ schema: "public", table: "sales" }],
        excluded: [["price"]],
        replicated: [
            { schema: "public", table: "items", partitionOf: { schema: "public", table } },
        ],
    });

const stackCases: readonly StackCases[] = [
    {
        rule: "stack-removed-columns-chosen",
        pass: [
            catalog({ excluded: [["price"]] }),
            both(removes("price"), catalog({ excluded: [["name", "price"]] })),
            both(removes("price"), partitionOf("sales")),
        ],
        fail: [
            removes("price"),
            both(removes("price"), catalog({ excluded: [["name"]] })),
            both(removes("price"), partitionOf("other")),
            both(removes("price"), catalog({ excluded: [[], ["price"]] })),
            both(
                removes("price"),
                catalog({ tables: [{ schema: "s", table: "items" }], excluded: [["price"]] }),
            ),
        ],
        absent: [
            [both(removes("price"), catalog({})), "refused"],
            [set("task", { tableMappings: undefined }), "refused"],
            [leaveOut("task"), "passed"],
        ],
        unknown: [
            [set("task", { tableMappings: UNKNOWN }), "undecided"],
            [both(removes("price"), catalog({ excluded: UNKNOWN })), "refused"],
        ],
        wrongType: [
            both(removes("price"), catalog({ excluded: "price" })),
            both(removes("price"), catalog({ tables: "public.items", excluded: [["price"]] })),
        ],
    },
    {
        rule: "stack-source-replicates-logically",
        pass: [
            set("source-parameters", { parameters: [replication] }),
            byServerName("source", new Reference("source-cluster")),
            byServerName("source", new Reference("source-instance")),
            both(
                byServerName("source", "db.example"),
                set("source-parameters", { parameters: [] }),
            ),
            set("audit-cluster", { dbClusterParameterGroupName: undefined }),
        ],
        fail: [
            set("source-parameters", { parameters: [{ ...replication, value: "0" }] }),
            set("source-parameters", {
                parameters: [{ ...replication, applyMethod: "immediate" }],
            }),
            set("source-cluster", { dbClusterParameterGroupName: "default.aurora-postgresql17" }),
            set("source-cluster", {
                dbClusterParameterGroupName: new Reference("audit-parameters"),
            }),
            both(
                byServerName("source", new Reference("source-instance")),
                set("source-parameters", { parameters: [] }),
            ),
            both(
                set("source-endpoint", { secretsManagerArn: new Reference("source-secret-value") }),
                set("source-parameters", { parameters: [] }),
            ),
        ],
        absent: [
            [set("source-parameters", { parameters: undefined }), "refused"],
            [set("source-cluster", { dbClusterParameterGroupName: undefined }), "refused"],
            [leaveOut("task"), "passed"],
        ],
        unknown: [
            [set("source-parameters", { parameters: UNKNOWN }), "undecided"],
            [
                set("source-parameters", {
                    parameters: [{ ...replication, value: UNKNOWN, applyMethod: "immediate" }],
                }),
                "refused",
            ],
        ],
        wrongType: [
            set("source-parameters", { parameters: "rds.logical_replication=1" }),
            set("source-parameters", { parameters: [{ ...replication, value: 1 }] }),
        ],
    },
    {
        rule: "stack-trail-apart-from-source",
        pass: [
            byServerName("audit", new Reference("audit-instance")),
            set("audit-endpoint", { databaseName: "audit" }),
        ],
        fail: [
            set("task", { targetEndpointArn: new Reference("source-endpoint") }),
            set("audit-endpoint", { secretsManagerArn: new Reference("source-secret") }),
            set("audit-secret-value", { secretString: new Reference("source-cluster") }),
            byServerName("audit", new Reference("source-cluster")),
            byServerName("audit", new Reference("source-instance")),
            both(byServerName("audit", "db.example"), byServerName("source", "db.example")),
            both(
                set("audit-endpoint", { secretsManagerArn: "arn:existing" }),
                set("source-endpoint", { secretsManagerArn: "arn:existing" }),
            ),
        ],
        absent: [
            [set("audit-endpoint", { secretsManagerArn: undefined }), "passed"],
            [leaveOut("task"), "passed"],
        ],
        unknown: [[set("audit-endpoint", { secretsManagerArn: UNKNOWN }), "passed"]],
        wrongType: [
            both(
                set("task", { targetEndpointArn: new Reference("source-endpoint") }),
                set("source-endpoint", { secretsManagerArn: 1, serverName: {} }),
            ),
        ],
    },
    {
        rule: "stack-task-endpoint-directions",
        pass: [],
        fail: [
            set("task", {
                sourceEndpointArn: new Reference("audit-endpoint"),
                targetEndpointArn: new Reference("source-endpoint"),
            }),
            set("source-endpoint", { endpointType: "target" }),
            set("audit-endpoint", { endpointType: "source" }),
            set("audit-secret-value", {
                secretString: new Reference("source-cluster", "source-password"),
            }),
            set("audit-secret-value", { secretString: '{"host": "elsewhere.example"}' }),
            set("audit-endpoint", { secretsManagerArn: "arn:elsewhere" }),
            both(
                set("source-endpoint", { secretsManagerArn: new Reference("audit-secret") }),
                set("audit-endpoint", { secretsManagerArn: new Reference("source-secret") }),
            ),
        ],
        absent: [
            [set("source-endpoint", { endpointType: undefined }), "refused"],
            [leaveOut("task"), "passed"],
        ],
        unknown: [
            [set("source-endpoint", { endpointType: UNKNOWN }), "undecided"],
            [
                both(
                    set("source-endpoint", { endpointType: UNKNOWN }),
                    set("audit-endpoint", { endpointType: "source" }),
                ),
                "refused",
            ],
        ],
        wrongType: [set("source-endpoint", { endpointType: ["source"] })],
    },
    {
        rule: "stack-database-ingress-from-groups",
        pass: [
            add(databaseRule({ referencedSecurityGroupId: new Reference("host-group") })),
            add(
                databaseRule({
                    securityGroupId: new Reference("host-group"),
                    cidrIpv4: "10.0.0.0/16",
                }),
            ),
        ],
        fail: [
            add(databaseRule({ cidrIpv4: "10.0.0.0/16" })),
            add(databaseRule({ cidrIpv6: "2001:db8::/64" })),
            add(databaseRule({ prefixListId: "pl-1" })),
            add(databaseRule({ referencedSecurityGroupId: "sg-0123456789abcdef0" })),
            set("audit-cluster", { vpcSecurityGroupIds: ["sg-0123456789abcdef0"] }),
            set("audit-cluster", { vpcSecurityGroupIds: [UNKNOWN, "sg-0123456789abcdef0"] }),
            ...[
                { ipProtocol: "-1", fromPort: undefined, toPort: undefined },
                { ipProtocol: "udp" },
                { fromPort: 0, toPort: 65_535 },
            ].map((ports) => set("database-from-host", ports)),
            add(
                databaseRule({
                    referencedSecurityGroupId: new Reference("host-group"),
                    cidrIpv4: "10.0.0.0/16",
                }),
            ),
            both(
                set("database-group", { id: "database-group" }),
                add(databaseRule({ securityGroupId: "database-group", cidrIpv4: "10.0.0.0/16" })),
            ),
        ],
        absent: [
            [set("database-from-host", { referencedSecurityGroupId: undefined }), "refused"],
            [set("database-from-host", { securityGroupId: undefined }), "passed"],
        ],
        unknown: [
            [set("database-from-host", { referencedSecurityGroupId: UNKNOWN }), "passed"],
            [add(databaseRule({ cidrIpv4: UNKNOWN })), "refused"],
            [set("database-from-host", { fromPort: UNKNOWN }), "undecided"],
        ],
        wrongType: [
            set("database-from-host", { referencedSecurityGroupId: true }),
            set("database-from-host", { fromPort: "5432", toPort: "5432" }),
            add(databaseRule({ cidrIpv4: 10 })),
        ],
    },
    {
        rule: "stack-one-task-per-staging",
        pass: [
            leaveOut("task"),
            add(
                secondTask({
                    tableMappings: JSON.stringify(goodMapping).replaceAll("items", "orders"),
                }),
            ),
        ],
        fail: [
            add(secondTask({})),
            add(secondTask({ sourceEndpointArn: "arn:of-another-stack" })),
            both(
                add(secondTask({ targetEndpointArn: new Reference("second-endpoint") })),
                add({ ...named("audit-endpoint"), name: "second-endpoint" }),
            ),
        ],
        absent: [[add(secondTask({ tableMappings: undefined })), "refused"]],
        unknown: [[add(secondTask({ tableMappings: UNKNOWN })), "refused"]],
        wrongType: [add(secondTask({ tableMappings: 7 }))],
    },
    {
        rule: "stack-one-trail",
        pass: [leaveOut("task")],
        fail: [
            add({ ...named("audit-endpoint"), name: "waiting-endpoint" }),
            both(
                add(
                    { ...named("audit-cluster"), name: "third-cluster" },
                    {
                        ...named("audit-endpoint"),
                        name: "third-endpoint",
                        inputs: {
                            ...named("audit-endpoint").inputs,
                            secretsManagerArn: undefined,
                            serverName: new Reference("third-cluster"),
                        },
                    },
                ),
                add(secondTask({ targetEndpointArn: new Reference("third-endpoint") })),
            ),
        ],
        absent: [[set("task", { targetEndpointArn: undefined }), "refused"]],
        unknown: [[set("audit-endpoint", { endpointType: UNKNOWN }), "passed"]],
        wrongType: [set("task", { targetEndpointArn: 7 })],
    },
    {
        rule: "stack-trail-protected",
        pass: [set("audit-cluster", { skipFinalSnapshot: undefined }), leaveOut("task")],
        fail: [
            set("audit-cluster", { deletionProtection: false }),
            set("source-cluster", { deletionProtection: false }),
            set("audit-cluster", { skipFinalSnapshot: true }),
            set("audit-cluster", { finalSnapshotIdentifier: "" }),
        ],
        absent: [
            [set("audit-cluster", { deletionProtection: undefined }), "refused"],
            [set("audit-cluster", { finalSnapshotIdentifier: undefined }), "refused"],
        ],
        unknown: [
            [set("audit-cluster", { deletionProtection: UNKNOWN }), "undecided"],
            [set("audit-cluster", { finalSnapshotIdentifier: UNKNOWN }), "passed"],
        ],
        wrongType: [
            set("audit-cluster", { deletionProtection: "true" }),
            set("audit-cluster", { skipFinalSnapshot: "false" }),
        ],
    },
    {
        rule: "stack-kms-key-everywhere",
        pass: [set("audit-cluster", { kmsKeyId: UNKNOWN }), set("audit-cluster", { kmsKeyId: "" })],
        fail: [
            set("audit-cluster", { kmsKeyId: "arn:aws:kms:eu-west-1:123456789012:key/1" }),
            set("source-endpoint", { kmsKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/1" }),
            set("bucket-ServerSideEncryptionConfiguration", {
                rules: [
                    {
                        applyServerSideEncryptionByDefault: {
                            sseAlgorithm: "aws:kms",
                            kmsMasterKeyId: "arn:aws:kms:eu-west-1:123456789012:key/1",
                        },
                    },
                ],
            }),
        ],
        absent: [[set("audit-cluster", { kmsKeyId: undefined }), "passed"]],
        unknown: [[set("audit-cluster", { kmsKeyId: UNKNOWN }), "passed"]],
        wrongType: [],
    },
    {
        rule: "stack-parameter-family",
        pass: [set("audit-cluster", { engineVersion: "17" })],
        fail: [
            set("audit-cluster", { dbClusterParameterGroupName: "default.aurora-postgresql17" }),
            set("audit-parameters", { family: "aurora-postgresql15" }),
            set("source-parameters", { family: "postgres17" }),
            set("source-cluster", { engineVersion: "16.9" }),
        ],
        absent: [
            [set("audit-cluster", { engineVersion: undefined }), "passed"],
            [set("audit-parameters", { family: undefined }), "refused"],
        ],
        unknown: [[set("audit-cluster", { engineVersion: UNKNOWN }), "undecided"]],
        wrongType: [set("audit-parameters", { family: ["aurora-postgresql17"] })],
    },
    {
        rule: "stack-secret-readers",
        pass: [
            leaveOut("access-policy"),
            set("access-policy", { policy: '{"Statement": []}' }),
            add(rolePolicy({ role: new Reference("host-role"), policy: '{"Statement": []}' })),
        ],
        fail: [
            set("access-policy", { role: new Reference("host-role") }),
            set("access-policy", { role: "a-role-of-another-stack" }),
            add(
                rolePolicy({
                    role: new Reference("access-role"),
                    policy: new Reference("master-secret"),
                }),
                { ...named("audit-secret"), name: "master-secret" },
            ),
            add({
                type: "aws:iam/policy:Policy",
                name: "for-anybody",
                inputs: { policy: new Reference("audit-secret") },
            }),
        ],
        absent: [[set("access-policy", { role: undefined }), "refused"]],
        unknown: [[set("access-policy", { policy: UNKNOWN }), "passed"]],
        wrongType: [set("access-policy", { role: 7 })],
    },
    {
        rule: "stack-buckets-closed",
        pass: [set("bucket", { forceDestroy: true })],
        fail: [
            leaveOut("bucket-Versioning"),
            leaveOut("bucket-Policy"),
            leaveOut("bucket-PublicAccessBlock"),
            leaveOut("bucket-OwnershipControls"),
            leaveOut("bucket-LifecycleConfiguration"),
            leaveOut("bucket-ServerSideEncryptionConfiguration"),
            set("bucket-Policy", { bucket: "one-of-another-stack" }),
            add({ ...named("bucket"), name: "another" }),
        ],
        absent: [[set("bucket-Policy", { bucket: undefined }), "refused"]],
        unknown: [[set("bucket-Policy", { bucket: UNKNOWN }), "refused"]],
        wrongType: [set("bucket-Policy", { bucket: 7 })],
    },
    {
        rule: "stack-private-subnets",
        pass: [leaveOut("way-out"), set("way-out", { routeTableId: "rtb-of-another-stack" })],
        fail: [
            set("way-out", { routeTableId: new Reference("private-routes") }),
            set("private-association", { routeTableId: new Reference("public-routes") }),
            set("database-subnets", {
                subnetIds: new Reference("private-subnet", "public-subnet"),
            }),
            add({
                type: "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
                name: "replication-subnets",
                inputs: { subnetIds: new Reference("public-subnet") },
            }),
        ],
        absent: [[set("way-out", { routeTableId: undefined }), "passed"]],
        unknown: [[set("way-out", { destinationCidrBlock: UNKNOWN }), "passed"]],
        wrongType: [
            both(
                set("way-out", { routeTableId: new Reference("private-routes") }),
                set("database-subnets", { description: 7 }),
            ),
        ],
    },
    {
        rule: "stack-known-types",
        pass: [add({ type: "aws:sns/topic:Topic", name: "alarms", inputs: {} })],
        fail: [
            "aws:dms/replicationConfig:ReplicationConfig",
            "aws:dms/s3Endpoint:S3Endpoint",
            "aws:rds/exportTask:ExportTask",
            "aws:rds/proxy:Proxy",
            "aws:rds/clusterActivityStream:ClusterActivityStream",
            "aws:iam/accessKey:AccessKey",
            "aws-native:rds:DbCluster",
        ].map((type) => add({ type, name: "stranger", inputs: {} })),
        absent: [[leaveOut("task"), "passed"]],
        unknown: [
            [
                add({ type: "aws:rds/proxy:Proxy", name: "stranger", inputs: { a: UNKNOWN } }),
                "refused",
            ],
        ],
        wrongType: [add({ type: "aws:rds/proxy:Proxy", name: "stranger", inputs: { a: 1 } })],
    },
];

const stackRules = rules.filter((rule) => rule.scope === "stack");

function ruleNamed(name: string): Rule {
    const rule = stackRules.find((candidate) => candidate.name === name);
    assert.ok(rule !== undefined, `There is no rule ${name}.`);
    return rule;
}

async function judged(rule: string, change: Change): Promise<string> {
    return outcome(await judgeStack(ruleNamed(rule), change(goodStack).map(previewed)));
}

async function allAre(rule: string, changes: readonly Change[], expected: string): Promise<void> {
    for (const [index, change] of changes.entries()) {
        assert.equal(await judged(rule, change), expected, `case ${index}`);
    }
}

describe("policy: rules about the stack", () => {
    for (const cases of stackCases) {
        describe(cases.rule, () => {
            it("passes good stacks", () =>
                allAre(cases.rule, [(same) => same, ...cases.pass], "passed"));
            it("refuses bad stacks", () => allAre(cases.rule, cases.fail, "refused"));
            it("refuses values of a wrong type", () =>
                allAre(cases.rule, cases.wrongType, "refused"));
            it("knows what an absent value means", async () => {
                for (const [index, [change, expected]] of cases.absent.entries()) {
                    assert.equal(await judged(cases.rule, change), expected, `case ${index}`);
                }
            });
            it("says so when an unknown value decides, and only then", async () => {
                for (const [index, [change, expected]] of cases.unknown.entries()) {
                    assert.equal(await judged(cases.rule, change), expected, `case ${index}`);
                }
            });
        });
    }

    it("has cases for every rule", () => {
        const covered = new Set(stackCases.map(({ rule }) => rule));
        assert.deepEqual(
            stackRules.map(({ name }) => name).filter((name) => !covered.has(name)),
            [],
        );
    });

    it("believes a known literal rather than what it was made from", async () => {
        const stale = goodStack.map(previewed).map((resource) => ({
            ...resource,
            properties:
                resource.name === "source-cluster"
                    ? { ...resource.properties, dbClusterParameterGroupName: "default.postgresql" }
                    : { name: `${resource.name}-name`, ...resource.properties },
        }));
        const verdict = await judgeStack(ruleNamed("stack-source-replicates-logically"), stale);
        assert.equal(outcome(verdict), "refused");
    });

    it("judges an update, in which ids and ARNs are known, as it does a preview", async () => {
        const known = (resource: WrittenResource): ReturnType<typeof previewed> => {
            const { name, inputs } = resource;
            const shown = previewed(resource);
            const properties = Object.entries(shown.properties).map(([key, value]) => {
                const written = inputs[key];
                const ids =
                    written instanceof Reference ? [...written.names] : [`${key} of ${name}`];
                const id = ids.join();
                return [key, value === UNKNOWN ? (key.endsWith("Ids") ? ids : id) : value];
            });
            const identifiers = { id: name, arn: name, name, endpointArn: name };
            const all = { ...identifiers, ...(Object.fromEntries(properties) as Values) };
            return { ...shown, properties: { clusterIdentifier: name, ...all } };
        };
        for (const { rule, fail } of stackCases) {
            assert.equal(
                outcome(await judgeStack(ruleNamed(rule), goodStack.map(known))),
                "passed",
            );
            for (const change of fail) {
                const verdict = await judgeStack(ruleNamed(rule), change(goodStack).map(known));
                assert.equal(outcome(verdict), "refused", rule);
            }
        }
    });
});
