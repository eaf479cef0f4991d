import assert from "node:assert/strict";
import { Client } from "pg";
import { reviveStack, sweepStack } from "../../../local/aws/revive";
import { replicator } from "../../../local/aws/taskControl";
import { isPortFree } from "../../../local/servers/ports";
import { stopRdsServer } from "../../../local/servers/rds";
import { ensureAuthority } from "../../../local/servers/tls";
import { until } from "../../../testing/until";
import { Cloud, type Made } from "./support/cloud";
import { makeReplication } from "./support/replication";

const TASK = "aws:dms/replicationTask:ReplicationTask";
const MASTER = { user: "shop_admin", password: "master-password" };

/** The whole of it with the real replicator: what the program's resources do when an engine creates them. */
describe("a replication task between two clusters of the AWS stand-in", function () {
    this.timeout(60_000);
    let cloud: Cloud;
    let source: Made;
    let target: Made;
    let task: Made;

    async function makeCluster(identifier: string, logical: boolean): Promise<Made> {
        const group = await cloud.create(
            "aws:rds/clusterParameterGroup:ClusterParameterGroup",
            identifier,
            {
                family: "aurora-postgresql17",
                parameters: [
                    {
                        name: "rds.logical_replication",
                        value: logical ? "1" : "0",
                        applyMethod: "pending-reboot",
                    },
                ],
            },
        );
        const cluster = await cloud.create("aws:rds/cluster:Cluster", identifier, {
            clusterIdentifier: identifier,
            engine: "aurora-postgresql",
            engineVersion: "17.7",
            masterUsername: MASTER.user,
            masterPassword: MASTER.password,
            databaseName: "shop",
            dbClusterParameterGroupName: group.id,
            skipFinalSnapshot: true,
        });
        await cloud.create("aws:rds/clusterInstance:ClusterInstance", identifier, {
            identifier: `${identifier}-1`,
            clusterIdentifier: cluster.id,
            engine: "aurora-postgresql",
            instanceClass: "db.t3.medium",
        });
        return cluster;
    }

    async function query(cluster: Made, sql: string): Promise<Record<string, unknown>[]> {
        const { cert } = await ensureAuthority(cloud.stackDir);
        const client = new Client({
            ...MASTER,
            host: "localhost",
            port: Number(cluster.outputs.port),
            database: "shop",
            ssl: { ca: cert },
        });
        await client.connect();
        try {
            return (await client.query<Record<string, unknown>>(sql)).rows;
        } finally {
            await client.end();
        }
    }

    async function arrives(itemId: number): Promise<void> {
        await until(async () => {
            const sql = `SELECT 1 FROM public.items WHERE item_id = ${itemId}`;
            return (await query(target, sql)).length === 1;
        });
    }

    before(async () => {
        cloud = await Cloud.open(replicator);
        source = await makeCluster("source", true);
        target = await makeCluster("audit", false);
        const table = "CREATE TABLE public.items (item_id integer PRIMARY KEY, name varchar(100))";
        await query(
            source,
            `${table}; INSERT INTO public.items VALUES (1, 'one');
             CREATE ROLE audit_trail_dms_source LOGIN PASSWORD 'source-password';
             GRANT rds_replication, rds_superuser TO audit_trail_dms_source;
             GRANT SELECT ON public.items TO audit_trail_dms_source`,
        );
        await query(
            target,
            `${table}; CREATE ROLE audit_trail_dms_target LOGIN PASSWORD 'target-password';
             GRANT ALL ON DATABASE shop TO audit_trail_dms_target; GRANT ALL ON SCHEMA public TO audit_trail_dms_target;
             GRANT SELECT, INSERT, UPDATE, DELETE ON public.items TO audit_trail_dms_target`,
        );
        const host = "localhost";
        const { taskInputs } = await makeReplication(cloud, {
            source: {
                username: "audit_trail_dms_source",
                password: "source-password",
                host,
                port: Number(source.outputs.port),
            },
            target: {
                username: "audit_trail_dms_target",
                password: "target-password",
                host,
                port: Number(target.outputs.port),
            },
        });
        task = await cloud.create(TASK, "task", {
            ...taskInputs,
            replicationTaskSettings: JSON.stringify({
                ChangeProcessingDdlHandlingPolicy: { HandleSourceTableDropped: false },
                FullLoadSettings: { TargetTablePrepMode: "DO_NOTHING" },
            }),
        });
    });

    after(async () => {
        await cloud.close();
    });

    it("loads, then replicates", async () => {
        await arrives(1);
        await query(source, "INSERT INTO public.items VALUES (2, 'two')");
        await arrives(2);
    });

    it("goes on where it was after everything was off", async () => {
        await query(source, "INSERT INTO public.items VALUES (3, 'three')");
        await cloud.control.stopTask(`${cloud.stackDir}/tasks/trail`);
        await stopRdsServer(cloud.stackDir, "source");
        await stopRdsServer(cloud.stackDir, "audit");
        const report = await reviveStack(cloud.stackDir, cloud.control);
        assert.deepEqual(report, { servers: ["audit", "source"], tasks: ["trail"], failures: [] });
        await arrives(3);
    });

    it("says why its slot cannot be dropped", async () => {
        const folder = `${cloud.stackDir}/tasks/trail`;
        await cloud.control.stopTask(folder);
        await query(source, "ALTER ROLE audit_trail_dms_source NOREPLICATION");
        await assert.rejects(cloud.control.dropTaskSlot(folder), {
            message:
                /^The replication slot awsdms_\S+ could not be dropped on the source as user "audit_trail_dms_source": permission denied .* \(SQLSTATE 42501\); mend that and run the command again\.$/,
        });
    });

    it("leaves no slot behind when it is deleted, also where its user lost the right to slots", async () => {
        await cloud.delete(task);
        assert.deepEqual(await query(source, "SELECT slot_name FROM pg_replication_slots"), []);
    });

    it("is swept away with its servers", async () => {
        task = await cloud.create(TASK, "task", { ...task.inputs, migrationType: "cdc" });
        const folder = `${cloud.stackDir}/tasks/trail`;
        assert.equal(cloud.control.isTaskRunning(folder), true);
        await sweepStack(cloud.stackDir, cloud.control);
        assert.equal(cloud.control.isTaskRunning(folder), false);
        for (const cluster of [source, target]) {
            assert.equal(await isPortFree(Number(cluster.outputs.port)), true);
        }
    });
});
