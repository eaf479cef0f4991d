import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type DmsDatabase, DmsReplication } from "../../../components/dms/dmsReplication";
import { DmsRoles } from "../../../components/dms/dmsRoles";
import { DMS_ROLES, readAccountRoles, stackRoles } from "../../../components/dms/missingRoles";
import { tableMappings } from "../../../components/dms/tableMappings";
import { taskSettings } from "../../../components/dms/taskSettings";
import { parseEndpointSettings } from "../../../local/dms/task/extraAttributes";
import { DEFAULT_GROUP } from "../../../trail/tableGroups";
import { Recorder } from "../support/mocks";
import { UNGUARDED } from "../support/unguarded";

const BUNDLE = readFileSync(path.join(__dirname, "../../../certs/rds-ca-bundle.pem"), "utf8");

class Database extends pulumi.ComponentResource implements DmsDatabase {
    readonly databaseName = "appdb";
    readonly dmsEngineName: DmsDatabase["dmsEngineName"];
    readonly dmsSecretArn: pulumi.Output<string>;
    readonly caBundlePem = BUNDLE;
    constructor(name: string, dmsEngineName: DmsDatabase["dmsEngineName"]) {
        super("test:index:Database", name);
        this.dmsEngineName = dmsEngineName;
        this.dmsSecretArn = pulumi.output(`arn:secret:${name}`);
    }
}

const KEY = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-4567-89ab-cdef-0123456789ab";

describe("DmsReplication", () => {
    const recorder = new Recorder();
    const mappings = tableMappings([{ schema: "public", table: "items" }], "1f");
    before(async () => {
        await recorder.install();
        const made = new DmsReplication("dms", {
            subnetIds: ["subnet-1", "subnet-2"],
            securityGroupId: "sg-1",
            instanceClass: "dms.t3.medium",
            engineVersion: "3.6.1",
            allocatedStorage: 50,
            multiAz: true,
            kmsKeyArn: KEY,
            source: new Database("source", "postgres"),
            target: new Database("target", "aurora-postgresql"),
            prerequisites: [],
            groups: [{ name: DEFAULT_GROUP, isLate: true, isGivenUp: false }],
            letJoin: undefined,
            tableMappings: { [DEFAULT_GROUP]: mappings },
            taskSettings: taskSettings({ maxLobSizeKb: 64 }),
            guard: UNGUARDED,
            tags: {},
        });
        await recorder.settle(made.taskArns[DEFAULT_GROUP], made.instanceArn);
    });

    const endpoint = (type: string): Record<string, unknown> =>
        recorder.inputs("aws:dms/endpoint:Endpoint", `dms-${type}`);

    it("encrypts with the customer's key what it keeps, and may decrypt with it", () => {
        const instance = recorder.inputs("aws:dms/replicationInstance:ReplicationInstance");
        assert.deepEqual([instance["kmsKeyArn"], instance["multiAz"]], [KEY, true]);
        assert.equal(endpoint("source")["kmsKeyArn"], KEY);
        assert.equal(endpoint("target")["kmsKeyArn"], KEY);
        const log = recorder.inputs("aws:cloudwatch/logGroup:LogGroup");
        assert.deepEqual([log["name"], log["kmsKeyId"]], ["dms-tasks-dms", KEY]);
        const { policy } = recorder.inputs("aws:iam/rolePolicy:RolePolicy");
        assert.match(
            String(policy),
            /"Action":\["kms:Decrypt"\],"Resource":\["arn:aws:kms:[^*]+"\]/,
        );
    });

    it("reaches both databases by secret and with a verified certificate", () => {
        for (const type of ["source", "target"]) {
            const inputs = endpoint(type);
            assert.equal(inputs["endpointType"], type);
            assert.equal(
                inputs["engineName"],
                type === "source" ? "postgres" : "aurora-postgresql",
            );
            assert.equal(inputs["secretsManagerArn"], `arn:secret:${type}`);
            assert.match(String(inputs["secretsManagerAccessRoleArn"]), /dms-access/);
            assert.equal(inputs["sslMode"], "verify-full");
            assert.match(String(inputs["certificateArn"]), /dms-ca/);
            assert.equal(inputs["databaseName"], "appdb");
            for (const clear of ["username", "password", "serverName", "port"]) {
                assert.ok(!(clear in inputs), clear);
            }
            assert.ok(!("extraConnectionAttributes" in inputs));
        }
    });

    it("writes no DDL table on the source, keeps its slot moving and fails on a large object it would cut", () => {
        const settings = endpoint("source")["postgresSettings"] as Record<string, unknown>;
        assert.equal(settings["captureDdls"], false);
        assert.equal(settings["heartbeatEnable"], true);
        assert.equal(settings["heartbeatSchema"], "awsdms_heartbeat");
        assert.equal(settings["failTasksOnLobTruncation"], true);
        assert.equal(settings["pluginName"], "test-decoding");
        for (const type of ["source", "target"]) {
            const own = endpoint(type)["postgresSettings"] as Record<string, unknown>;
            assert.equal(own["mapBooleanAsBoolean"], true);
            assert.ok(!("afterConnectScript" in own));
            assert.doesNotThrow(() => parseEndpointSettings(own, "", type));
        }
    });

    it("imports the certificate authorities of its own region", () => {
        const pem = String(recorder.inputs("aws:dms/certificate:Certificate")["certificatePem"]);
        const certificates = pem.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
        assert.equal(certificates.length, 3);
        for (const one of certificates) {
            assert.match(new X509Certificate(one).subject, / us-east-1 /);
        }
    });

    it("lets DMS of this region read the two secrets and nothing else, with the key that encrypts them", () => {
        const trust = recorder.inputs("aws:iam/role:Role", "dms-access")["assumeRolePolicy"];
        assert.match(String(trust), /"Service":"dms\.us-east-1\.amazonaws\.com"/);
        const policy = JSON.parse(
            String(recorder.inputs("aws:iam/rolePolicy:RolePolicy")["policy"]),
        ) as { Statement: { Resource: unknown }[] };
        assert.deepEqual(
            policy.Statement.map(({ Resource }) => Resource),
            [["arn:secret:source", "arn:secret:target"], [KEY]],
        );
    });

    it("runs one task that loads and then follows, started by Pulumi", () => {
        const task = recorder.inputs("aws:dms/replicationTask:ReplicationTask");
        assert.equal(task["migrationType"], "full-load-and-cdc");
        assert.equal(task["startReplicationTask"], true);
        assert.deepEqual(JSON.parse(String(task["tableMappings"])), mappings);
        assert.deepEqual(
            JSON.parse(String(task["replicationTaskSettings"])),
            taskSettings({ maxLobSizeKb: 64 }),
        );
        assert.match(String(task["sourceEndpointArn"]), /dms-source$/);
        assert.match(String(task["targetEndpointArn"]), /dms-target$/);
    });

    it("keeps the instance private and its version fixed", () => {
        const instance = recorder.inputs("aws:dms/replicationInstance:ReplicationInstance");
        assert.equal(instance["publiclyAccessible"], false);
        assert.equal(instance["autoMinorVersionUpgrade"], false);
        assert.equal(instance["engineVersion"], "3.6.1");
        assert.deepEqual(instance["vpcSecurityGroupIds"], ["sg-1"]);
        assert.equal(instance["allocatedStorage"], 50);
    });
});

describe("DmsRoles", () => {
    it("have the fixed names, AWS's policies and this account's trust only", async () => {
        const recorder = new Recorder();
        await recorder.install();
        new DmsRoles("roles", { names: DMS_ROLES.map(({ name }) => name), tags: {} });
        await recorder.settle();
        const roles = recorder.all("aws:iam/role:Role");
        assert.deepEqual(roles.map(({ inputs }) => inputs["name"]).sort(), [
            "dms-cloudwatch-logs-role",
            "dms-vpc-role",
        ]);
        for (const { inputs } of roles) {
            assert.match(String(inputs["assumeRolePolicy"]), /"aws:SourceAccount":"123456789012"/);
        }
        const policies = recorder.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
        assert.deepEqual(policies.map(({ inputs }) => inputs["policyArn"]).sort(), [
            "arn:aws:iam::aws:policy/service-role/AmazonDMSCloudWatchLogsRole",
            "arn:aws:iam::aws:policy/service-role/AmazonDMSVPCManagementRole",
        ]);
    });

    const [vpc, logs] = DMS_ROLES.map(({ name }) => name);
    const state = (...names: readonly unknown[]): ReadonlyMap<string, unknown> =>
        new Map(
            names.map((name, index) => [
                `urn:pulumi:dev::audit-trail::auditTrail:index:DmsRoles$aws:iam/role:Role::${String(index)}`,
                { outputs: { name } },
            ]),
        );

    /** Those of the stack in an account that has these roles. */
    async function rolesBeside(
        found: readonly string[],
        made: ReadonlyMap<string, unknown>,
        mayMake = true,
    ): Promise<readonly string[]> {
        await pulumi.runtime.setMocks({
            newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
            call: ({ token }) => {
                assert.equal(token, "aws:iam/getRoles:getRoles");
                return { names: found };
            },
        });
        await readAccountRoles(made);
        return stackRoles(made, mayMake);
    }

    it("are those that the account lacks, and stay those of the stack that has made them", async () => {
        assert.deepEqual(await rolesBeside([], state()), [vpc, logs]);
        assert.deepEqual(await rolesBeside([String(vpc)], state("my-role")), [logs]);
        assert.deepEqual(await rolesBeside([String(vpc), String(logs)], state()), []);
        // The stack's own are in the account too.
        assert.deepEqual(await rolesBeside([String(vpc), String(logs)], state(logs)), [logs]);
        for (const mayMake of [true, false]) {
            assert.deepEqual(stackRoles(state(logs, vpc), mayMake), [vpc, logs]);
        }
        assert.deepEqual(await rolesBeside([], state(), false), []);
    });

    it("are not asked for where the stack has made them, and a refused question has a mend", async () => {
        await pulumi.runtime.setMocks({
            newResource: ({ name }) => ({ id: name, state: {} }),
            call: () => {
                const details = "AccessDenied: not authorized to perform iam:ListRoles";
                throw Object.assign(new Error(details), { details });
            },
        });
        await readAccountRoles(state(vpc, logs));
        await assert.rejects(
            readAccountRoles(state(vpc)),
            /^Error: Nobody knows whether the account has the roles of DMS already \(.*AccessDenied.*\): allow iam:ListRoles, or, if it has both, run "pulumi config set createDmsRoles false"\.$/s,
        );
    });
});
