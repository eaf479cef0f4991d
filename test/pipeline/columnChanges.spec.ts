import assert from "node:assert/strict";
import type { Client } from "pg";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { readAsOf, readLog } from "../../testing/pipeline/trailReader";
import type { VerifyReport } from "../../verify/report";
import { verifyTrail } from "../../verify/verifyTrail";

const ITEMS = { schema: "public", table: "items" };
const DDL =
    "CREATE TABLE items (id integer PRIMARY KEY, name text, price numeric(10,2)); " +
    "INSERT INTO items VALUES (1, 'loaded', 1), (2, 'loaded', 2)";

/** A source table whose columns change, as its users see it: ALTER TABLE, pulumi up, a stop and a resume of the task. */
describe("a changed definition of a source table", function () {
    this.timeout(60_000);
    let source: MortalServer;
    let audit: MortalServer;
    let task: Pipeline;
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
    beforeEach(async () => {
        runs += 1;
        task = await Pipeline.deploy(source, audit, {
            name: `shape_${runs}`,
            tables: [ITEMS],
            ddl: DDL,
        });
        writer = await task.sourceSession();
        trail = await task.auditSession();
        await task.start();
        await writer.query("UPDATE items SET name = 'before' WHERE id = 1");
        await task.caughtUp(writer, trail);
    });
    afterEach(async () => {
        await task.close();
    });

    /** Alters the table, deploys, stops and resumes. */
    async function alter(sql: string): Promise<void> {
        await writer.query(sql);
        await task.redeploy();
        await task.stop();
        await task.start();
    }

    async function write(sql: string): Promise<void> {
        await writer.query(sql);
        await task.caughtUp(writer, trail);
    }

    /** What each log row from the shape change on has of the columns, old and new. */
    async function logged(): Promise<unknown[]> {
        const rows = (await readLog(trail, ITEMS)).slice(3);
        return rows.map(({ operation, before, after }) => [
            operation,
            before === null ? null : (JSON.parse(before) as unknown),
            after === null ? null : (JSON.parse(after) as unknown),
        ]);
    }

    async function verified(): Promise<VerifyReport> {
        // Sessions of its own, because it sets them up for itself.
        return await verifyTrail(
            await task.sourceSession(),
            await task.auditSession(),
            task.definitions,
            { guardsExpected: false },
        );
    }

    async function assertComplete(): Promise<void> {
        const report = await verified();
        assert.ok(report.complete, JSON.stringify(report.tables));
        const { rows: gaps } = await trail.query(
            "SELECT FROM audit_trail.gap WHERE kind = 'shape change' AND table_name = 'items'",
        );
        assert.ok(gaps.length > 0);
        const { rows: unlogged } = await trail.query("SELECT FROM audit_trail.unlogged_change");
        assert.deepEqual(unlogged, []);
    }

    it("a column that is added is in the log from the next change of a row on", async () => {
        await alter("ALTER TABLE items ADD COLUMN colour text");
        await write("UPDATE items SET colour = 'red' WHERE id = 1");
        assert.deepEqual(await logged(), [
            [
                "U",
                { id: 1, name: "before", price: 1.0, colour: null },
                { id: 1, name: "before", price: 1.0, colour: "red" },
            ],
        ]);
        await assertComplete();
    });

    it("a default that a new column gives to the rows that are there is in staging and no change", async () => {
        await alter(
            "ALTER TABLE items ADD COLUMN colour varchar(9) DEFAULT 'it''s', ADD COLUMN tags integer[] NOT NULL DEFAULT '{1,2}'",
        );
        await assertComplete();
        assert.deepEqual(await logged(), []);
        await write("UPDATE items SET colour = 'red' WHERE id = 1");
        await write("INSERT INTO items VALUES (3, 'new', 3)");
        const rest = { tags: [1, 2] };
        assert.deepEqual(await logged(), [
            [
                "U",
                { id: 1, name: "before", price: 1.0, colour: "it's", ...rest },
                { id: 1, name: "before", price: 1.0, colour: "red", ...rest },
            ],
            ["I", null, { id: 3, name: "new", price: 3.0, colour: "it's", ...rest }],
        ]);
        await assertComplete();
    });

    it("values that no change brought and the catalog does not tell are named by verify", async () => {
        // The rewrite for the other type writes the default into the rows.
        await alter(
            "ALTER TABLE items ADD COLUMN due date DEFAULT '2026-03-04', ADD COLUMN own integer DEFAULT 1 + (random() * 9)::integer, ADD COLUMN n bigserial, ALTER COLUMN id TYPE bigint",
        );
        const { complete, tables } = await verified();
        assert.equal(complete, false);
        assert.deepEqual(
            tables[0]?.differences.map(({ kind, detail }) => [kind, detail]),
            Array(2).fill(["different row", "columns: due, n, own"]),
        );
    });

    it("a column that is dropped leaves the log, and comes back empty", async () => {
        await alter("ALTER TABLE items DROP COLUMN price");
        await write("UPDATE items SET name = 'after' WHERE id = 1");
        await write("DELETE FROM items WHERE id = 2");
        assert.deepEqual(await logged(), [
            ["U", { id: 1, name: "before" }, { id: 1, name: "after" }],
            ["D", { id: 2, name: "loaded" }, null],
        ]);
        const { rows } = await writer.query<{ now: string }>(
            "SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now",
        );
        const now = await readAsOf(trail, ITEMS, new Date(rows[0]?.now ?? "").toISOString());
        assert.deepEqual([...now.values()], ['{"id": 1, "name": "after"}']);
        await assertComplete();
        await alter("ALTER TABLE items ADD COLUMN price numeric(10,2)");
        await write("UPDATE items SET price = 5 WHERE id = 1");
        assert.deepEqual((await logged()).slice(2), [
            ["U", { id: 1, name: "after", price: null }, { id: 1, name: "after", price: 5.0 }],
        ]);
        await assertComplete();
    });

    it("a column that is renamed keeps its values under the new name", async () => {
        await alter("ALTER TABLE items RENAME COLUMN name TO title");
        await assertComplete();
        await write("UPDATE items SET price = 9 WHERE id = 1");
        assert.deepEqual(await logged(), [
            ["U", { id: 1, title: "before", price: 1.0 }, { id: 1, title: "before", price: 9.0 }],
        ]);
        await assertComplete();
        const { rows } = await trail.query<{ detail: { renamed?: unknown } }>(
            "SELECT detail FROM audit_trail.gap WHERE kind = 'shape change' AND table_name = 'items'",
        );
        assert.deepEqual(rows[0]?.detail.renamed, { name: "title" });
    });

    it("a column that is renamed and gets another type at once keeps its values", async () => {
        await alter(
            "ALTER TABLE items RENAME COLUMN price TO cents; ALTER TABLE items ALTER COLUMN cents TYPE bigint",
        );
        await assertComplete();
        await write("UPDATE items SET cents = 9000000000 WHERE id = 1");
        assert.deepEqual(await logged(), [
            [
                "U",
                { id: 1, name: "before", cents: 1 },
                { id: 1, name: "before", cents: 9_000_000_000 },
            ],
        ]);
        await assertComplete();
        // What the source made of the old values is not in the catalog; verify looks at the rows.
        await alter(
            "ALTER TABLE items RENAME name TO code; ALTER TABLE items ALTER code TYPE integer USING length(code)",
        );
        const [items] = (await verified()).tables;
        assert.equal(items?.differences.length, 2);
        for (const { kind, detail } of items.differences) {
            assert.equal(kind, "different row");
            assert.match(detail, /\bcode\b/u);
        }
    });

    it("columns that change their names with each other change their values in staging", async () => {
        await alter("ALTER TABLE items ADD COLUMN title text");
        await write("UPDATE items SET title = 'b' WHERE id = 1");
        await alter(
            "ALTER TABLE items RENAME name TO other; ALTER TABLE items RENAME title TO name; ALTER TABLE items RENAME other TO title",
        );
        await assertComplete();
        await write("UPDATE items SET price = 9 WHERE id = 1");
        assert.deepEqual((await logged()).slice(1), [
            [
                "U",
                { id: 1, name: "b", title: "before", price: 1.0 },
                { id: 1, name: "b", title: "before", price: 9.0 },
            ],
        ]);
        await assertComplete();
    });

    it("a column that is dropped and made anew at once is empty, or has its default", async () => {
        await alter(
            "ALTER TABLE items DROP COLUMN name, DROP COLUMN price; ALTER TABLE items ADD COLUMN name text, ADD COLUMN price numeric(10,2) DEFAULT 7",
        );
        await assertComplete();
        await write("UPDATE items SET name = 'new' WHERE id = 1");
        assert.deepEqual(await logged(), [
            ["U", { id: 1, name: null, price: 7.0 }, { id: 1, name: "new", price: 7.0 }],
        ]);
        await assertComplete();
    });

    it("a column of another type keeps its history as it was written", async () => {
        await alter("ALTER TABLE items ALTER COLUMN price TYPE bigint");
        await write("UPDATE items SET price = 9000000000 WHERE id = 1");
        assert.deepEqual(await logged(), [
            [
                "U",
                { id: 1, name: "before", price: 1 },
                { id: 1, name: "before", price: 9_000_000_000 },
            ],
        ]);
        await assertComplete();
    });

    it("a key of a wider type goes on where it was, whatever came before the deployment", async () => {
        await writer.query("ALTER TABLE items ALTER COLUMN id TYPE bigint");
        // More than staging holds: DMS cannot apply it.
        await writer.query("INSERT INTO items VALUES (3000000000, 'large', 3)");
        await task.redeploy();
        await task.stop();
        await task.start();
        await task.caughtUp(writer, trail);
        await write("UPDATE items SET price = 4 WHERE id IN (1, 3000000000)");
        await write("DELETE FROM items WHERE id = 3000000000");
        assert.deepEqual(
            (await logged()).map((row) => JSON.stringify(row)).sort(),
            [
                ["D", { id: 3_000_000_000, name: "large", price: 4 }, null],
                ["I", null, { id: 3_000_000_000, name: "large", price: 3 }],
                ["U", { id: 1, name: "before", price: 1 }, { id: 1, name: "before", price: 4 }],
                [
                    "U",
                    { id: 3_000_000_000, name: "large", price: 3 },
                    { id: 3_000_000_000, name: "large", price: 4 },
                ],
            ].map((row) => JSON.stringify(row)),
        );
        await assertComplete();
    });

    it("what was written to a dropped column before the drop is logged, however late it arrives", async () => {
        await task.stop();
        await writer.query("UPDATE items SET price = 7 WHERE id = 1");
        await alter("ALTER TABLE items DROP COLUMN price");
        await task.caughtUp(writer, trail);
        assert.deepEqual(await logged(), [
            ["U", { id: 1, name: "before", price: 1.0 }, { id: 1, name: "before", price: 7.0 }],
        ]);
        await assertComplete();
        await write("UPDATE items SET name = 'after' WHERE id = 1");
        await assertComplete();
    });
});
