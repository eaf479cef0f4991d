import assert from "node:assert/strict";
import type { Client } from "pg";
import { LOB_LIMIT_KB, Pipeline, type PipelineOptions } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { readLog } from "../../testing/pipeline/trailReader";
import { until } from "../../testing/until";

const DOCS = { schema: "public", table: "docs" };
const DDL = "CREATE TABLE docs (id integer PRIMARY KEY, title varchar(5), body text); ";
const TOO_LONG = `repeat('x', ${LOB_LIMIT_KB} * 1024 + 1)`;

/** Each of these would be a hole in the log that nobody hears of. */
describe("what cannot be replicated as it is", function () {
    this.timeout(60_000);
    let source: MortalServer;
    let audit: MortalServer;
    let pipeline: Pipeline | undefined;
    let writer: Client;
    let trail: Client;
    let runs = 0;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
    });
    after(async () => {
        await audit.stop();
        await source.stop();
    });
    afterEach(async () => {
        await pipeline?.close();
        pipeline = undefined;
    });

    async function deploy(options: Partial<PipelineOptions> = {}): Promise<Pipeline> {
        runs += 1;
        const defaults = { name: `silent_${runs}`, tables: [DOCS], ddl: DDL };
        pipeline = await Pipeline.deploy(source, audit, { ...defaults, ...options });
        writer = await pipeline.sourceSession();
        trail = await pipeline.auditSession();
        return pipeline;
    }

    async function running(options: Partial<PipelineOptions> = {}): Promise<Pipeline> {
        const deployed = await deploy(options);
        await deployed.start();
        return deployed;
    }

    async function failure(task: Pipeline): Promise<string> {
        await until(() => Promise.resolve(task.status()?.state === "failed"));
        return task.status()?.error ?? "";
    }

    /** Operation, id and title of each row of the log. */
    async function logged(table = DOCS): Promise<string[]> {
        return (await readLog(trail, table)).map(({ operation, after, before }) => {
            const { id, title } = JSON.parse(after ?? before ?? "{}") as Record<string, unknown>;
            return [operation, id, title].join(" ");
        });
    }

    async function gaps(): Promise<string[]> {
        await trail.query("SELECT audit_trail.collect_gaps()");
        const { rows } = await trail.query<{ gap: string }>(
            "SELECT concat_ws(' ', kind, table_schema, table_name) AS gap FROM audit_trail.known_gap ORDER BY recorded_at",
        );
        return rows.map(({ gap }) => gap);
    }

    it("a large object beyond the limit stops the task; with a higher limit nothing is missing", async () => {
        const task = await running();
        await writer.query(`INSERT INTO docs VALUES (1, 'a', 'short')`);
        // Else both may be in one group of the task, and it is rolled back as a whole.
        await task.caughtUp(writer, trail);
        await writer.query(`UPDATE docs SET title = 'b', body = ${TOO_LONG}`);
        await writer.query("UPDATE docs SET title = 'c', body = 'short again'");
        assert.match(await failure(task), /"public"\."docs"\."body" is longer than LobMaxSize/u);
        assert.deepEqual(await logged(), ["I 1 a"]);
        task.setMaxLobSize(2 * LOB_LIMIT_KB);
        await task.start();
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a", "U 1 b", "U 1 c"]);
        const [, update] = await readLog(trail, DOCS);
        const { body } = JSON.parse(update?.after ?? "{}") as { body: string };
        assert.equal(body.length, LOB_LIMIT_KB * 1024 + 1);
    });

    it("a large object beyond the limit stops the full load", async () => {
        const task = await deploy({ ddl: `${DDL} INSERT INTO docs VALUES (1, 'a', ${TOO_LONG})` });
        await assert.rejects(task.start(), /"body" is longer than LobMaxSize/u);
        assert.deepEqual(await logged(), []);
    });

    it("a value that staging cannot hold stops the task; once it can, nothing is missing", async () => {
        const task = await running();
        await writer.query("ALTER TABLE docs ALTER COLUMN title TYPE varchar(50)");
        await writer.query("INSERT INTO docs VALUES (1, 'longer than five'), (2, 'b')");
        assert.match(await failure(task), /value too long/u);
        assert.deepEqual(await logged(), []);
        await trail.query("ALTER TABLE docs_staging ALTER COLUMN title TYPE varchar(50)");
        await task.start();
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 longer than five", "I 2 b"]);
    });

    it("a staging table that is gone stops the task; once it is back, nothing is missing", async () => {
        const task = await running();
        await trail.query("ALTER TABLE docs_staging RENAME TO hidden");
        await writer.query("INSERT INTO docs VALUES (1, 'a')");
        assert.match(await failure(task), /docs_staging.*does not exist/u);
        await trail.query("ALTER TABLE hidden RENAME TO docs_staging");
        await task.start();
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a"]);
    });

    it("a change that the target refuses is in awsdms_apply_exceptions, and a gap", async () => {
        const task = await running();
        await trail.query("ALTER TABLE docs_staging ADD CHECK (id <> 2)");
        await writer.query("INSERT INTO docs VALUES (1, 'a'), (2, 'b'), (3, 'c')");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a", "I 3 c"]);
        assert.deepEqual(await gaps(), ["apply exception public docs"]);
    });

    it("a table that DMS has suspended is a gap", async () => {
        await running();
        await trail.query(
            `INSERT INTO awsdms_control.awsdms_suspended_tables (server_name, task_name, table_owner, table_name, suspend_reason, suspend_timestamp)
                VALUES ('s', 't', 'public', 'docs_staging', 'why', now())`,
        );
        assert.deepEqual(await gaps(), ["table suspended public docs"]);
    });

    it("TRUNCATE and key updates that are allowed are gaps, in their place among the changes", async () => {
        const task = await running({ guards: { truncate: "record", keyUpdate: "record" } });
        await writer.query("INSERT INTO docs VALUES (1, 'a'), (2, 'b')");
        await writer.query("UPDATE docs SET id = 5 WHERE id = 1");
        await writer.query("TRUNCATE docs");
        await writer.query("INSERT INTO docs VALUES (7, 'c')");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a", "I 2 b", "I 7 c"]);
        assert.deepEqual(await gaps(), ["key update public docs", "truncate public docs"]);
        const { rows } = await trail.query<{ between: boolean }>(
            `SELECT bool_and(g.from_timestamp > (SELECT commit_timestamp FROM docs_audit_log WHERE row_key = '{"id": 1}')
                AND g.from_timestamp < (SELECT commit_timestamp FROM docs_audit_log WHERE row_key = '{"id": 7}')) AS between
                FROM audit_trail.gap AS g`,
        );
        assert.deepEqual(rows, [{ between: true }]);
    });

    it("TRUNCATE and key updates that are not allowed fail at the source, and the rest of the trail goes on", async () => {
        const task = await running({ guards: { truncate: "refuse", keyUpdate: "refuse" } });
        await writer.query("INSERT INTO docs VALUES (1, 'a')");
        await assert.rejects(writer.query("TRUNCATE docs"), { code: "23001" });
        await assert.rejects(writer.query("UPDATE docs SET id = 2"), { code: "23001" });
        await writer.query("UPDATE docs SET id = 1, title = 'b'");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a", "U 1 b"]);
        assert.deepEqual(await gaps(), []);
    });

    it("a table that is loaded anew has its baseline again, and a gap", async () => {
        const task = await running();
        await writer.query("INSERT INTO docs VALUES (1, 'a'), (2, 'b')");
        await task.caughtUp(writer, trail);
        await trail.query("SET ROLE audit_trail_dms_target; TRUNCATE docs_staging; RESET ROLE");
        task.reload(DOCS);
        await until(async () => (await logged()).length === 4);
        await writer.query("UPDATE docs SET title = 'c' WHERE id = 1");
        await writer.query("DELETE FROM docs WHERE id = 2");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a", "I 2 b", "B 1 a", "B 2 b", "U 1 c", "D 2 b"]);
        // The stand-in connects anew for a reload.
        assert.deepEqual(await gaps(), ["reload public docs", "task stopped"]);
    });

    it("a full disk under the log delays changes and loses none", async () => {
        const task = await running();
        await trail.query(
            "CREATE TABLE full_disk (); CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
                "IF to_regclass('public.full_disk') IS NOT NULL THEN RAISE 'no space left' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$; " +
                "CREATE TRIGGER full_disk BEFORE INSERT ON docs_audit_log FOR EACH ROW EXECUTE FUNCTION full_disk()",
        );
        await writer.query("INSERT INTO docs VALUES (1, 'a'), (2, 'b')");
        await writer.query("UPDATE docs SET title = 'c' WHERE id = 1");
        await until(() => Promise.resolve(task.taskLog().split("no space left").length > 2));
        await trail.query("DROP TABLE full_disk");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), ["I 1 a", "I 2 b", "U 1 c"]);
        assert.deepEqual(await gaps(), []);
    });

    it("partitions are audited under their own names, with what reaches them through the parent", async () => {
        const partition = { schema: "public", table: "docs_2026" };
        const other = { schema: "public", table: "docs_other" };
        const task = await running({
            tables: [partition, other],
            ddl:
                "CREATE TABLE parent (id integer, title varchar(5), year integer, PRIMARY KEY (id, year)) PARTITION BY LIST (year); " +
                "CREATE TABLE docs_2026 PARTITION OF parent FOR VALUES IN (2026); CREATE TABLE docs_other PARTITION OF parent DEFAULT; " +
                "INSERT INTO parent VALUES (1, 'a', 2026)",
        });
        await writer.query("INSERT INTO parent VALUES (2, 'b', 2026), (3, 'c', 1999)");
        await writer.query("UPDATE parent SET title = 'd' WHERE id = 2");
        await writer.query("UPDATE parent SET year = 2000 WHERE id = 1");
        await writer.query("DELETE FROM parent WHERE id = 3");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(partition), ["B 1 a", "I 2 b", "U 2 d", "D 1 a"]);
        assert.deepEqual(await logged(other), ["I 3 c", "I 1 a", "D 3 c"]);
        assert.deepEqual(await gaps(), []);
    });
});
