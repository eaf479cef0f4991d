import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { dropTaskSlot, startTask, stopTask } from "../../local/dms/control";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { parseTableName } from "../../trail/names";
import type { TableGroup } from "../../trail/tableGroups";

const TABLES = ["shop.orders", "shop.lines", "shop.notes", "shop.parts"].map(parseTableName);
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
             CREATE TABLE shop.parts (region integer, id integer, note varchar(20), PRIMARY KEY (region, id))
                 PARTITION BY LIST (region);
             CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES IN (1);
             CREATE TABLE shop.parts_2 PARTITION OF shop.parts FOR VALUES IN (2);
             INSERT INTO shop.parts VALUES (1, 1, 'loaded'), (2, 1, 'loaded');
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
        // An update that ends on its way, when one task has given the table up and the other has not got it.
        await assert.rejects(
            world.regroup([billing("shop.lines", "shop.orders")], () =>
                Promise.reject(new Error("killed")),
            ),
            /killed/u,
        );
        assert.deepEqual(failedChecks(tableOf(await world.verify(), "shop.orders")), ["reload"]);
        await world.regroup([billing("shop.lines", "shop.orders")], async () => {
            await world.source.query(
                `UPDATE shop.orders SET note = 'unseen' WHERE id = 1;
                 DELETE FROM shop.orders WHERE id = 2;
                 UPDATE shop.notes SET note = 'seen' WHERE id = 1`,
            );
        });
        const told = (await gaps()).filter(
            (gap) => (gap as { kind: string }).kind !== "task stopped",
        );
        assert.deepEqual(told, [
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

    for (const loadsReturning of [false, true]) {
        const how = loadsReturning
            ? "forget what they have loaded"
            : "remember what they have loaded";
        it(`come back to the list and to their tasks, which ${how}, and nothing is lost silently`, async () => {
            const round = loadsReturning ? 2 : 1;
            await world.regroup(
                [billing("shop.lines")],
                undefined,
                TABLES.filter(({ table }) => ["orders", "lines"].includes(table)),
            );
            for (const folder of world.taskDirs.values()) {
                writeFileSync(path.join(folder, "faults.json"), JSON.stringify({ loadsReturning }));
            }
            await acknowledgeAll();
            await world.source.query(
                `ALTER TABLE shop.notes ADD COLUMN added_${String(round)} integer;
                 INSERT INTO shop.notes (id, note, added_${String(round)}) VALUES (${String(round)}0, 'unseen', ${String(round)});
                 UPDATE shop.parts SET note = 'unseen ${String(round)}' WHERE region = 1;
                 INSERT INTO shop.parts VALUES (2, ${String(round)}0, 'unseen')`,
            );
            // The group gives a table and gets one that was in no group.
            await world.regroup(
                [billing("shop.parts")],
                async () => {
                    await world.source.query(
                        `INSERT INTO shop.lines VALUES (${String(round)}00, 'unseen');
                         DELETE FROM shop.lines WHERE id = ${String(round)}`,
                    );
                },
                TABLES,
            );
            const holes = (await gaps())
                .map((gap) => gap as { readonly table: string; readonly kind: string })
                .filter(({ kind }) => !["shape change", "task stopped"].includes(kind))
                .sort((one, other) => one.table.localeCompare(other.table));
            assert.deepEqual(holes, [
                {
                    table: "lines",
                    kind: "moved to another group",
                    detail: { from_group: "bil-ling", to_group: "default" },
                },
                { table: "notes", kind: "not audited", detail: {} },
                { table: "parts", kind: "not audited", detail: {} },
            ]);
            if (!loadsReturning) {
                assert.deepEqual((await world.verify()).complete, false);
                await world.reload("shop.notes");
                await world.reload("shop.lines");
            }
            for (const table of ["lines", "notes", "parts"]) {
                await world.trail.master.query("SELECT audit_trail.end_reload('shop', $1)", [
                    table,
                ]);
            }
            await acknowledgeAll();
            const report = await world.verify();
            const failed = [report, ...report.tables].flatMap(({ checks }) =>
                checks.filter(({ ok }) => !ok),
            );
            assert.deepEqual(failed, []);
            assert.ok(report.complete, JSON.stringify(report, undefined, 1));
            const { rows } = await world.trail.master.query(
                `SELECT (SELECT count(*) FROM shop.lines_audit_log AS l WHERE l.row_key ->> 'id' = $1 AND l.operation = 'B') AS lines,
                    (SELECT count(*) FROM shop.notes_audit_log AS l WHERE l.new_row_data ->> $2 = $3 AND l.operation = 'B') AS notes,
                    (SELECT count(*) FROM shop.parts_audit_log AS l WHERE l.new_row_data ->> 'note' = 'unseen ' || $3 AND l.operation = 'B')
                        AS parts,
                    (SELECT count(*) FROM shop.lines_audit_log AS l WHERE l.row_key ->> 'id' = $3 AND l.operation = 'D') AS closed`,
                [`${String(round)}00`, `added_${String(round)}`, String(round)],
            );
            assert.deepEqual(rows, [{ lines: "1", notes: "1", parts: "1", closed: "1" }]);
        });
    }

    it("lose a slot each for itself, and verify says whose", async () => {
        const taskDir = world.taskDirs.get("bil-ling") ?? "";
        await stopTask(taskDir);
        await dropTaskSlot(taskDir);
        await world.source.query("INSERT INTO shop.orders VALUES (50, 'goes on')");
        const report = await world.verify({ markerTimeoutMs: 500 });
        assert.match(
            report.checks.find(({ name }) => name === "replication")?.detail ?? "",
            // Under load the other task may not have read the marker yet.
            /^The group bil-ling: .*the source has 1 of the slots of 2 groups/u,
        );
        assert.ok(tableOf(report, "shop.orders").complete);
        const lost = (await gaps()) as {
            readonly table: string | null;
            readonly kind: string;
            readonly detail: { readonly group?: string };
        }[];
        assert.deepEqual(
            lost
                .filter(({ kind }) => kind !== "task stopped")
                .map(({ table, kind, detail }) => [table, kind, detail.group]),
            [["parts", "slot recreated", "bil-ling"]],
        );
    });
});
