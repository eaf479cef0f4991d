import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { reviveStack } from "../../../local/aws/revive";
import { taskFolder } from "../../../local/aws/tasks";
import type { Props } from "../../../local/provider";
import { authorityFiles } from "../../../local/servers/tls";
import { Cloud, idleControl, makeNetwork } from "./support/cloud";
import { makeDmsRole, makeReplication } from "./support/replication";

const TASK = "aws:dms/replicationTask:ReplicationTask";
const ENDPOINT = "aws:dms/endpoint:Endpoint";
const SUBNET_GROUP = "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup";
const source = {
    username: "audit_trail_dms_source",
    password: "source-password",
    host: "localhost",
    port: 5001,
};
const target = {
    username: "audit_trail_dms_target",
    password: "target-password",
    host: "localhost",
    port: 5002,
};

describe("DMS of the AWS stand-in", () => {
    let cloud: Cloud;
    let log: string[];

    beforeEach(async () => {
        log = [];
        cloud = await Cloud.open(idleControl(log));
    });

    afterEach(async () => {
        await cloud.close();
    });

    async function taskJson(): Promise<Record<string, unknown>> {
        const file = path.join(taskFolder(cloud.stackDir, "trail"), "task.json");
        assert.equal((await stat(file)).mode & 0o777, 0o600);
        return JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    }

    it("hands the replicator what DMS would get, secrets looked up", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        const task = await cloud.create(TASK, "task", taskInputs);
        assert.deepEqual(log, ["start trail"]);
        assert.equal(task.outputs.status, "running");
        assert.match(String(task.outputs.replicationTaskArn), /^arn:aws:dms:us-east-1:0{12}:task:/);
        const tls = {
            engineName: "aurora-postgresql",
            databaseName: "shop",
            sslMode: "verify-full",
            caCertificatePem: await readFile(authorityFiles(cloud.stackDir).certPath, "utf8"),
        };
        assert.deepEqual(await taskJson(), {
            taskIdentifier: "trail",
            migrationType: "full-load-and-cdc",
            tableMappings: taskInputs.tableMappings,
            taskSettings: "{}",
            source: { ...source, ...tls },
            target: { ...target, ...tls },
        });
        const shown = JSON.stringify(task.outputs);
        assert.ok(!shown.includes("source-password") && !shown.includes("target-password"));
    });

    it("stops a task to change it, resumes it, and drops its slot when it is deleted", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        let task = await cloud.create(TASK, "task", taskInputs);
        task = await cloud.update(task, { replicationTaskSettings: '{"Logging":{}}' });
        assert.equal((await taskJson()).taskSettings, '{"Logging":{}}');
        await cloud.delete(task);
        assert.deepEqual(log, [
            "start trail",
            "stop trail",
            "start trail",
            "stop trail",
            "drop slot trail",
        ]);
        assert.equal(existsSync(taskFolder(cloud.stackDir, "trail")), false);
    });

    it("lets a task run while only its tags change", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        const task = await cloud.create(TASK, "task", taskInputs);
        await cloud.update(task, { tags: { Team: "a" } });
        assert.deepEqual(log, ["start trail"]);
    });

    it("replaces a task that gets another instance or endpoint, and nothing makes room for the new one", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        const task = await cloud.create(TASK, "task", taskInputs);
        for (const name of ["replicationInstanceArn", "sourceEndpointArn", "targetEndpointArn"]) {
            const diff = cloud.diff(task, { ...taskInputs, [name]: "x" });
            assert.deepEqual(diff?.replaces, [name]);
            assert.equal(diff.deleteBeforeReplace, false);
        }
        for (const name of ["tableMappings", "migrationType", "replicationTaskSettings"]) {
            assert.deepEqual(cloud.diff(task, { ...taskInputs, [name]: "{}" })?.replaces, []);
        }
    });

    it("leaves nothing of a task that does not start, and the next try succeeds", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        const { startTask } = cloud.control;
        Object.assign(cloud.control, {
            startTask: () => Promise.reject(new Error("source is down")),
        });
        await assert.rejects(cloud.create(TASK, "task", taskInputs), /source is down/);
        assert.equal(existsSync(taskFolder(cloud.stackDir, "trail")), false);
        Object.assign(cloud.control, { startTask });
        await cloud.create(TASK, "task", taskInputs);
    });

    it("starts the tasks that should run and do not, after a reboot", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        await cloud.create(TASK, "task", taskInputs);
        await cloud.create(TASK, "idle", {
            ...taskInputs,
            replicationTaskId: "idle",
            startReplicationTask: false,
        });
        assert.deepEqual((await reviveStack(cloud.stackDir, cloud.control)).tasks, []);
        assert.deepEqual((await reviveStack(cloud.stackDir, idleControl())).tasks, ["trail"]);
        // What stands in its way, an update may mend: it must not be kept from that.
        const failing = {
            ...idleControl(),
            startTask: () => Promise.reject(new Error("duplicate key value")),
        };
        assert.deepEqual(await reviveStack(cloud.stackDir, failing), {
            servers: [],
            tasks: [],
            failures: ["duplicate key value"],
        });
    });

    it("changes an endpoint under a running task only when the task may be paused", async () => {
        const replication = await makeReplication(cloud, { source, target });
        await cloud.create(TASK, "task", replication.taskInputs);
        const settings = { heartbeatEnable: true };
        await assert.rejects(
            cloud.update(replication.source, { postgresSettings: settings }),
            /InvalidResourceStateFault.*pauseReplicationTasks/,
        );
        log.length = 0;
        await cloud.update(replication.source, {
            postgresSettings: settings,
            pauseReplicationTasks: true,
        });
        assert.deepEqual(log, ["stop trail", "start trail"]);
        const { source: written } = await taskJson();
        assert.deepEqual((written as Props).postgresSettings, settings);
    });

    it("keeps a subnet group in its network", async () => {
        const { subnets } = await makeReplication(cloud, { source, target });
        const ids = subnets.map(({ id }) => id);
        const group = await cloud.create(SUBNET_GROUP, "other", {
            replicationSubnetGroupId: "other",
            replicationSubnetGroupDescription: "other",
            subnetIds: ids,
        });
        await cloud.update(group, { subnetIds: [...ids].reverse() });
        const vpc = await cloud.create("aws:ec2/vpc:Vpc", "far", { cidrBlock: "10.1.0.0/16" });
        const [first, second] = await Promise.all(
            ["a", "b"].map((zone, at) =>
                cloud.create("aws:ec2/subnet:Subnet", `far-${zone}`, {
                    vpcId: vpc.id,
                    cidrBlock: `10.1.${at}.0/24`,
                    availabilityZone: `us-east-1${zone}`,
                }),
            ),
        );
        await assert.rejects(
            cloud.update(group, { subnetIds: [first?.id, second?.id] }),
            /the new subnets of "other" are not in the VPC of its subnet group/,
        );
    });

    it("needs its account-wide roles first", async () => {
        const { subnets } = await makeNetwork(cloud);
        const inputs = {
            replicationSubnetGroupId: "trail",
            replicationSubnetGroupDescription: "trail",
            subnetIds: subnets.map(({ id }) => id),
        };
        await assert.rejects(
            cloud.create(SUBNET_GROUP, "group", inputs),
            /dms-vpc-role is not configured properly: the role .* does not exist/,
        );
        await makeDmsRole(cloud, "dms-vpc-role", "AmazonDMSCloudWatchLogsRole");
        await assert.rejects(
            cloud.create(SUBNET_GROUP, "group", inputs),
            /lacks the policy AmazonDMSVPCManagementRole/,
        );
        await cloud.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "right", {
            role: "dms-vpc-role",
            policyArn: "arn:aws:iam::aws:policy/service-role/AmazonDMSVPCManagementRole",
        });
        await assert.rejects(
            cloud.create(SUBNET_GROUP, "group", { ...inputs, subnetIds: [subnets[0]?.id] }),
            /at least 2 availability zones, it has 1/,
        );
        await cloud.create(SUBNET_GROUP, "group", inputs);
    });

    it("refuses a task that logs without its role for logs", async () => {
        const { taskInputs } = await makeReplication(cloud, { source, target });
        const logging = {
            ...taskInputs,
            replicationTaskSettings: '{"Logging":{"EnableLogging":true}}',
        };
        await assert.rejects(cloud.create(TASK, "task", logging), /dms-cloudwatch-logs-role/);
        await makeDmsRole(cloud, "dms-cloudwatch-logs-role", "AmazonDMSCloudWatchLogsRole");
        await cloud.create(TASK, "task", logging);
    });

    it("refuses a secret that it cannot read or use, without telling what is in it", async () => {
        const { taskInputs, access, certificate } = await makeReplication(cloud, {
            source: { username: "audit_trail_dms_source", password: "source-password" },
            target,
        });
        const { message } = await cloud.create(TASK, "task", taskInputs).then(
            () => new Error("created"),
            (error: unknown) => error as Error,
        );
        assert.match(message, /endpoint "source-endpoint": its secret lacks host, port/);
        assert.ok(!message.includes("source-password"));
        assert.deepEqual(log, []);
        const other = await cloud.create("aws:secretsmanager/secret:Secret", "empty", {});
        await cloud.create("aws:iam/rolePolicy:RolePolicy", "empty", {
            role: access.id,
            policy: JSON.stringify({
                Statement: {
                    Effect: "Allow",
                    Action: "secretsmanager:*",
                    Resource: other.outputs.arn,
                },
            }),
        });
        const empty = await cloud.create(ENDPOINT, "empty", {
            endpointId: "empty",
            endpointType: "source",
            engineName: "postgres",
            databaseName: "shop",
            sslMode: "verify-full",
            certificateArn: certificate.outputs.certificateArn,
            secretsManagerArn: other.outputs.arn,
            secretsManagerAccessRoleArn: access.outputs.arn,
        });
        await assert.rejects(
            cloud.create(TASK, "task", {
                ...taskInputs,
                sourceEndpointArn: empty.outputs.endpointArn,
            }),
            /endpoint "empty": the secret .* has no value/,
        );
    });

    it("refuses a secret that no policy of the endpoint's role lets it read", async () => {
        const { access, certificate, taskInputs } = await makeReplication(cloud, {
            source,
            target,
        });
        const other = await cloud.create("aws:secretsmanager/secret:Secret", "other", {});
        await cloud.create("aws:secretsmanager/secretVersion:SecretVersion", "other", {
            secretId: other.id,
            secretString: JSON.stringify(source),
        });
        const endpoint = await cloud.create(ENDPOINT, "other", {
            endpointId: "other",
            endpointType: "source",
            engineName: "postgres",
            databaseName: "shop",
            sslMode: "verify-full",
            certificateArn: certificate.outputs.certificateArn,
            secretsManagerArn: other.outputs.arn,
            secretsManagerAccessRoleArn: access.outputs.arn,
        });
        const inputs = { ...taskInputs, sourceEndpointArn: endpoint.outputs.endpointArn };
        await assert.rejects(
            cloud.create(TASK, "task", inputs),
            /endpoint "other": AccessDeniedException: no policy .* allows secretsmanager:GetSecretValue/u,
        );
        await cloud.create("aws:iam/rolePolicy:RolePolicy", "wide", {
            role: access.id,
            policy: JSON.stringify({
                Statement: [{ Effect: "Allow", Action: "SecretsManager:Get*", Resource: "*" }],
            }),
        });
        await cloud.create(TASK, "task", inputs);
    });

    it("deletes nothing that another resource still uses", async () => {
        const made = await makeReplication(cloud, { source, target });
        const task = await cloud.create(TASK, "task", made.taskInputs);
        for (const one of [made.source, made.instance, made.certificate, made.subnetGroup]) {
            await assert.rejects(
                cloud.delete(one),
                /^Error: InvalidResourceStateFault: .* cannot be deleted while aws:dms/u,
            );
        }
        await cloud.delete(task);
        await cloud.delete(made.instance);
        await cloud.delete(made.subnetGroup);
        await cloud.delete(made.source);
    });

    it("refuses a secret whose role trusts DMS in general and not in this region", async () => {
        const { taskInputs } = await makeReplication(
            cloud,
            { source, target },
            "dms.amazonaws.com",
        );
        await assert.rejects(
            cloud.create(TASK, "task", taskInputs),
            /does not trust dms.us-east-1.amazonaws.com, so its secret cannot be read/,
        );
    });

    const task: Props = {
        replicationTaskId: "trail",
        migrationType: "cdc",
        replicationInstanceArn: "i",
        sourceEndpointArn: "s",
        targetEndpointArn: "t",
        tableMappings: "{}",
    };
    const endpoint: Props = {
        endpointId: "source",
        endpointType: "source",
        engineName: "postgres",
        databaseName: "shop",
        secretsManagerArn: "secret",
        secretsManagerAccessRoleArn: "role",
    };
    const refused: [string, Props, RegExp][] = [
        [TASK, { ...task, tableMappings: "no" }, /^tableMappings: It is not valid JSON/],
        [TASK, { ...task, migrationType: "all" }, /^migrationType: Expected one of full-load, cdc/],
        ...["1-trail", "Trail", "trail-", "a--b", "a".repeat(256)].map(
            (replicationTaskId): [string, Props, RegExp] => [
                TASK,
                { ...task, replicationTaskId },
                /^replicationTaskId: It has up to 255/,
            ],
        ),
        [ENDPOINT, { ...endpoint, endpointId: "Source" }, /^endpointId: It has up to 255/],
        [
            TASK,
            { ...task, replicationTaskSettings: '{"Logging":{"CloudWatchLogGroup":null}}' },
            /^replicationTaskSettings: Logging.CloudWatchLogGroup is read-only/,
        ],
        [ENDPOINT, { ...endpoint, password: "p" }, /^password: It comes from the secret/],
        [
            ENDPOINT,
            { ...endpoint, sslMode: "verify-full" },
            /^certificateArn: .*needs a certificate/,
        ],
        [ENDPOINT, { ...endpoint, sslMode: "on" }, /^sslMode: Expected one of none/],
        [ENDPOINT, { ...endpoint, engineName: "oracle" }, /^engineName: Expected one of/],
        [
            ENDPOINT,
            { ...endpoint, secretsManagerAccessRoleArn: undefined },
            /^secretsManagerAccessRoleArn: /,
        ],
        [
            ENDPOINT,
            { ...endpoint, secretsManagerArn: undefined },
            /^secretsManagerArn: Give it, or all of/,
        ],
        [
            "aws:dms/certificate:Certificate",
            { certificateId: "ca", certificatePem: "-----BEGIN" },
            /^certificatePem: It is not a certificate/,
        ],
        [
            "aws:dms/replicationInstance:ReplicationInstance",
            { replicationInstanceId: "i", replicationInstanceClass: "db.t3.medium" },
            /^replicationInstanceClass: /,
        ],
        [
            "aws:dms/replicationInstance:ReplicationInstance",
            {
                replicationInstanceId: "a".repeat(64),
                replicationInstanceClass: "dms.t3.medium",
            },
            /^replicationInstanceId: It has up to 63/,
        ],
        [
            SUBNET_GROUP,
            {
                replicationSubnetGroupId: "default",
                replicationSubnetGroupDescription: "a",
                subnetIds: [],
            },
            /^replicationSubnetGroupId: /,
        ],
    ];
    for (const [type, inputs, message] of refused) {
        it(`refuses early: ${message.source.slice(1, 40)}`, async () => {
            const failures = await cloud.failures(type, inputs);
            assert.equal(failures.length, 1, failures.join());
            assert.match(failures[0] ?? "", message);
        });
    }
});
