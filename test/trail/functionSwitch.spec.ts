import assert from "node:assert/strict";
import type { Client, QueryResult } from "pg";
import { prepareSession } from "../../database/session";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import {
    connect,
    definitionOf,
    deploy,
    type Trail,
    trailDatabase,
} from "../../testing/trailDatabase";
import { until } from "../../testing/until";
import { triggerFunction } from "../../trail/logFunction";
import { tableObjects } from "../../trail/statements";
import type { TableDefinition } from "../../trail/tableDefinition";

const KEYS = 20;
const VISITS = definitionOf(
    "public",
    "visits",
    { id: "integer", at: "timestamp(6) with time zone", n: "integer" },
    ["id"],
);
/** Types whose text the log's function pins by one more setting, so that each makes another function. */
const MORE = ["interval", "bytea", "double precision"];

/** The table with the first of these columns. */
function withColumns(count: number): TableDefinition {
    const more = MORE.slice(0, count).map((type, at) => ({
        name: `c${String(at)}`,
        type,
        attnum: VISITS.columns.length + at + 1,
    }));
    return { ...VISITS, columns: [...VISITS.columns, ...more] };
}

/** DMS, which changes one row after the other, in a session whose settings would show in the log. */
class Writer {
    /** How many changes were applied. */
    changes = 0;
    private readonly stopped = new AbortController();
    private readonly running: Promise<void>;

    constructor(private readonly dms: Client) {
        this.running = this.run();
        // Whoever stops the writer hears of it.
        this.running.catch(() => undefined);
    }

    async stop(): Promise<void> {
        this.stopped.abort();
        await this.running;
    }

    /** Waits until the writer has made that many changes from now on, or has failed. */
    async goesOn(changes = 20): Promise<void> {
        const goal = this.changes + changes;
        await Promise.race([
            until(() => Promise.resolve(this.changes >= goal)),
            this.running.then(() => undefined),
        ]);
    }

    private async run(): Promise<void> {
        await this.dms.query("SET timezone = 'Asia/Kathmandu'");
        while (!this.stopped.signal.aborted) {
            const n = this.changes;
            const at = `00000000/${(0x1000 + n).toString(16).toUpperCase().padStart(8, "0")}`;
            const statement =
                n < KEYS
                    ? "INSERT INTO visits_staging (id, at, n, audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq) VALUES ($1, clock_timestamp(), $2, 'I', clock_timestamp() AT TIME ZONE 'UTC', $3, $3)"
                    : `UPDATE visits_staging SET at = clock_timestamp(), n = $2, audit_trail_operation = 'U',
                        audit_trail_commit_timestamp = clock_timestamp() AT TIME ZONE 'UTC', audit_trail_stream_position = $3, audit_trail_change_seq = $3 WHERE id = $1`;
            await this.dms.query(statement, [n % KEYS, n, at]);
            this.changes += 1;
        }
    }
}

describe("beside a writer", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let databases = 0;
    let trail: Trail;
    let writer: Writer;
    let watcher: Client;

    before(async () => {
        server = await scratchServer();
    });
    after(async () => {
        await server.stop();
    });
    beforeEach(async () => {
        databases += 1;
        const name = `audit${String(databases)}`;
        trail = await trailDatabase(server, name, [VISITS]);
        watcher = await connect(server, { user: server.user, database: name });
        writer = new Writer(trail.dms);
        await writer.goesOn(2 * KEYS);
    });
    afterEach(async () => {
        await writer.stop().catch(() => undefined);
        await watcher.end();
        await trail.stop();
    });

    async function everyChangeIsLogged(): Promise<void> {
        await writer.stop();
        const { rows } = await trail.reader.query(
            `SELECT count(*)::int AS rows, count(DISTINCT new_row_data -> 'n')::int AS changes,
                bool_and(new_row_data ->> 'at' LIKE '%+00:00') AS in_utc,
                (SELECT count(*)::int FROM audit_trail.unlogged_change) AS unlogged,
                (SELECT count(*)::int FROM audit_trail.gap WHERE kind <> 'shape change') AS gaps
             FROM visits_audit_log`,
        );
        const { changes } = writer;
        assert.deepEqual(rows, [{ rows: changes, changes, in_utc: true, unlogged: 0, gaps: 0 }]);
    }

    it("another log function takes over: no change is lost, and none runs without the function's settings", async () => {
        const done = new AbortController();
        const looks = (async (): Promise<number> => {
            for (let count = 0; ; count += 1) {
                const { rows } = await watcher.query(
                    `SELECT p.prosecdef, pg_get_userbyid(p.proowner) AS owner, 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig) AS has_path,
                        'TimeZone=UTC' = ANY (p.proconfig) AS has_zone, t.tgenabled
                     FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
                     WHERE t.tgrelid = 'public.visits_staging'::regclass AND t.tgname = 'log_change'`,
                );
                assert.deepEqual(rows, [
                    {
                        prosecdef: true,
                        owner: "audit_trail_owner",
                        has_path: true,
                        has_zone: true,
                        tgenabled: "A",
                    },
                ]);
                if (done.signal.aborted) {
                    return count;
                }
            }
        })();
        const names = new Set<string>();
        try {
            for (let count = 1; count <= MORE.length; count += 1) {
                const definition = withColumns(count);
                await deploy(trail.master, [definition]);
                names.add(triggerFunction(definition).name);
                await writer.goesOn();
            }
        } finally {
            done.abort();
        }
        assert.ok((await looks) > MORE.length);
        assert.equal(names.size, MORE.length);
        await everyChangeIsLogged();
    });

    it("a log of an older version gets the column that it lacks", async () => {
        const { body } = triggerFunction(VISITS);
        const older = body.replaceAll(/,\s*remarks(?=\s*\))/gu, "");
        assert.notEqual(older, body);
        await trail.superuser.query(`
            BEGIN;
            LOCK TABLE visits_staging IN SHARE ROW EXCLUSIVE MODE;
            ALTER TABLE visits_audit_log DROP COLUMN remarks;
            CREATE FUNCTION audit_trail.older() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $function$${older}$function$;
            ALTER FUNCTION audit_trail.older() OWNER TO audit_trail_owner;
            CREATE OR REPLACE TRIGGER log_change AFTER INSERT OR UPDATE ON visits_staging
                FOR EACH ROW EXECUTE FUNCTION audit_trail.older();
            ALTER TABLE visits_staging ENABLE ALWAYS TRIGGER log_change;
            COMMIT`);
        await writer.goesOn();
        await deploy(trail.master, [VISITS]);
        await writer.goesOn();
        const { rows } = await trail.reader.query(
            "SELECT tgfoid::regproc::text AS function FROM pg_trigger WHERE tgrelid = 'visits_staging'::regclass AND tgname = 'log_change'",
        );
        assert.deepEqual(rows, [{ function: `audit_trail.${triggerFunction(VISITS).name}` }]);
        await trail.reader.query("SELECT remarks FROM visits_audit_log LIMIT 1");
        await everyChangeIsLogged();
    });

    it("a deployment that changes nothing makes no trigger anew", async () => {
        const put = async (): Promise<unknown[]> =>
            (
                await watcher.query<{ name: string; version: string }>(
                    `SELECT tgname AS name, xmin::text AS version FROM pg_trigger
                        WHERE NOT tgisinternal AND tgrelid IN ('visits_staging'::regclass, 'visits_audit_log'::regclass) ORDER BY 1`,
                )
            ).rows;
        const before = await put();
        assert.equal(before.length, 5);
        await deploy(trail.master, [VISITS]);
        assert.deepEqual(await put(), before);
    });

    /** Takes the coming month's partition from the log, and answers its name. */
    async function loseNextPartition(): Promise<string> {
        const month = new Date();
        month.setUTCDate(1);
        month.setUTCMonth(month.getUTCMonth() + 1);
        const next = `visits_audit_log_y${month.toISOString().slice(0, 4)}m${month.toISOString().slice(5, 7)}`;
        await trail.master.query(
            `BEGIN; SET LOCAL ROLE audit_trail_owner; DROP TABLE ${next}; COMMIT`,
        );
        return next;
    }

    async function operatorWaits(): Promise<boolean> {
        const { rows } = await watcher.query<{ waits: boolean }>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'operator' AND datname = current_database() AND wait_event_type = 'Lock') AS waits",
        );
        return rows[0]?.waits === true;
    }

    it("maintenance waits for an update that adds the same partition", async () => {
        await loseNextPartition();
        await prepareSession(trail.master);
        await trail.master.query("BEGIN");
        for (const { sql } of tableObjects(VISITS)) {
            await trail.master.query(sql);
        }
        const maintained = trail.operator.query("CALL audit_trail.maintain()");
        maintained.catch(() => undefined);
        await until(operatorWaits);
        await trail.master.query("COMMIT");
        await maintained;
        await everyChangeIsLogged();
    });

    it("maintenance adds a partition: an auditor's open transaction stops neither DMS nor maintenance for ever", async () => {
        const next = await loseNextPartition();
        const exists = async (): Promise<unknown[]> =>
            (
                await trail.reader.query<{ exists: boolean }>(
                    "SELECT to_regclass($1) IS NOT NULL AS exists",
                    [`public.${next}`],
                )
            ).rows;
        await trail.reader.query("BEGIN; SELECT count(*) FROM visits_audit_log");
        const warnings: string[] = [];
        trail.operator.on("notice", ({ message }) => warnings.push(message ?? ""));
        let isDone = false;
        const call: Promise<QueryResult> = trail.operator.query("CALL audit_trail.maintain()");
        const maintained = call.finally(() => {
            isDone = true;
        });
        await until(operatorWaits);
        await writer.goesOn();
        assert.ok(!isDone, "the writer went on while maintenance waited");
        await maintained;
        assert.deepEqual(warnings.filter((warning) => warning.includes("public.visits")).length, 1);
        await trail.reader.query("COMMIT");
        assert.deepEqual(await exists(), [{ exists: false }]);
        await trail.operator.query("CALL audit_trail.maintain()");
        assert.deepEqual(await exists(), [{ exists: true }]);
        await writer.goesOn();
        await everyChangeIsLogged();
    });
});
