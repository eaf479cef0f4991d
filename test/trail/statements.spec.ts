import assert from "node:assert/strict";
import type { Client } from "pg";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import {
    definitionOf,
    deploy,
    ITEMS,
    run,
    type Trail,
    trailDatabase,
} from "../../testing/trailDatabase";
import { triggerFunction } from "../../trail/logFunction";
import { SCHEMA_VERSION } from "../../trail/schemaVersion";
import { foundation, tableObjects, widthFile } from "../../trail/statements";
import type { TableDefinition } from "../../trail/tableDefinition";

/** What comes now may have come before, as far as the trail knows; the session keeps its plans. */
async function asNewSession(dms: Client): Promise<void> {
    await dms.query("SET audit_trail.session_start = ''");
}

const COMPOSITE = definitionOf(
    "Audit me",
    "order.lines",
    { line: "integer", order: "bigint", note: "text" },
    ["order", "line"],
);

describe("the trail's scripts", () => {
    let server: ScratchServer;
    let trail: Trail;
    let databases = 0;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
    });

    after(async () => {
        await server.stop();
    });

    beforeEach(async () => {
        databases += 1;
        trail = await trailDatabase(server, `audit_${databases}`, [ITEMS, COMPOSITE]);
    });

    afterEach(async () => {
        await trail.stop();
    });

    it("refuse a table whose staging would get too wide, by its name, before any other is touched", async () => {
        const columns = (prefix: string, count: number): Record<string, string> =>
            Object.fromEntries(
                Array.from({ length: count }, (_, at) => [`${prefix}${at}`, "smallint"]),
            );
        const wide = (prefix: string, count: number): TableDefinition =>
            definitionOf("public", "wide", { id: "integer", ...columns(prefix, count) }, ["id"]);
        const first = wide("a", 1500);
        await run(trail.master, [widthFile([ITEMS, first])]);
        await run(trail.master, tableObjects(first));
        await run(trail.master, [widthFile([ITEMS, wide("a", 1595)])]);
        await assert.rejects(
            run(trail.master, [widthFile([ITEMS, wide("b", 96)])]),
            /sql\/audit\/widths\.sql: error: The staging table of public\.wide has 1505 columns, with those that the source has dropped, and 96 would be added/u,
        );
        // Dropped ones count as well.
        await trail.superuser.query(
            "ALTER TABLE public.wide_staging DROP COLUMN a0, DROP COLUMN a1",
        );
        await assert.rejects(
            run(trail.master, [widthFile([wide("a", 1595)])]),
            /has 1505 columns/u,
        );
    });

    async function structure(): Promise<unknown[]> {
        const { rows } = await trail.master.query<Record<string, unknown>>(`
            SELECT c.oid::regclass::text AS relation, c.relowner::regrole::text AS owner, c.relacl::text, c.reloptions,
                (SELECT json_agg((a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity) ORDER BY attnum)
                    FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
                (SELECT json_agg(pg_get_triggerdef(t.oid) || t.tgenabled::text ORDER BY t.tgname) FROM pg_trigger AS t WHERE t.tgrelid = c.oid) AS triggers,
                pg_get_expr(c.relpartbound, c.oid) AS bound
            FROM pg_class AS c WHERE c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
            UNION ALL
            SELECT p.oid::regprocedure::text, p.proowner::regrole::text, p.proacl::text, p.proconfig, to_json(p.prosrc), to_json(p.prosecdef), NULL
            FROM pg_proc AS p WHERE p.pronamespace = 'audit_trail'::regnamespace
            ORDER BY 1`);
        return rows;
    }

    it("change nothing when they run again", async () => {
        const before = await structure();
        assert.ok(before.length > 100, "26 partitions per log, with their indexes");
        await deploy(trail.master, [ITEMS, COMPOSITE]);
        assert.deepEqual(await structure(), before);
    });

    it("give everything to the owner and let nobody else execute the functions", async () => {
        const { rows } = await trail.master.query<{ relation: string }>(`
            SELECT c.oid::regclass::text AS relation FROM pg_class AS c
            WHERE c.relnamespace::regnamespace::text IN ('public', 'audit_trail', '"Audit me"')
                AND c.relowner <> 'audit_trail_owner'::regrole
            UNION ALL
            SELECT p.oid::regprocedure::text FROM pg_proc AS p
            WHERE p.pronamespace = 'audit_trail'::regnamespace
                AND (
                    p.proowner <> CASE p.proname
                        WHEN 'collect_gaps' THEN 'audit_trail_collector'::regrole
                        ELSE 'audit_trail_owner'::regrole
                    END
                    OR has_function_privilege('audit_trail_dms_target', p.oid, 'EXECUTE')
                    OR NOT 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
                )`);
        assert.deepEqual(rows, []);
    });

    it("partition the log by month from the last one to two years ahead", async () => {
        const { rows } = await trail.master.query<{
            months: number;
            first: boolean;
            last: boolean;
        }>(`
            SELECT count(*)::int AS months,
                bool_or(bound LIKE '%FROM (''' || to_char(now() AT TIME ZONE 'UTC' - interval '1 month', 'YYYY-MM') || '%') AS first,
                bool_or(bound LIKE '%FROM (''' || to_char(now() AT TIME ZONE 'UTC' + interval '24 months', 'YYYY-MM') || '%') AS last
            FROM (
                SELECT pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'items_audit_log'::regclass
            ) AS partitions WHERE bound <> 'DEFAULT'`);
        assert.deepEqual(rows, [{ months: 26, first: true, last: true }]);
    });

    it("leave a month in the default partition that already has rows there", async () => {
        const monthsAgo = (months: number, day: string): string => {
            const now = new Date();
            const then = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
            return then.toISOString().slice(0, 8) + day;
        };
        const exists = async (months: number): Promise<unknown> => {
            const name = `items_audit_log_y${monthsAgo(months, "").slice(0, 7).replace("-", "m")}`;
            const { rows } = await trail.master.query<{ exists: unknown }>(
                "SELECT to_regclass($1) IS NOT NULL AS exists",
                [name],
            );
            return rows[0]?.exists;
        };
        const load = (key: number, at: string): Promise<unknown> =>
            trail.dms.query("INSERT INTO items_staging VALUES ($1, 'a', 1, 'I', $2, '', '')", [
                key,
                at,
            ]);
        await load(1, `${monthsAgo(5, "28")} 23:59:59.999999`);
        await load(2, monthsAgo(60, "01"));
        await trail.master.query("SET ROLE audit_trail_owner");
        await trail.master.query(
            "SELECT audit_trail.add_partitions('items_audit_log', 'items_audit_log_', 6, 25)",
        );
        assert.deepEqual(
            [await exists(7), await exists(6), await exists(5), await exists(4), await exists(-25)],
            [false, true, false, true, true],
        );
        await load(3, monthsAgo(5, "01"));
        await load(4, monthsAgo(4, "01"));
        const { rows } = await trail.reader.query("SELECT FROM items_audit_log");
        assert.equal(rows.length, 4);
    });

    it("follow the source: a new column, a wider type, a column that may be null", async () => {
        await trail.dms.query(
            "INSERT INTO items_staging VALUES (1, 'a', 1.50, 'I', '2026-11-23', '00000000/00000010', '1')",
        );
        await everyKindOfChange(trail.dms, 2, "00000000/000000");
        await trail.master.query("ALTER TABLE items_staging ALTER COLUMN price SET NOT NULL");
        const wider: TableDefinition = definitionOf(
            "public",
            "items",
            {
                item_id: "bigint",
                name: "character varying(200)",
                price: "text",
                tags: "text[]",
            },
            ["item_id"],
        );
        await run(trail.master, tableObjects(wider));
        await trail.dms.query(
            `UPDATE items_staging SET name = repeat('x', 150), price = '2.50', tags = '{b}', audit_trail_operation = 'U',
                audit_trail_stream_position = '00000000/00000020', audit_trail_change_seq = '2' WHERE item_id = 1`,
        );
        // Again, and as a replay: the same connection has the function's plans from before.
        await asNewSession(trail.dms);
        await trail.dms.query(
            `UPDATE items_staging SET tags = '{a}', audit_trail_operation = 'U', audit_trail_stream_position = '00000000/00000020', audit_trail_change_seq = '3'
                WHERE item_id = 1`,
        );
        await everyKindOfChange(trail.dms, 3, "00000001/000000");
        const { rows } = await trail.reader.query(
            `SELECT old_row_data AS old, new_row_data - 'name' AS new FROM items_audit_log
                WHERE row_key = '{"item_id": 1}' ORDER BY audit_id`,
        );
        const { rows: warm } = await trail.reader.query(
            `SELECT row_key -> 'item_id' AS key, string_agg(operation, '' ORDER BY audit_id) AS operations FROM items_audit_log
                WHERE row_key <> '{"item_id": 1}' GROUP BY 1 ORDER BY 1`,
        );
        assert.deepEqual(
            warm,
            [2, 3].map((key) => ({ key, operations: "IUD".repeat(7) })),
        );
        assert.deepEqual(rows, [
            { old: null, new: { item_id: 1, price: 1.5 } },
            {
                old: { item_id: 1, name: "a", price: "1.50", tags: null },
                new: { item_id: 1, price: "2.50", tags: ["b"] },
            },
        ]);
        const { rows: staged } = await trail.dms.query(
            "SELECT tags, audit_trail_change_seq FROM items_staging WHERE item_id = 1",
        );
        assert.deepEqual(staged, [{ tags: ["b"], audit_trail_change_seq: "2" }]);
        const { rows: unlogged } = await trail.reader.query(
            "SELECT * FROM audit_trail.unlogged_change",
        );
        assert.deepEqual(unlogged, []);
    });

    it("follow a type that PostgreSQL casts only when it is told how, where the values allow it", async () => {
        const numbered = (type: string): TableDefinition =>
            definitionOf(
                "public",
                "items",
                { item_id: "integer", name: type, price: "numeric(10,2)" },
                ["item_id"],
            );
        await trail.dms.query(
            "INSERT INTO items_staging VALUES (1, '12', 1.50, 'I', '2026-11-23', '00000000/00000010', '1')",
        );
        await run(trail.master, tableObjects(numbered("integer")));
        const { rows } = await trail.dms.query("SELECT name FROM items_staging");
        assert.deepEqual(rows, [{ name: 12 }]);
        await assert.rejects(
            run(trail.master, tableObjects(numbered("uuid"))),
            /The column name of (public\.)?items_staging has values that are no uuid/u,
        );
    });

    it("take a column that DMS's connection sees added between two changes", async () => {
        const change = async (position: string, names = "", values = ""): Promise<void> => {
            await trail.dms.query(
                `UPDATE items_staging SET name = '${position}', audit_trail_operation = 'U', audit_trail_stream_position = '00000000/${position}', audit_trail_change_seq = '${position}'
                    ${names}${values} WHERE item_id = 1`,
            );
        };
        await trail.dms.query(
            "INSERT INTO items_staging VALUES (1, 'a', 1.50, 'I', '2026-11-23', '00000000/00000010', '1')",
        );
        for (let i = 0; i < 8; i++) {
            await change(`0000002${i}`);
            await asNewSession(trail.dms);
            await change(`0000002${i}`);
        }
        await trail.master.query("ALTER TABLE items_staging ADD COLUMN extra text");
        await change("00000030", ", extra = ", "'e'");
        await asNewSession(trail.dms);
        await change("00000020", ", extra = ", "'replayed'");
        await trail.master.query("ALTER TABLE items_staging DROP COLUMN price");
        await change("00000040");
        await asNewSession(trail.dms);
        await change("00000020");
        const { rows } = await trail.reader.query(
            `SELECT array_agg(new_row_data ->> 'extra' ORDER BY audit_id DESC) AS extras, count(*)::int AS n,
                (SELECT count(*)::int FROM audit_trail.unlogged_change) AS unlogged FROM items_audit_log`,
        );
        assert.deepEqual(rows, [
            { extras: ["e", "e", ...Array<null>(9).fill(null)], n: 11, unlogged: 0 },
        ]);
        const { rows: staged } = await trail.dms.query("SELECT name, extra FROM items_staging");
        assert.deepEqual(staged, [{ name: "00000040", extra: "e" }]);
    });

    it("refuse a database that a newer version of the program has changed", async () => {
        const { rows } = await trail.reader.query("SELECT version FROM audit_trail.schema_version");
        assert.deepEqual(rows, [{ version: SCHEMA_VERSION }]);
        await trail.superuser.query(
            `INSERT INTO audit_trail.schema_version (version) VALUES (${SCHEMA_VERSION + 1})`,
        );
        await assert.rejects(
            run(trail.master, foundation()),
            new RegExp(
                `sql/audit/schema_version\\.sql: .*has version ${SCHEMA_VERSION + 1}, and this program knows versions up to ${SCHEMA_VERSION}`,
                "u",
            ),
        );
        await trail.superuser.query(
            `DELETE FROM audit_trail.schema_version WHERE version > ${SCHEMA_VERSION}`,
        );
        await run(trail.master, foundation());
    });

    it("refuse a database from before the first release, whose staging has other names", async () => {
        await trail.superuser.query("UPDATE audit_trail.schema_version SET version = 1");
        await assert.rejects(
            run(trail.master, foundation()),
            /schema_version\.sql: .*has version 1, of before the first release, from which no step leads to version 2/u,
        );
        await trail.superuser.query(
            `UPDATE audit_trail.schema_version SET version = ${SCHEMA_VERSION}`,
        );
    });

    it("refuse another primary key and say how to go on", async () => {
        await assert.rejects(
            run(trail.master, tableObjects({ ...ITEMS, primaryKey: ["item_id", "name"] })),
            /sql\/audit\/staging\.sql: .*primary key is now \(item_id, name\), and public\.items_staging has \(item_id\)/u,
        );
    });

    it("give a log's function its settings, those for a text where a column needs them", async () => {
        const visits = definitionOf(
            "public",
            "visits",
            {
                at: "timestamp(6) with time zone",
                lasted: "interval",
                raw: "bytea",
                ratio: "double precision",
            },
            ["at"],
        );
        await deploy(trail.master, [ITEMS, visits]);
        const { rows } = await trail.master.query(
            `SELECT proname, proconfig, prosecdef FROM pg_proc
                WHERE proname = ANY ($1) ORDER BY proname`,
            [[ITEMS, visits].map((definition) => triggerFunction(definition).name)],
        );
        const searchPath = "search_path=pg_catalog, pg_temp";
        assert.deepEqual(rows, [
            { proname: triggerFunction(ITEMS).name, proconfig: [searchPath], prosecdef: true },
            {
                proname: triggerFunction(visits).name,
                proconfig: [
                    searchPath,
                    "TimeZone=UTC",
                    "IntervalStyle=postgres",
                    "bytea_output=hex",
                    "extra_float_digits=1",
                ],
                prosecdef: true,
            },
        ]);
        await trail.dms.query(
            `SET timezone = 'Asia/Kathmandu'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'escape';
                SET extra_float_digits = -15`,
        );
        await trail.dms.query(
            String.raw`INSERT INTO visits_staging VALUES
                ('2026-11-23 10:00:00+00', '1 day 2 hours', '\x41', 0.1, 'I', '2026-11-23 10:00:00', '00000000/0000F000', '1')`,
        );
        await trail.dms.query("RESET ALL");
        const logged = await trail.reader.query(
            "SELECT row_key, new_row_data::text FROM visits_audit_log",
        );
        assert.deepEqual(logged.rows, [
            {
                row_key: { at: "2026-11-23T10:00:00+00:00" },
                new_row_data: String.raw`{"at": "2026-11-23T10:00:00+00:00", "raw": "\\x41", "ratio": 0.1, "lasted": "1 day 02:00:00"}`,
            },
        ]);
    });
});

/** Takes the log's function through all its statements, so that their plans are cached in this session. */
async function everyKindOfChange(dms: Client, key: number, lsn: string): Promise<void> {
    const change = (statement: string): Promise<unknown> =>
        dms.query(statement.replaceAll("@", lsn).replaceAll("$key", String(key)));
    const insert =
        "INSERT INTO items_staging (item_id, name, audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq) VALUES";
    for (let i = 0; i < 7; i++) {
        await change(`${insert} ($key, 'a', 'I', '2026-11-23', '@1${i}', '1')`);
        await change(
            `UPDATE items_staging SET name = 'b', audit_trail_operation = 'U', audit_trail_stream_position = '@2${i}' WHERE item_id = $key`,
        );
        await asNewSession(dms);
        await change(
            `UPDATE items_staging SET name = 'b', audit_trail_operation = 'U', audit_trail_stream_position = '@2${i}' WHERE item_id = $key`,
        );
        await change("BEGIN");
        await change("DELETE FROM items_staging WHERE item_id = $key");
        await change(`${insert} ($key, 'a', 'I', '2026-11-23', '@1${i}', '1')`);
        await change("COMMIT");
        await change(
            `UPDATE items_staging SET audit_trail_operation = 'D', audit_trail_stream_position = '@3${i}' WHERE item_id = $key`,
        );
        await asNewSession(dms);
        await change(`${insert} ($key, 'a', 'I', '2026-11-23', '@1${i}', '1')`);
        lsn = `${lsn.slice(0, 13)}${i + 1}${lsn.slice(14)}`;
    }
}
