import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { isProtected } from "../../../local/aws/protection";
import { reviveStack, sweepStack } from "../../../local/aws/revive";
import type { Props } from "../../../local/provider";
import { isPortFree } from "../../../local/servers/ports";
import { recordedPid } from "../../../local/servers/postgres";
import { isRdsServerRunning } from "../../../local/servers/rds";
import { rdsFolder } from "../../../local/servers/rdsFiles";
import { authorityFiles } from "../../../local/servers/tls";
import { until } from "../../../testing/until";
import { Cloud, type Made, makeNetwork } from "./support/cloud";

const CLUSTER = "aws:rds/cluster:Cluster";
const INSTANCE = "aws:rds/clusterInstance:ClusterInstance";
const GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup";
const RDS = "aws:rds/instance:Instance";
const RDS_GROUP = "aws:rds/parameterGroup:ParameterGroup";
const PASSWORD = "correct-horse-battery";
const FAMILY = "aurora-postgresql17";

const clusterInputs: Props = {
    clusterIdentifier: "orders",
    engine: "aurora-postgresql",
    engineVersion: "17.7",
    masterUsername: "shop_admin",
    masterPassword: PASSWORD,
    databaseName: "shop",
    skipFinalSnapshot: true,
};
const instanceInputs: Props = {
    identifier: "orders-1",
    clusterIdentifier: "orders",
    engine: "aurora-postgresql",
    instanceClass: "db.t3.medium",
};

const rdsInputs: Props = {
    identifier: "log",
    engine: "postgres",
    engineVersion: "17.7",
    instanceClass: "db.m8g.large",
    allocatedStorage: 100,
    maxAllocatedStorage: 110,
    dbName: "shop",
    username: "shop_admin",
    password: PASSWORD,
    skipFinalSnapshot: true,
};

describe("RDS clusters of the AWS stand-in", function () {
    let cloud: Cloud;
    let group: Made;
    let cluster: Made;
    let instance: Made;

    async function query(sql: string, password = PASSWORD): Promise<Record<string, unknown>[]> {
        const client = new Client({
            host: "localhost",
            port: Number(cluster.outputs.port),
            user: "shop_admin",
            password,
            database: "shop",
            ssl: { ca: await readFile(authorityFiles(cloud.stackDir).certPath, "utf8") },
        });
        client.on("error", () => undefined);
        await client.connect();
        try {
            return (await client.query<Record<string, unknown>>(sql)).rows;
        } finally {
            await client.end();
        }
    }

    async function setting(name: string): Promise<unknown> {
        return (await query(`SELECT current_setting('${name}') AS value`))[0]?.value;
    }

    before(async () => {
        cloud = await Cloud.open();
        const { subnets } = await makeNetwork(cloud);
        const subnetGroup = await cloud.create("aws:rds/subnetGroup:SubnetGroup", "subnets", {
            subnetIds: subnets.map(({ id }) => id),
        });
        group = await cloud.create(GROUP, "group", {
            family: FAMILY,
            parameters: [
                { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" },
                { name: "track_commit_timestamp", value: "1", applyMethod: "pending-reboot" },
                { name: "log_min_messages", value: "error", applyMethod: "pending-reboot" },
            ],
        });
        cluster = await cloud.create(CLUSTER, "cluster", {
            ...clusterInputs,
            dbSubnetGroupName: subnetGroup.id,
            dbClusterParameterGroupName: group.id,
        });
    });

    after(async () => {
        await cloud.close();
    });

    it("answer only once they have an instance", async () => {
        await assert.rejects(query("SELECT 1"), /ECONNREFUSED/);
        instance = await cloud.create(INSTANCE, "instance", instanceInputs);
        assert.equal(instance.outputs.endpoint, "localhost");
        assert.equal(instance.outputs.port, cluster.outputs.port);
        assert.equal(await setting("wal_level"), "logical");
        assert.equal(await setting("track_commit_timestamp"), "on");
    });

    it("keep the master password out of every recorded file", async () => {
        const files = await readdir(cloud.stackDir, { recursive: true, withFileTypes: true });
        const texts = files.filter(
            (file) => file.isFile() && !file.parentPath.includes(`${path.sep}data`),
        );
        assert.ok(texts.length > 5);
        for (const file of texts) {
            const text = await readFile(path.join(file.parentPath, file.name), "utf8");
            assert.ok(!text.includes(PASSWORD), file.name);
        }
        assert.equal(cluster.outputs.masterPassword, PASSWORD);
    });

    it("take dynamic parameters at once and pending-reboot ones with the next start", async () => {
        group = await cloud.update(group, {
            parameters: [
                { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" },
                { name: "log_min_messages", value: "info", applyMethod: "pending-reboot" },
                { name: "work_mem", value: "7MB", applyMethod: "immediate" },
            ],
        });
        await until(async () => (await setting("work_mem")) === "7MB");
        assert.equal(await setting("log_min_messages"), "error");
        assert.equal(await setting("track_commit_timestamp"), "on");
        instance = await cloud.update(instance, {
            instanceClass: "db.r6g.large",
            applyImmediately: true,
        });
        assert.equal(await setting("log_min_messages"), "info");
        assert.equal(await setting("track_commit_timestamp"), "off");
    });

    it("change the master password in place", async () => {
        cluster = await cloud.update(cluster, { masterPassword: "another-password" });
        await assert.rejects(query("SELECT 1"), /password authentication failed/);
        await query("CREATE TABLE kept AS SELECT 1 AS one", "another-password");
        cluster = await cloud.update(cluster, { masterPassword: PASSWORD });
    });

    it("come back with their data when the machine was switched off, and only once", async () => {
        const { dataDir, logFile } = rdsFolder(cloud.stackDir, "orders");
        const pid = await recordedPid({ bin: "", dataDir, logFile });
        assert.ok(pid !== undefined);
        process.kill(pid, "SIGKILL");
        await until(async () => !(await isRdsServerRunning(cloud.stackDir, "orders")));
        const report = await reviveStack(cloud.stackDir, cloud.control);
        assert.deepEqual(report, { servers: ["orders"], tasks: [], failures: [] });
        assert.deepEqual(await query("SELECT one FROM kept"), [{ one: 1 }]);
        const again = await reviveStack(cloud.stackDir, cloud.control);
        assert.deepEqual(again, { servers: [], tasks: [], failures: [] });
    });

    it("are replaced, updated or refused as on AWS", async () => {
        const renamed = { ...cluster.inputs, databaseName: "other" };
        assert.deepEqual(cloud.diff(cluster, renamed), {
            changes: true,
            replaces: ["databaseName"],
            deleteBeforeReplace: true,
        });
        assert.deepEqual(
            cloud.diff(cluster, { ...cluster.inputs, engineVersion: "17.8" })?.replaces,
            [],
        );
        await assert.rejects(
            cloud.update(cluster, { engineVersion: "18.1" }),
            /allowMajorVersionUpgrade/,
        );
        await assert.rejects(
            cloud.update(cluster, { engineVersion: "17.6" }),
            /cannot upgrade cluster "orders" from 17.7 to 17.6/,
        );
        await assert.rejects(
            cloud.create(CLUSTER, "twin", clusterInputs),
            /"orders" already exists in the local stack "test"/,
        );
        await assert.rejects(cloud.delete(group), /still uses the parameter group/);
        await assert.rejects(cloud.delete(cluster), /still has instances/);
    });

    const refusedClusters: [Props, RegExp][] = [
        [{ masterUsername: "rdsadmin" }, /^masterUsername: .*not reserved/],
        [{ masterPassword: "short" }, /^masterPassword: It has 8 to 99/],
        [{ masterPassword: "with spaces in it" }, /^masterPassword: /],
        [{ clusterIdentifier: "Not_Valid" }, /^clusterIdentifier: /],
        [{ databaseName: "1st" }, /^databaseName: /],
        [{ engine: "aurora-mysql" }, /^engine: Expected one of aurora-postgresql/],
        [{ manageMasterUserPassword: true }, /^manageMasterUserPassword: /],
        [{ clusterIdentifier: "a--b" }, /^clusterIdentifier: /],
        [{ backupRetentionPeriod: 0 }, /^backupRetentionPeriod: It is between 1 and 35/],
        [{ backupRetentionPeriod: 36 }, /^backupRetentionPeriod: It is between 1 and 35/],
        [{ finalSnapshotIdentifier: "orders_final" }, /^finalSnapshotIdentifier: /],
        [{ finalSnapshotIdentifier: "orders-" }, /^finalSnapshotIdentifier: /],
        [{ engineVersion: "latest" }, /^engineVersion: It is written like 17.7/],
        [{ enabledCloudwatchLogsExports: ["audit"] }, /^enabledCloudwatchLogsExports: /],
        [{ kmsKeyId: "arn:aws:kms:us-east-1:000000000000:key/1" }, /^kmsKeyId: /],
        ...[
            [2, 1],
            [0.3, 1],
            [0, 0.5],
            [1, 257],
        ].map(([minCapacity, maxCapacity]): [Props, RegExp] => [
            { serverlessv2ScalingConfiguration: { minCapacity, maxCapacity } },
            /^serverlessv2ScalingConfiguration: /,
        ]),
    ];
    for (const [change, message] of refusedClusters) {
        it(`are refused with ${JSON.stringify(change)}`, async () => {
            const failures = await cloud.failures(CLUSTER, { ...clusterInputs, ...change });
            assert.equal(failures.length, 1);
            assert.match(failures[0] ?? "", message);
        });
    }

    it("are refused by what they refer to, and leave nothing", async () => {
        const other = { ...clusterInputs, clusterIdentifier: "other" };
        const away = await cloud.create("aws:ec2/vpc:Vpc", "away", { cidrBlock: "10.9.0.0/16" });
        const stranger = await cloud.create("aws:ec2/securityGroup:SecurityGroup", "stranger", {
            vpcId: away.id,
        });
        const { dbSubnetGroupName } = cluster.inputs;
        const family18 = await cloud.create(GROUP, "g18", { family: FAMILY, name: "g17" });
        const cases: [Props, RegExp][] = [
            [{ dbSubnetGroupName: "none" }, /DBSubnetGroupNotFoundFault/],
            [{ dbClusterParameterGroupName: "none" }, /DBClusterParameterGroupNotFound/],
            [{ vpcSecurityGroupIds: ["sg-0"] }, /InvalidGroup.NotFound/],
            [{ dbSubnetGroupName, vpcSecurityGroupIds: [stranger.id] }, /is not in its VPC/],
            [
                { dbClusterParameterGroupName: family18.id, engineVersion: "18.1" },
                /is of family aurora-postgresql17, the cluster needs aurora-postgresql18/,
            ],
            [{ engineVersion: "9.6" }, /no local PostgreSQL 9/],
        ];
        for (const [change, message] of cases) {
            await assert.rejects(cloud.create(CLUSTER, "other", { ...other, ...change }), message);
        }
        assert.equal(existsSync(rdsFolder(cloud.stackDir, "other").folder), false);
        await assert.rejects(
            cloud.create(INSTANCE, "lost", {
                ...instanceInputs,
                identifier: "lost",
                clusterIdentifier: "no",
            }),
            /DBClusterNotFoundFault/,
        );
    });

    const refusedParameters: [Props, RegExp][] = [
        [
            { name: "wal_sender_timeuot", value: "0" },
            /Could not find parameter with name: wal_sender_timeuot/,
        ],
        [
            { name: "wal_sender_timeout", value: "soon" },
            /invalid value for parameter "wal_sender_timeout"/,
        ],
        [{ name: "max_connections", value: "50" }, /"max_connections" is static.*pending-reboot/],
        [
            { name: "wal_level", value: "logical", applyMethod: "pending-reboot" },
            /"wal_level" cannot be modified/,
        ],
        [{ name: "rds.force_ssl", value: "yes" }, /"rds.force_ssl" takes 0 or 1/],
    ];
    for (const [parameter, message] of refusedParameters) {
        it(`are refused a parameter group with ${JSON.stringify(parameter)}`, async () => {
            await assert.rejects(
                cloud.create(GROUP, "bad", { family: FAMILY, parameters: [parameter] }),
                message,
            );
        });
    }

    it("stop with their last instance and go with their cluster", async () => {
        await cloud.delete(instance);
        assert.equal(await isRdsServerRunning(cloud.stackDir, "orders"), false);
        assert.deepEqual((await reviveStack(cloud.stackDir, cloud.control)).servers, []);
        cluster = await cloud.update(cluster, { deletionProtection: true });
        await assert.rejects(cloud.delete(cluster), /deletionProtection/);
        cluster = await cloud.update(cluster, {
            deletionProtection: false,
            skipFinalSnapshot: false,
        });
        await assert.rejects(cloud.delete(cluster), /finalSnapshotIdentifier is required/);
        cluster = await cloud.update(cluster, { finalSnapshotIdentifier: "orders-final" });
        assert.equal(await isRdsServerRunning(cloud.stackDir, "orders"), false);
        await cloud.delete(cluster);
        assert.equal(existsSync(rdsFolder(cloud.stackDir, "orders").folder), false);
        await cloud.delete(group);
    });

    it("have a serverless instance only when they say how far they grow", async () => {
        const made = await cloud.create(CLUSTER, "cluster", clusterInputs);
        const serverless = { ...instanceInputs, instanceClass: "db.serverless" };
        await assert.rejects(
            cloud.create(INSTANCE, "instance", serverless),
            /set the Serverless v2 scaling configuration on the cluster "orders"/,
        );
        assert.deepEqual(await cloud.failures(INSTANCE, serverless), []);
        await cloud.delete(made);
    });

    it("have beside them instances of RDS, which run from their creation on", async () => {
        const parameters = await cloud.create(RDS_GROUP, "parameters", {
            family: "postgres17",
            parameters: [
                { name: "rds.logical_replication", value: "1", applyMethod: "pending-reboot" },
            ],
        });
        const inputs = { ...rdsInputs, parameterGroupName: parameters.id };
        await assert.rejects(
            cloud.create(RDS, "rds", { ...inputs, parameterGroupName: "none" }),
            /DBParameterGroupNotFound/,
        );
        await assert.rejects(
            cloud.create(RDS_GROUP, "bad", { family: FAMILY }),
            /no parameter group family "aurora-postgresql17" of this kind: use postgres17/,
        );
        let rds = await cloud.create(RDS, "rds", inputs);
        assert.equal(rds.outputs.address, "localhost");
        assert.equal(rds.outputs.endpoint, `localhost:${String(rds.outputs.port)}`);
        cluster = rds;
        assert.equal(await setting("wal_level"), "logical");
        await assert.rejects(cloud.delete(parameters), /instance "log" still uses/);
        await assert.rejects(cloud.update(rds, { allocatedStorage: 50 }), /cannot be reduced/);
        await assert.rejects(cloud.update(rds, { engineVersion: "18.1" }), /MajorVersionUpgrade/);
        assert.deepEqual(cloud.diff(rds, { ...rds.inputs, dbName: "other" })?.replaces, ["dbName"]);
        rds = await cloud.update(rds, { deletionProtection: true });
        await assert.rejects(cloud.delete(rds), /instance "log" cannot be deleted while/);
        assert.equal(await isProtected(cloud.stackDir), true);
        rds = await cloud.update(rds, { deletionProtection: false });
        await cloud.delete(rds);
        assert.equal(existsSync(rdsFolder(cloud.stackDir, "log").folder), false);
        await cloud.delete(parameters);
    });

    const refusedInstances: [Props, RegExp][] = [
        [{ engine: "aurora-postgresql" }, /^engine: Expected one of postgres/],
        [{ instanceClass: "db.serverless" }, /^instanceClass: It is written like/],
        [{ allocatedStorage: 19, maxAllocatedStorage: undefined }, /^allocatedStorage: It is 20/],
        [{ maxAllocatedStorage: 109 }, /^maxAllocatedStorage: It is at least a tenth more/],
        [{ username: "rdsadmin" }, /^username: .*not reserved/],
        [{ password: "short" }, /^password: It has 8 to 99/],
    ];
    for (const [change, message] of refusedInstances) {
        it(`have no instance of RDS beside them with ${JSON.stringify(change)}`, async () => {
            const failures = await cloud.failures(RDS, { ...rdsInputs, ...change });
            assert.equal(failures.length, 1);
            assert.match(failures[0] ?? "", message);
        });
    }

    it("are swept away with whatever still runs", async () => {
        cluster = await cloud.create(CLUSTER, "cluster", {
            ...clusterInputs,
            skipFinalSnapshot: false,
            finalSnapshotIdentifier: "orders-final",
        });
        await assert.rejects(
            cloud.delete(cluster),
            /DBClusterSnapshotAlreadyExistsFault.*"orders-final"/,
        );
        await cloud.create(INSTANCE, "instance", instanceInputs);
        assert.equal(await isPortFree(Number(cluster.outputs.port)), false);
        await sweepStack(cloud.stackDir, cloud.control);
        assert.equal(await isPortFree(Number(cluster.outputs.port)), true);
        assert.equal(existsSync(cloud.stackDir), false);
        await sweepStack(cloud.stackDir, cloud.control);
    });
});
