import assert from "node:assert/strict";
import { startTask, stopTask } from "../../local/dms/control";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { parseTableName } from "../../trail/names";
import type { TableGroup } from "../../trail/tableGroups";

const TABLES = ["shop.orders", "shop.lines", "shop.notes"].map(parseTableName);
const billing = (...tables: readonly string[]): TableGroup => ({
    name: "bil-ling",
    tables: tables.map(parseTableName),
});

/** Two tasks beside each other, and tables that go from one to the other. */
describe("groups of tables", function () {
    this.timeout(120_000);
    let world: World;

    before(async () => {
        world = await World.open(
            `CREATE SCHEMA shop;
             CREATE TABLE shop.orders (id integer PRIMARY KEY, note varchar(20));
             CREATE TABLE shop.lines (id integer PRIMARY KEY, note varchar(20));
             CREATE TABLE shop.notes (id integer PRIMARY KEY, note varchar(20));
             INSERT INTO shop.orders VALUES (1, 'loaded');
             INSERT INTO shop.lines VALUES (1, 'loaded'), (2, 'to go')`,
            TABLES,
            {},
            [billing("shop.lines")],
        );
    });

    after(async () => {
        await world.close();
    });

    /** The open gaps, without when they were. */
    async function gaps(): Promise<unknown[]> {
        const { rows } = await world.trail.master.query<{ row: unknown }>(
            `SELECT jsonb_build_object('table', g.table_name, 'kind', g.kind, 'detail', g.detail) AS row
             FROM audit_trail.gap AS g
             WHERE NOT EXISTS (SELECT FROM audit_trail.acknowledgement AS a WHERE a.gap_id = g.gap_id)
             ORDER BY g.gap_id`,
        );
        return rows.map(({ row }) => row);
    }

    async function acknowledgeAll(): Promise<void> {
        await world.trail.master.query(
            `SELECT audit_trail.acknowledge(g.gap_id, 'seen in the test') FROM audit_trail.gap AS g
             WHERE NOT EXISTS (SELECT FROM audit_trail.acknowledgement AS a WHERE a.gap_id = g.gap_id)`,
        );
    }

    it("are carried by tasks of their own, a transaction over both under one number", async () => {
        await world.source.query(
            `BEGIN;
             INSERT INTO shop.orders VALUES (2, 'both');
             INSERT INTO shop.lines VALUES (3, 'both');
             COMMIT`,
        );
        const report = await world.verify();
        assert.deepEqual(failedChecks(report), []);
        assert.ok(report.complete, JSON.stringify(report, undefined, 1));
        const { rows } = await world.trail.master.query(
            `SELECT count(DISTINCT t.transaction_id)::integer AS numbers, count(*)::integer AS changes
             FROM (
                 SELECT l.transaction_id FROM shop.orders_audit_log AS l WHERE l.operation = 'I'
                 UNION ALL
                 SELECT l.transaction_id FROM shop.lines_audit_log AS l WHERE l.operation = 'I'
             ) AS t`,
        );
        assert.deepEqual(rows, [{ numbers: 1, changes: 2 }]);
        const slots = await world.source.query(
            "SELECT FROM pg_replication_slots WHERE plugin = 'test_decoding' AND active",
        );
        assert.equal(slots.rowCount, 2);
        assert.deepEqual(await gaps(), []);
    });

    it("are told apart by verify where the task of one has stopped", async () => {
        const taskDir = world.taskDirs.get("bil-ling") ?? "";
        await stopTask(taskDir);
        await world.source.query("INSERT INTO shop.orders VALUES (3, 'goes on')");
        await world.source.query("INSERT INTO shop.lines VALUES (4, 'waits')");
        const report = await world.verify({ markerTimeoutMs: 1_000 });
        assert.deepEqual(failedChecks(report), ["replication slot", "replication"]);
        const replication = report.checks.find(({ name }) => name === "replication");
        assert.match(
            replication?.detail ?? "",
            /^The group bil-ling: A marker that the source committed has not/u,
        );
        assert.ok(tableOf(report, "shop.orders").complete);
        assert.equal(tableOf(report, "shop.lines").comparedUpTo, null);
        await startTask(taskDir);
        const after = await world.verify();
        assert.ok(after.complete, JSON.stringify(after, undefined, 1));
        assert.deepEqual(await gaps(), [
            {
                table: null,
                kind: "task stopped",
                detail: {
                    found_by: "another session of DMS applied the next marker",
                    group: "bil-ling",
                },
            },
        ]);
        await acknowledgeAll();
    });

    it("tell once of what the source told, by the task that carries the table", async () => {
        await world.source.query(
            `INSERT INTO audit_trail.marker (kind, table_schema, table_name)
             VALUES ('truncate', 'shop', 'lines'), ('truncate', 'shop', 'orders')`,
        );
        await world.verify();
        assert.deepEqual((await gaps()).map((gap) => (gap as { table: string }).table).sort(), [
            "lines",
            "orders",
        ]);
        await acknowledgeAll();
        assert.ok((await world.verify()).complete);
    });

    it("let a table go to another one, with a row of the gap ledger for the hole", async () => {
        await world.regroup([billing("shop.lines", "shop.orders")], async () => {
            await world.source.query(
                `UPDATE shop.orders SET note = 'unseen' WHERE id = 1;
                 DELETE FROM shop.orders WHERE id = 2;
                 UPDATE shop.notes SET note = 'seen' WHERE id = 1`,
            );
        });
        assert.deepEqual(await gaps(), [
            {
                table: "orders",
                kind: "moved to another group",
                detail: { from_group: "default", to_group: "bil-ling" },
            },
        ]);
        await world.trail.master.query("SELECT audit_trail.end_reload('shop', 'orders')");
        await world.source.query("UPDATE shop.orders SET note = 'after' WHERE id = 3");
        const report = await world.verify();
        assert.deepEqual(failedChecks(tableOf(report, "shop.orders")), ["gaps"]);
        assert.deepEqual(tableOf(report, "shop.orders").differences, []);
        await acknowledgeAll();
        const after = await world.verify();
        assert.ok(after.complete, JSON.stringify(after, undefined, 1));
        const { rows } = await world.trail.master.query(
            `SELECT l.operation, l.row_key ->> 'id' AS id, l.new_row_data ->> 'note' AS note
             FROM shop.orders_audit_log AS l ORDER BY l.row_key, l.audit_id`,
        );
        assert.deepEqual(
            rows.map(({ operation, id, note }) => [operation, id, note].join(" ")),
            [
                "B 1 loaded",
                "B 1 unseen",
                "I 2 both",
                "D 2 ",
                "I 3 goes on",
                "B 3 goes on",
                "U 3 after",
            ],
        );
    });

    it("go with their task and slot in two updates, and nothing is taken for lost", async () => {
        const slots = async (): Promise<number | null> =>
            (await world.source.query("SELECT FROM pg_replication_slots")).rowCount;
        await world.regroup([]);
        assert.equal(await slots(), 2);
        // Its task had the table before, and goes on where it was: nothing says that DMS does otherwise.
        await world.reload("shop.orders");
        for (const table of ["orders", "lines"]) {
            await world.trail.master.query("SELECT audit_trail.end_reload('shop', $1)", [table]);
        }
        await acknowledgeAll();
        await world.regroup([]);
        assert.equal(await slots(), 1);
        const report = await world.verify();
        assert.ok(report.complete, JSON.stringify(report, undefined, 1));
        assert.deepEqual(
            (await gaps()).filter((gap) => (gap as { kind: string }).kind !== "task stopped"),
            [],
        );
        await world.source.query("INSERT INTO shop.lines VALUES (9, 'default')");
        assert.ok((await world.verify()).complete);
    });
});
