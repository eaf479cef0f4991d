import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { slotName } from "../../../local/dms/capture/slot";
import { dropTaskSlot, startTask, stopTask } from "../../../local/dms/control";
import { startTicks } from "../../../local/dms/processIdentity";
import { writeJsonFile } from "../../../local/dms/taskFiles";
import { findBinaries } from "../../../local/servers/binaries";
import { type ServerFiles, startServer, stopServer } from "../../../local/servers/postgres";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { Proxy } from "../../../testing/proxy";
import { until } from "../../../testing/until";
import { Bench, ITEMS, ITEMS_STAGING, log, rowsOf, statusOf } from "./support";

const SOURCE_ROWS = "SELECT item_id, name, price FROM items ORDER BY 1";
/** What a reader of staging takes for the live rows. */
const TARGET_ROWS =
    "SELECT item_id, name, price FROM items_staging WHERE operation <> 'D' ORDER BY 1";

describe("local/dms: stops, kills and outages", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let other: ScratchServer;
    let bench: Bench;

    before(async () => {
        const settings = { synchronous_commit: "on" };
        server = await scratchServer({ settings });
        other = await scratchServer({ settings });
        bench = await Bench.open(server, "durability", other);
    });
    after(async () => {
        await bench.close();
        await other.stop();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(ITEMS);
        await bench.target.query(ITEMS_STAGING);
    });

    /** Conflicts mended as the audit trail's settings mend them, so that replays converge. */
    const converging = {
        ErrorBehavior: {
            ApplyErrorInsertPolicy: "INSERT_RECORD",
            ApplyErrorUpdatePolicy: "UPDATE_RECORD",
        },
        ChangeProcessingTuning: { MinTransactionSize: 20 },
    };

    async function assertConverged(dir: string): Promise<void> {
        await bench.caughtUp(dir, 30_000);
        assert.deepEqual(await bench.rows(TARGET_ROWS), await rowsOf(bench.source, SOURCE_ROWS));
    }

    function kill(dir: string): Promise<void> {
        const { pid } = statusOf(dir);
        process.kill(pid, "SIGKILL");
        return until(() => Promise.resolve(startTicks(pid) === undefined));
    }

    async function work(rounds: number): Promise<void> {
        for (let n = 0; n < rounds; n += 1) {
            const id = (n * 7) % 40;
            await bench.source.query(
                `INSERT INTO items VALUES (${id}, 'a', ${n}) ON CONFLICT (item_id) DO UPDATE SET price = ${n}; ` +
                    `DELETE FROM items WHERE item_id = ${(n * 11) % 40}; ` +
                    `INSERT INTO items VALUES (${100 + (n % 5)}, 'b', 0) ON CONFLICT (item_id) DO UPDATE SET price = items.price + 1`,
            );
        }
    }

    it("goes on where it stopped", async () => {
        const dir = await bench.started();
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        await bench.caughtUp(dir);
        await stopTask(dir);
        assert.equal(statusOf(dir).state, "stopped");
        await bench.source.query("INSERT INTO items VALUES (2, 'b', 1)");
        await stopTask(dir);
        await startTask(dir);
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT item_id, right(change_seq, 19)::bigint FROM items_staging ORDER BY 1",
            ),
            [
                ["1", "1"],
                ["2", "2"],
            ],
        );
        assert.equal(statusOf(dir).conflicts, 0);
    });

    it("converges after being killed at any moment", async () => {
        const dir = await bench.started({ settings: converging });
        for (let round = 0; round < 5; round += 1) {
            const busy = work(60);
            await until(() => Promise.resolve(statusOf(dir).transactions > round * 3));
            await kill(dir);
            assert.equal(statusOf(dir).state, "failed");
            await startTask(dir);
            await busy;
        }
        await assertConverged(dir);
    });

    it("applies a group again that it could not confirm", async () => {
        const dir = await bench.started({
            settings: converging,
            faults: { killBeforeConfirm: true },
        });
        for (let round = 0; round < 3; round += 1) {
            const { pid } = statusOf(dir);
            await work(4);
            await until(() => Promise.resolve(startTicks(pid) === undefined));
            bench.setFaults(dir);
            await startTask(dir);
            await assertConverged(dir);
            bench.setFaults(dir, { killBeforeConfirm: true });
        }
    });

    it("replays whole transactions after a resume when told to", async () => {
        const dir = await bench.started({ settings: converging, faults: { replayAfterResume: 5 } });
        const admin = await bench.session();
        await bench.target.query(
            "CREATE TABLE seen (id bigserial, item_id integer, operation text, seq text); " +
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
                "VALUES (DEFAULT, NEW.item_id, NEW.operation, NEW.change_seq); RETURN NULL; END $$; " +
                "CREATE TRIGGER see AFTER INSERT OR UPDATE ON items_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
        for (let id = 0; id < 6; id += 1) {
            await admin.query(
                `BEGIN; INSERT INTO items VALUES (${id}, 'a', 1), (${id + 10}, 'a', 1); COMMIT`,
            );
        }
        await until(
            async () => (await bench.value("SELECT count(*) FROM seen", bench.target)) === "12",
        );
        await stopTask(dir);
        bench.setFaults(dir, { restartChangeSeq: true });
        await startTask(dir);
        await assertConverged(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT item_id, right(seq, 19)::bigint FROM seen WHERE id > 12 ORDER BY id",
            ),
            [
                ["3", "1"],
                ["13", "2"],
                ["4", "3"],
                ["14", "4"],
                ["5", "5"],
                ["15", "6"],
            ],
        );
    });

    it("begins an interrupted full load again", async () => {
        await bench.source.query(
            "INSERT INTO items SELECT g, 'x', 1 FROM generate_series(1, 3000) AS g",
        );
        await bench.source.query(
            "CREATE TABLE late (id integer PRIMARY KEY); INSERT INTO late VALUES (1)",
        );
        await bench.target.query(
            "CREATE TABLE late_staging (id integer PRIMARY KEY, operation varchar(50), commit_timestamp timestamp(6), " +
                "stream_position varchar(50), change_seq varchar(50))",
        );
        const dir = bench.task({ tables: ["items", "late"] });
        await bench.target.query("BEGIN; LOCK TABLE late_staging");
        const first = startTask(dir);
        const rejected = assert.rejects(first, /ended at its start/);
        await until(() => Promise.resolve(readdirSync(dir).includes("status.json")));
        await until(() => Promise.resolve(Object.keys(statusOf(dir).loadedRows).length === 1));
        await kill(dir);
        await rejected;
        await bench.target.query("ROLLBACK");
        await startTask(dir);
        await assertConverged(dir);
        assert.deepEqual(await bench.rows("SELECT id FROM late_staging"), [["1"]]);
    });

    it("survives restarts and outages of the target and the source", async () => {
        const dir = await bench.started({ settings: converging });
        const busy = work(150);
        const dataDir = await bench.value("SHOW data_directory", bench.target);
        const files: ServerFiles = {
            bin: await findBinaries(),
            dataDir: dataDir,
            logFile: path.join(path.dirname(dataDir), "server.log"),
        };
        await stopServer(files, "immediate");
        await until(() => Promise.resolve(statusOf(dir).state === "reconnecting"));
        await busy;
        await startServer(files, other.port);
        await bench.reconnectTarget();
        await assertConverged(dir);

        await bench.source.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'durability_source-%'",
        );
        await work(20);
        await assertConverged(dir);
        assert.equal(statusOf(dir).state, "running");
        assert.match(log(dir), /Connecting again after/);
    });

    it("waits while the network is cut, and fails when its slot is gone", async () => {
        const cut = await Proxy.open(server.port);
        try {
            const dir = await bench.started({ settings: converging, source: { port: cut.port } });
            cut.close();
            await until(() => Promise.resolve(statusOf(dir).state === "reconnecting"));
            await work(20);
            assert.notEqual(statusOf(dir).state, "failed");
            await cut.reopen();
            await assertConverged(dir);
            cut.close();
            await until(async () => {
                const active = "SELECT count(*) FROM pg_replication_slots WHERE active";
                return (await bench.value(active, bench.source)) === "0";
            });
            await bench.source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots",
            );
            await cut.reopen();
            await until(() => Promise.resolve(statusOf(dir).state === "failed"));
            assert.match(statusOf(dir).error ?? "", /slot .* is gone/);
        } finally {
            cut.close();
        }
    });

    it("retries when the target has no room, and writes no exception", async () => {
        const dir = await bench.started();
        await bench.target.query(
            "CREATE TABLE full_disk (); CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
                "IF to_regclass('public.full_disk') IS NOT NULL THEN RAISE 'no space' USING ERRCODE = '53100'; END IF; RETURN NULL; END $$; " +
                "CREATE TRIGGER full_disk AFTER INSERT ON items_staging FOR EACH ROW EXECUTE FUNCTION full_disk()",
        );
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        await until(() => Promise.resolve(log(dir).split("no space").length > 3));
        await bench.target.query("DROP TABLE full_disk");
        await assertConverged(dir);
        assert.deepEqual(await bench.rows("SELECT count(*) FROM awsdms_apply_exceptions"), [["0"]]);
    });

    it("does not confirm what it threw away when its connection broke", async () => {
        await bench.source.query("CREATE TABLE other (id integer)");
        const settings = {
            ...converging,
            ControlTablesSettings: { ControlSchema: "public", StatusTableEnabled: true },
        };
        const dir = await bench.started({ settings });
        const blocker = await bench.targetSession();
        const holder = await bench.targetSession();
        // The first transaction waits for the lock, the second one in the queue; the third is of no table of the task.
        await blocker.query("BEGIN; LOCK TABLE items_staging IN ACCESS EXCLUSIVE MODE");
        await bench.source.query("INSERT INTO items VALUES (1, 'first', 1)");
        await until(async () => {
            const { rows } = await blocker.query(
                "SELECT FROM pg_locks WHERE NOT granted AND relation = 'items_staging'::regclass",
            );
            return rows.length > 0;
        });
        await bench.source.query("INSERT INTO items VALUES (2, 'second', 1)");
        await bench.source.query("INSERT INTO other VALUES (1)");
        const third = await bench.value("SELECT pg_current_wal_lsn()::text", bench.source);
        const isTrue = (sql: string): Promise<boolean> =>
            bench.value(`SELECT (${sql})::text`, bench.source).then((value) => value === "true");
        await until(() =>
            isTrue(`(SELECT sent_lsn FROM pg_stat_replication) >= '${third}'::pg_lsn`),
        );
        // The monitor's last word waits, so that the end of the session takes a while.
        await holder.query("BEGIN; LOCK TABLE awsdms_status IN ACCESS EXCLUSIVE MODE");
        await bench.source.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
        await until(() => isTrue("NOT EXISTS (SELECT FROM pg_stat_replication)"));
        await blocker.query("COMMIT");
        await until(() => Promise.resolve(log(dir).includes("Connecting again")));
        await holder.query("COMMIT");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT item_id, name FROM items_staging ORDER BY 1"), [
            ["1", "first"],
            ["2", "second"],
        ]);
    });

    it("spills a huge transaction and stays small", async () => {
        const dir = await bench.started();
        await bench.source.query(
            "INSERT INTO items SELECT g, repeat('x', 80), 1 FROM generate_series(1, 120000) AS g",
        );
        await bench.caughtUp(dir, 50_000);
        assert.equal(
            await bench.value("SELECT count(*) FROM items_staging", bench.target),
            "120000",
        );
        const { pid, spilledTransactions } = statusOf(dir);
        assert.equal(spilledTransactions, 1);
        assert.deepEqual(readdirSync(path.join(dir, "spool")), []);
        if (process.platform === "linux") {
            const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
            assert.ok(Number(peak) < 300_000, `peak memory ${peak ?? "unknown"} kB`);
        }
    });

    it("ends with the tests that started it, whatever ends them", async () => {
        const support = JSON.stringify(path.resolve(__dirname, "../../../testing/taskFolder"));
        const script = `console.log(require(${support}).taskFolder().path); setInterval(() => {}, 1000);`;
        const owner = spawn(process.execPath, ["--require", "tsx/cjs", "-e", script], {
            stdio: ["ignore", "pipe", "inherit"],
        });
        const [dir] = (await once(createInterface(owner.stdout), "line")) as [string];
        try {
            bench.write(dir, {}, "durability-orphan");
            await startTask(dir);
            const { pid } = statusOf(dir);
            owner.kill("SIGKILL");
            await until(() => Promise.resolve(startTicks(pid) === undefined && !existsSync(dir)));
        } finally {
            owner.kill("SIGKILL");
            await until(() => Promise.resolve(!existsSync(dir)));
            await bench.source.query("SELECT pg_drop_replication_slot($1)", [
                slotName("durability-orphan"),
            ]);
        }
    });

    it("starts again while the process that failed is not quite gone", async () => {
        const dir = bench.task();
        const ending = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
            stdio: "ignore",
        });
        const pid = ending.pid ?? 0;
        try {
            const identity = { pid, startedAt: "", startTicks: startTicks(pid) };
            writeJsonFile(path.join(dir, "process.json"), identity);
            const status = { pid, state: "failed", error: "the old failure" };
            writeJsonFile(path.join(dir, "status.json"), status);
            const started = startTask(dir);
            ending.kill("SIGKILL");
            await started;
            assert.equal(statusOf(dir).state, "running");
            assert.notEqual(statusOf(dir).pid, pid);
        } finally {
            ending.kill("SIGKILL");
        }
    });

    it("keeps the slot over a stop and drops it with the task", async () => {
        const slots =
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'awsdms_durability%'";
        const dir = await bench.started();
        await stopTask(dir);
        assert.equal(await bench.value(slots, bench.source), "1");
        await dropTaskSlot(dir);
        assert.equal(await bench.value(slots, bench.source), "0");
        await dropTaskSlot(dir);
    });
});
