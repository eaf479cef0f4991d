import assert from "node:assert/strict";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import {
    definitionOf,
    deploy,
    ITEMS,
    run,
    type Trail,
    trailDatabase,
} from "../../testing/trailDatabase";
import { MARKER_TABLE } from "../../trail/guards";
import { trailNames } from "../../trail/names";
import type { TableDefinition } from "../../trail/tableDefinition";
import { leaveFile, retireFile } from "../../trail/tableLife";

const LINES = definitionOf("Sales", 'Order"Lines', { id: "bigint", n: "integer" }, ["id"]);

const LISTED: readonly TableDefinition[] = [
    { ...ITEMS, oid: "1" },
    { ...LINES, oid: "2" },
];

/** A row of the gap ledger; times in seconds from the hour that the test goes by, later ones null. */
interface Gap {
    readonly table: string;
    readonly kind: string;
    readonly from: number | null;
    readonly to: number | null;
    readonly hides_changes: boolean;
    readonly detail: unknown;
}

/** What the trail says of a table that leaves the list, comes back or gets another name. */
describe("the life of a listed table on the audit side", () => {
    let server: ScratchServer;
    let trail: Trail;
    let position = 0;
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
        trail = await trailDatabase(server, `audit_${String(databases)}`, LISTED);
        await trail.master.query(
            "CREATE VIEW public.hour AS SELECT date_trunc('hour', clock_timestamp()) - interval '2 hours' AS start",
        );
        await trail.master.query("GRANT SELECT ON public.hour TO PUBLIC");
    });
    afterEach(async () => {
        await trail.stop();
    });

    /** An update of the program with these tables; the DMS task follows in between. */
    async function update(
        definitions: readonly TableDefinition[],
        beforeItStops: () => Promise<void> = () => Promise.resolve(),
    ): Promise<void> {
        const listed = [...definitions, MARKER_TABLE];
        await deploy(trail.master, definitions);
        await run(trail.master, [leaveFile(listed)]);
        await beforeItStops();
        await run(trail.master, [retireFile(listed)]);
    }

    /** A row that was inserted so many seconds after the hour. */
    async function inserted(staging: string, values: string, seconds: number): Promise<void> {
        position += 1;
        const at = `00000000/${position.toString(16).toUpperCase().padStart(8, "0")}`;
        await trail.dms.query(
            `INSERT INTO ${staging} SELECT ${values}, 'I',
                (h.start + make_interval(secs => ${String(seconds)})) AT TIME ZONE 'UTC', '${at}', '${at}' FROM public.hour AS h`,
        );
    }

    async function gaps(): Promise<Gap[]> {
        const { rows } = await trail.reader.query<Gap>(
            `SELECT concat_ws('.', g.table_schema, g.table_name) AS table, g.kind, g.hides_changes, g.detail, s."from", s."to"
            FROM audit_trail.known_gap AS g, public.hour AS h,
            LATERAL (
                SELECT
                    CASE WHEN g.from_timestamp < h.start + interval '1 hour'
                        THEN extract(epoch FROM g.from_timestamp - h.start)::float END AS "from",
                    CASE WHEN g.to_timestamp < h.start + interval '1 hour'
                        THEN extract(epoch FROM g.to_timestamp - h.start)::float END AS "to"
            ) AS s
            ORDER BY g.recorded_at`,
        );
        return rows;
    }

    const told = { hides_changes: false, detail: {} };
    const hole = { hides_changes: true, to: null, detail: {} };

    it("says where its log ends and from when to when it was out, once each", async () => {
        await inserted("items_staging", "1, 'a', 1", 100);
        await inserted(`"Sales"."Order""Lines_staging"`, "1, 1", 50);
        const [items, lines] = LISTED;
        assert.ok(items !== undefined && lines !== undefined);
        for (let time = 0; time < 2; time += 1) {
            await update([items]);
            assert.deepEqual(await gaps(), [
                // What DMS applied last, less a second: commit times and the WAL's order may differ by moments.
                { table: `Sales.Order"Lines`, kind: "left the list", from: 99, to: 99, ...told },
            ]);
        }
        const { rows } = await trail.reader.query(
            `SELECT g.* FROM audit_trail.row_history('Sales', 'Order"Lines', '{"id": 1}') AS g`,
        );
        assert.equal(rows.length, 1);
        for (let time = 0; time < 2; time += 1) {
            await update(LISTED);
            assert.deepEqual((await gaps()).slice(1), [
                { table: `Sales.Order"Lines`, kind: "not audited", from: 99, ...hole },
            ]);
        }
        await inserted(`"Sales"."Order""Lines_staging"`, "2, 2", 200);
        await update([items]);
        await update(LISTED);
        assert.deepEqual((await gaps()).slice(2), [
            { table: `Sales.Order"Lines`, kind: "left the list", from: 200, to: 200, ...told },
            { table: `Sales.Order"Lines`, kind: "not audited", from: 200, ...hole },
        ]);
    });

    it("takes a table up again whose columns were renamed, retyped and added with a default meanwhile", async () => {
        const staging = `"Sales"."Order""Lines_staging"`;
        await inserted(staging, "1, 5", 100);
        await update(LISTED.slice(0, 1));
        const [id, n] = LINES.columns;
        assert.ok(id !== undefined && n !== undefined);
        const changed: TableDefinition = {
            ...LINES,
            oid: "2",
            columns: [
                id,
                { ...n, name: "count", type: "bigint" },
                { ...n, name: "late", attnum: 3, type: "text", missing: "by default" },
            ],
        };
        await update([{ ...ITEMS, oid: "1" }, changed]);
        const { rows } = await trail.superuser.query(`SELECT count, late FROM ${staging}`);
        assert.deepEqual(rows, [{ count: "5", late: "by default" }]);
        const log = await trail.superuser.query(
            `SELECT operation FROM "Sales"."Order""Lines_audit_log"`,
        );
        assert.deepEqual(log.rows, [{ operation: "I" }], "no change brought these values");
    });

    it("takes a load that comes with the list, where a reload was begun before it was listed again", async () => {
        const staging = `"Sales"."Order""Lines_staging"`;
        await inserted(staging, "1, 1", 100);
        await inserted(staging, "2, 2", 100);
        await update(LISTED.slice(0, 1));
        await trail.operator.query(`SELECT audit_trail.begin_reload('Sales', 'Order"Lines')`);
        await update(LISTED);
        await trail.dms.query(
            `INSERT INTO ${staging} VALUES (1, 10, 'I', clock_timestamp() AT TIME ZONE 'UTC', '', '')`,
        );
        await trail.operator.query(`SELECT audit_trail.end_reload('Sales', 'Order"Lines')`);
        const { rows } = await trail.reader.query({
            text: `SELECT operation, row_key -> 'id', new_row_data -> 'n' FROM "Sales"."Order""Lines_audit_log" ORDER BY audit_id`,
            rowMode: "array",
        });
        assert.deepEqual(rows, [
            ["I", 1, 1],
            ["I", 2, 2],
            ["B", 1, 10],
            ["D", 2, null],
        ]);
        assert.deepEqual(
            (await gaps()).map(({ kind }) => kind),
            ["left the list", "not audited", "reload"],
        );
    });

    it("sets a log aside under another name, which is listed anew with another key", async () => {
        // As long as names get, and with a suffix of the trail's own in it.
        const long = `_audit_log_"${"é".repeat(25)}`;
        const old = definitionOf("Sales", long, { id: "bigint", n: "integer" }, ["id"]);
        const [items] = LISTED;
        assert.ok(items !== undefined);
        await update([items, old]);
        const staging = trailNames(old).staging.replaceAll('"', '""');
        await inserted(`"Sales"."${staging}"`, "1, 1", 100);
        await trail.superuser.query(
            `INSERT INTO audit_trail.unlogged_change (table_schema, table_name, statement, operation, commit_timestamp,
                new_image, sqlstate, message, audit_id)
            VALUES ('Sales', $1, 'INSERT', 'I', now(), '{"id": 9, "n": 9}', '22000', 'no room', 900)`,
            [long],
        );
        const aside = `SELECT audit_trail.set_aside('Sales', $1) AS aside`;
        await assert.rejects(trail.operator.query(aside, [long]), /Sales\..* is still audited\./u);
        await assert.rejects(trail.reader.query(aside, [long]), /permission denied/u);
        const names: string[] = [];
        for (let time = 0; time < 2; time += 1) {
            await update([items]);
            names.push(
                (await trail.operator.query<{ aside: string }>(aside, [long])).rows[0]?.aside ?? "",
            );
            await update([items, { ...old, primaryKey: ["id", "n"], oid: String(time) }]);
        }
        assert.ok(
            names.every(
                (name) => /_until_\d{8}(_2)?$/u.test(name) && Buffer.byteLength(name) <= 63,
            ),
            names.join(", "),
        );
        assert.equal(new Set(names).size, 2);
        await trail.operator.query(
            "SELECT audit_trail.bring_back(u.unlogged_id) FROM audit_trail.unlogged_change AS u",
        );
        await trail.operator.query("CALL audit_trail.maintain()");
        const states: unknown[] = [];
        for (const name of [...names, long]) {
            const { rows } = await trail.reader.query<{ row_key: unknown; known_gaps: string }>(
                "SELECT g.row_key, g.known_gaps FROM audit_trail.as_of('Sales', $1, now()) AS g ORDER BY g.row_key ->> 'id'",
                [name],
            );
            states.push(rows.map(({ row_key, known_gaps }) => [row_key, known_gaps]));
        }
        assert.deepEqual(states, [
            // The gap is the end of this log, recorded under the table's own name.
            [
                [{ id: 1 }, "1"],
                [{ id: 9 }, "1"],
            ],
            [],
            [],
        ]);
        assert.deepEqual(
            (await gaps()).filter(({ kind }) => kind === "not audited").map(({ detail }) => detail),
            names.map((table) => ({ before: { schema: "Sales", table } })),
        );
    });

    it("reads a time without a zone in a key as UTC, whatever the session's zone is", async () => {
        const readings = definitionOf("public", "readings", { at: "timestamp with time zone" }, [
            "at",
        ]);
        await update([readings]);
        await inserted("readings_staging", "timestamptz '2026-03-04 12:00Z'", 100);
        for (const zone of ["UTC", "Asia/Tokyo", "America/New_York"]) {
            await trail.reader.query(`SET timezone = '${zone}'; SET datestyle = 'SQL, DMY'`);
            for (const [at, rows] of [
                ["2026-03-04 12:00", 1],
                ["2026-03-04T12:00:00Z", 1],
                ["2026-03-04 21:00+09", 1],
                ["2026-03-04 21:00", 0],
            ] as const) {
                const found = await trail.reader.query(
                    "SELECT FROM audit_trail.row_history('public', 'readings', jsonb_build_object('at', $1::text))",
                    [at],
                );
                assert.equal(found.rows.length, rows, `${at} in ${zone}`);
            }
        }
    });

    it("counts what arrives before DMS lets go of it as logged", async () => {
        await inserted("items_staging", "1, 'a', 1", 100);
        await inserted(`"Sales"."Order""Lines_staging"`, "1, 1", 50);
        await update(LISTED.slice(0, 1), () =>
            inserted(`"Sales"."Order""Lines_staging"`, "2, 2", 101),
        );
        assert.deepEqual(
            (await gaps()).map(({ kind, from }) => [kind, from]),
            [["left the list", 101]],
        );
        const { rows } = await trail.reader.query(`SELECT FROM "Sales"."Order""Lines_audit_log"`);
        assert.equal(rows.length, 2);
    });

    it("tells of a hole where an update that took it out had not ended when it was put in again", async () => {
        await inserted("items_staging", "1, 'a', 1", 100);
        await inserted(`"Sales"."Order""Lines_staging"`, "1, 1", 50);
        await assert.rejects(
            update(LISTED.slice(0, 1), () => Promise.reject(new Error("the task failed"))),
        );
        await update(LISTED);
        assert.deepEqual(await gaps(), [
            { table: `Sales.Order"Lines`, kind: "not audited", from: 99, ...hole },
        ]);
    });

    it("knows nothing of a table that never changed, which may still be loaded while others go on", async () => {
        await inserted("items_staging", "1, 'a', 1", 100);
        await update(LISTED.slice(0, 1));
        const { rows } = await trail.reader.query(
            `SELECT g.from_timestamp = t.registered_at AS is_first FROM audit_trail.gap AS g
            JOIN audit_trail.audited_table AS t USING (table_schema, table_name)`,
        );
        assert.deepEqual(rows, [{ is_first: true }]);
    });

    it("follows a table to its new name and schema, and back", async () => {
        await inserted("items_staging", "1, 'a', 1", 100);
        await inserted(`"Sales"."Order""Lines_staging"`, "1, 1", 50);
        const elsewhere = { ...LINES, schema: "archive", table: "lines", oid: "2" };
        const [items] = LISTED;
        assert.ok(items !== undefined);
        await update([items, elsewhere]);
        const old = { schema: "Sales", table: `Order"Lines` };
        const now = { schema: "archive", table: "lines" };
        assert.deepEqual(await gaps(), [
            {
                table: `Sales.Order"Lines`,
                kind: "left the list",
                from: 99,
                to: 99,
                ...told,
                detail: { now },
            },
            {
                table: "archive.lines",
                kind: "not audited",
                from: 99,
                ...hole,
                detail: { before: old },
            },
        ]);
        await inserted("archive.lines_staging", "1, 1", 200);
        for (let time = 0; time < 2; time += 1) {
            await update(LISTED);
            assert.deepEqual((await gaps()).slice(2), [
                {
                    table: "archive.lines",
                    kind: "left the list",
                    from: 200,
                    to: 200,
                    ...told,
                    detail: { now: old },
                },
                { table: `Sales.Order"Lines`, kind: "not audited", from: 99, ...hole },
                {
                    table: `Sales.Order"Lines`,
                    kind: "not audited",
                    from: 200,
                    ...hole,
                    detail: { before: now },
                },
            ]);
        }
    });
});
