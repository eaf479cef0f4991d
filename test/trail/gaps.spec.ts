import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { definitionOf, ITEMS, run, type Trail, trailServer } from "../../testing/trailDatabase";
import { tableObjects } from "../../trail/statements";
import { markerGapFiles } from "../../trail/tableGroups";

const LSN = (position: number): string =>
    `00000000/${position.toString(16).toUpperCase().padStart(8, "0")}`;

/** The kinds in the ledger, oldest first. */
async function kinds(trail: Trail): Promise<string[]> {
    const { rows } = await trail.reader.query<{ kind: string }>(
        "SELECT kind FROM audit_trail.gap ORDER BY gap_id",
    );
    return rows.map(({ kind }) => kind);
}

async function collect(trail: Trail): Promise<number> {
    const { rows } = await trail.operator.query<{ found: number }>(
        "SELECT audit_trail.collect_gaps() AS found",
    );
    return rows[0]?.found ?? NaN;
}

const MARKER = definitionOf(
    "audit_trail",
    "marker",
    {
        marker_id: "bigint",
        kind: "character varying(30)",
        table_schema: "character varying(63)",
        table_name: "character varying(63)",
        detail: "character varying(2000)",
        created_at: "timestamp with time zone",
    },
    ["marker_id"],
);

describe("the gap ledger", () => {
    let trail: Trail;

    before(async function () {
        this.timeout(60_000);
        trail = await trailServer([ITEMS, MARKER]);
        await run(trail.master, markerGapFiles());
    });

    after(async () => {
        await trail.stop();
    });

    it("knows no kind but those whose meaning is told", async () => {
        await assert.rejects(
            trail.master.query("INSERT INTO audit_trail.gap (kind) VALUES ('something else')"),
            /gap_kind_is_known/u,
        );
        const { rows } = await trail.reader.query<{ kind: string }>(
            "SELECT kind FROM audit_trail.gap_kind WHERE meaning !~ '^[A-Z].+\\.$' OR kind <> lower(kind)",
        );
        assert.deepEqual(rows, []);
    });

    it("has nothing to collect before DMS has made its control tables", async () => {
        assert.equal(await collect(trail), 0);
    });

    it("takes over apply exceptions and suspended tables once, under the source table's name", async () => {
        await trail.dms.query(`
            CREATE TABLE awsdms_control.awsdms_apply_exceptions ("TASK_NAME" varchar(128), "TABLE_OWNER" varchar(128),
                "TABLE_NAME" varchar(128), "ERROR_TIME" timestamp, "STATEMENT" text, "ERROR" text);
            CREATE TABLE awsdms_control.awsdms_suspended_tables (server_name varchar(128), task_name varchar(128),
                table_owner varchar(128), table_name varchar(128), suspend_reason varchar(32), suspend_timestamp timestamp);
            INSERT INTO awsdms_control.awsdms_apply_exceptions
                VALUES ('task', 'public', 'items_staging', '2026-11-01 10:00', 'INSERT ...', 'duplicate key');
            INSERT INTO awsdms_control.awsdms_suspended_tables
                VALUES ('host', 'task', 'public', 'items_staging', 'error', '2026-11-01 11:00');
        `);
        assert.equal(await collect(trail), 2);
        assert.equal(await collect(trail), 0);
        const { rows } = await trail.reader.query(
            "SELECT table_schema, table_name, kind, to_timestamp FROM audit_trail.gap ORDER BY gap_id",
        );
        assert.deepEqual(rows, [
            {
                table_schema: "public",
                table_name: "items",
                kind: "apply exception",
                to_timestamp: new Date("2026-11-01T10:00Z"),
            },
            {
                table_schema: "public",
                table_name: "items",
                kind: "table suspended",
                to_timestamp: new Date("2026-11-01T11:00Z"),
            },
        ]);
    });

    it("sees where the task's history has a hole, and no hole between neighbouring slots", async () => {
        await trail.dms.query(`
            CREATE TABLE awsdms_control.awsdms_history (server_name varchar(128), task_name varchar(128),
                timeslot_type varchar(32), timeslot timestamp, timeslot_duration bigint, timeslot_latency bigint,
                records bigint, volume bigint);
            INSERT INTO awsdms_control.awsdms_history
                SELECT 'host', 'task', 'CHANGE PROCESSING', t::timestamp, 5, 0, 0, 0
                FROM unnest('{2026-11-02 10:00,2026-11-02 10:05,2026-11-02 10:10,2026-11-02 12:00}'::text[]) AS t;
        `);
        assert.equal(await collect(trail), 1);
        assert.equal(await collect(trail), 0);
        const { rows } = await trail.reader.query(
            "SELECT table_name, from_timestamp, to_timestamp FROM audit_trail.gap WHERE kind = 'task stopped'",
        );
        assert.deepEqual(rows, [
            {
                table_name: null,
                from_timestamp: new Date("2026-11-02T10:15Z"),
                to_timestamp: new Date("2026-11-02T12:00Z"),
            },
        ]);
    });

    it("records a definition that a deployment changes, and one that DMS changes in staging", async () => {
        const note = {
            name: "note",
            type: "text",
            attnum: 4,
        };
        const wider = { ...ITEMS, columns: [...ITEMS.columns, note] };
        const before = (await kinds(trail)).length;
        await run(trail.master, tableObjects(wider));
        await run(trail.master, tableObjects(wider));
        assert.deepEqual((await kinds(trail)).slice(before), ["shape change"]);
        assert.equal(await collect(trail), 0);

        await trail.superuser.query("ALTER TABLE items_staging ADD COLUMN weight integer");
        assert.equal(await collect(trail), 1);
        assert.equal(await collect(trail), 0);

        // The source drops both: staging keeps them, and they are not new again.
        await run(trail.master, tableObjects(ITEMS));
        assert.equal(await collect(trail), 0);
        assert.deepEqual((await kinds(trail)).slice(before), Array(3).fill("shape change"));
    });

    it("takes a marker of a kind that it does not know, and the next one of a kind that it does", async () => {
        const send = async (id: number, kind: string): Promise<void> => {
            await trail.dms.query(
                `INSERT INTO audit_trail.marker_staging (marker_id, kind, table_schema, table_name, audit_trail_operation,
                    audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq)
                VALUES ($1, $2, 'public', 'items', 'I', '2026-11-01 08:00', $3, $3)`,
                [id, kind, LSN(id)],
            );
        };
        const before = (await kinds(trail)).length;
        await send(1, "eclipse");
        await send(2, "truncate");
        await send(3, "verify");
        assert.deepEqual((await kinds(trail)).slice(before), ["unknown marker", "truncate"]);
        const { rows } = await trail.reader.query(
            "SELECT detail ->> 'kind' AS kind, hides_changes FROM audit_trail.known_gap WHERE kind = 'unknown marker'",
        );
        assert.deepEqual(rows, [{ kind: "eclipse", hides_changes: true }]);
    });

    it("says of each gap whether it hides changes, also of a kind that nobody knows", async () => {
        // As a session does in which ordinary triggers, and with them foreign keys, are off.
        await trail.superuser.query("SET session_replication_role = replica");
        await trail.superuser.query(
            "INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp) VALUES ('x', 'y', 'unheard of', now())",
        );
        await trail.superuser.query("RESET session_replication_role");
        const { rows } = await trail.reader.query(
            `SELECT DISTINCT kind, hides_changes FROM audit_trail.known_gap
            WHERE kind IN ('unheard of', 'task stopped', 'apply exception') ORDER BY kind`,
        );
        assert.deepEqual(rows, [
            { kind: "apply exception", hides_changes: true },
            { kind: "task stopped", hides_changes: false },
            { kind: "unheard of", hides_changes: true },
        ]);
    });

    it("is kept up by an operator, and by nobody else", async () => {
        await trail.operator.query("CALL audit_trail.maintain()");
        for (const client of [trail.reader, trail.dms]) {
            for (const work of [
                "CALL audit_trail.maintain()",
                "SELECT audit_trail.maintain_table('public', 'items', '35 days')",
                "SELECT audit_trail.begin_reload('public', 'items')",
                "SELECT audit_trail.end_reload('public', 'items')",
                "SELECT audit_trail.bring_back(1)",
                "SELECT audit_trail.collect_gaps()",
                "SELECT audit_trail.observe_slots('{}', '{}')",
            ]) {
                await assert.rejects(client.query(work), /permission denied/u);
            }
        }
        // What slots there are he cannot know: a lie would move the beginning of a gap.
        await assert.rejects(
            trail.operator.query("SELECT audit_trail.observe_slots('{}', '{}')"),
            /permission denied/u,
        );
    });

    it("keeps tombstones that a replay may still ask for", async () => {
        // The last one counts as a day, and ends in the future.
        for (const retention of ["'23 hours'", "'-1 day'", "NULL", "'-12 months 361 days'"]) {
            await assert.rejects(
                trail.operator.query(`CALL audit_trail.maintain(${retention})`),
                /is too short/u,
            );
        }
    });

    it("knows a slot that was made anew by what was seen before", async () => {
        const before = (await kinds(trail)).length;
        const seen = async (...slots: string[]): Promise<number | undefined> =>
            (
                await trail.master.query<{ found: number }>(
                    "SELECT audit_trail.observe_slots($1::text[], '{default}') AS found",
                    [slots],
                )
            ).rows[0]?.found;
        const OBSERVATIONS: readonly (readonly [string[], number])[] = [
            [[], 0], // not yet deployed
            [["one"], 0],
            [["one"], 0],
            [["one", "another task's"], 0],
            [["two", "another task's"], 1],
            [[], 1],
            [[], 0],
            [["three"], 1],
            [["three"], 0],
        ];
        for (const [slots, found] of OBSERVATIONS) {
            assert.equal(await seen(...slots), found, JSON.stringify(slots));
        }
        assert.deepEqual((await kinds(trail)).slice(before), Array(3).fill("slot recreated"));
        const { rows } = await trail.reader.query(
            "SELECT DISTINCT from_timestamp < to_timestamp AS forward FROM audit_trail.gap WHERE kind = 'slot recreated'",
        );
        assert.deepEqual(rows, [{ forward: true }]);
    });

    it("is read beside every answer, as an auditor", async () => {
        const change = async (
            id: number,
            operation: string,
            price: number,
            at: string,
            position: number,
        ): Promise<void> => {
            const values = [price, operation, at, LSN(position), String(position)];
            if (operation === "I") {
                await trail.dms.query(
                    `INSERT INTO items_staging (item_id, name, price, audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq)
                     VALUES (${String(id)}, 'a', $1, $2, $3, $4, $5)`,
                    values,
                );
            } else {
                await trail.dms.query(
                    `UPDATE items_staging SET price = $1, audit_trail_operation = $2, audit_trail_commit_timestamp = $3, audit_trail_stream_position = $4,
                     audit_trail_change_seq = $5 WHERE item_id = ${String(id)}`,
                    values,
                );
            }
        };
        await change(1, "I", 1, "2026-11-02 09:00", 1);
        await change(2, "I", 1, "2026-11-02 09:00", 2);
        await change(1, "U", 2, "2026-11-02 13:00", 3);
        await change(2, "D", 0, "2026-11-02 14:00", 4);

        const history = await trail.reader.query<{ operation: string; known_gaps: string }>(
            "SELECT operation, known_gaps FROM audit_trail.row_history('public', 'items', '{\"item_id\": 1}')",
        );
        // Between nine and one o'clock the task did not run for a while.
        assert.deepEqual(
            history.rows.map(({ operation, known_gaps }) => [operation, known_gaps]),
            [
                ["I", "0"],
                ["U", "1"],
            ],
        );
        const asOf = async (at: string): Promise<unknown[]> =>
            (
                await trail.reader.query<{ price: string }>(
                    "SELECT row_data ->> 'price' AS price FROM audit_trail.as_of('public', 'items', $1) ORDER BY row_key",
                    [at],
                )
            ).rows;
        assert.deepEqual(await asOf("2026-11-02 08:59:59+00"), []);
        assert.equal((await asOf("2026-11-02 09:00+00")).length, 2);
        assert.deepEqual(await asOf("2026-11-02 14:00+00"), [{ price: "2.00" }]);
        // Without a zone the session says what is meant, before the function sees it; with one it has no say.
        for (const [zone, style, first, before] of [
            ["UTC", "ISO, MDY", "2026-11-02 09:00", "2026-11-02 08:59:59"],
            ["Asia/Tokyo", "ISO, MDY", "2026-11-02 18:00", "2026-11-02 17:59:59"],
            ["America/New_York", "ISO, MDY", "2026-11-02 04:00", "2026-11-02 03:59:59"],
            ["Asia/Kathmandu", "SQL, DMY", "02/11/2026 14:45", "02/11/2026 14:44:59"],
            ["UTC", "SQL, MDY", "11/02/2026 09:00", "11/02/2026 08:59:59"],
        ] as const) {
            await trail.reader.query(`SET timezone = '${zone}'; SET datestyle = '${style}'`);
            assert.deepEqual([(await asOf(first)).length, await asOf(before)], [2, []], zone);
            assert.equal((await asOf("2026-11-02 09:00Z")).length, 2, zone);
            assert.deepEqual(await asOf("2026-11-02 08:59:59Z"), [], zone);
        }
        await trail.reader.query("RESET timezone; RESET datestyle");
        // The load's rows are the first that a trail knows; before them a table only looks empty.
        await trail.dms.query(
            `INSERT INTO items_staging (item_id, name, price, audit_trail_operation, audit_trail_commit_timestamp) VALUES (3, 'c', 3, 'I', '2026-11-01 12:00')`,
        );
        await assert.rejects(
            asOf("2026-11-01 11:59:59+00"),
            /The trail of public\.items begins at 2026-.*; it knows nothing of 2026-/u,
        );
        assert.equal((await asOf("2026-11-01 12:00+00")).length, 1);
        await assert.rejects(
            trail.reader.query("SELECT * FROM audit_trail.as_of('public', 'other', now())"),
            /public\.other is not audited/u,
        );
    });

    it("goes with an export that an auditor makes as docs/tables.md says, the same each time", async () => {
        const page = readFileSync(path.join(__dirname, "../../docs/tables.md"), "utf8");
        const [, settings = "", query = "", format = ""] =
            /```sql\n([^`]*?)COPY \(([^`]*?)\n\) TO STDOUT ([^`]*?)```/u.exec(page) ?? [];
        const select = query
            .replace("sales.orders_audit_log", "items_audit_log")
            .replaceAll("2026-10-01", "2026-10-20")
            .replaceAll("2026-11-01", "2026-10-21");
        const headers =
            "audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq";
        await trail.dms.query(
            `INSERT INTO items_staging (item_id, name, price, ${headers})
             VALUES (50, $1, 1, 'I', '2026-10-20 00:00', $2, '1')`,
            ['=1+1;"x",\n😀', LSN(20)],
        );
        await trail.dms.query(
            `UPDATE items_staging SET (price, ${headers}) = (2.10, 'U', '2026-10-20 23:59:59.999999', $1, '2') WHERE item_id = 50`,
            [LSN(21)],
        );
        await trail.dms.query(
            `INSERT INTO items_staging (item_id, name, price, ${headers}) VALUES (51, 'late', 1, 'I', '2026-10-21 00:00', $1, '3')`,
            [LSN(22)],
        );
        const exports: string[] = [];
        for (const own of ["SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'", ""]) {
            await trail.reader.query(`${own}; ${settings}`);
            await trail.reader.query(`COPY (${select}) TO STDOUT ${format}`);
            const { rows } = await trail.reader.query<{ line: string }>(
                `SELECT e::text AS line FROM (${select}) AS e`,
            );
            exports.push(rows.map(({ line }) => line).join("\n"));
        }
        await trail.reader.query("RESET timezone; RESET datestyle");
        const [first = "", second] = exports;
        assert.equal(first, second);
        assert.equal(first.match(/^\(/gmu)?.length, 2, first);
        assert.match(first, /2026-10-20 23:59:59\.999999\+00.*2\.10.*\{price\}/su);
        const { rows } = await trail.reader.query<{ gaps: number }>(
            "SELECT count(*)::int AS gaps FROM audit_trail.gaps_between('public', 'items', '2026-10-20 00:00Z', '2026-10-21 00:00Z')",
        );
        assert.equal(typeof rows[0]?.gaps, "number");
    });
});
