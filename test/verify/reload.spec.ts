import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { until } from "../../testing/until";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";

const ITEMS = "public.items";

/** Changes rows, over and over, until told to stop; returns the number of statements. */
async function write(client: Client, signal: AbortSignal): Promise<number> {
    let count = 0;
    for (; !signal.aborted; count += 1) {
        const key = 1 + (count % 200);
        await client.query("UPDATE items SET name = 'changed ' || $2::text WHERE item_id = $1", [
            key,
            count,
        ]);
        await client.query("DELETE FROM items WHERE item_id = $1 + 1000", [key]);
        await client.query("INSERT INTO items VALUES ($1 + 1000, 'again')", [key]);
        await pause(2);
    }
    return count;
}

describe("a reload of a table that is being written", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(
            `CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100));
             INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 2000) AS n;`,
            [{ schema: "public", table: "items" }],
        );
    });
    after(async () => {
        await world.close();
    });

    it("leaves a trail that verify finds whole but for the time of the reload", async () => {
        const stop = new AbortController();
        const writer = write(await world.session(), stop.signal);
        const kinds = async (): Promise<string[]> =>
            (
                await world.trail.reader.query<{ kind: string }>(
                    "SELECT DISTINCT kind FROM audit_trail.gap WHERE table_name = 'items'",
                )
            ).rows.map(({ kind }) => kind);
        const loadedRows = async (): Promise<number> =>
            (
                await world.trail.reader.query<{ n: number }>(
                    "SELECT count(*)::int AS n FROM items_audit_log WHERE operation = 'B'",
                )
            ).rows[0]?.n ?? 0;
        let vanished: unknown;
        try {
            await until(async () => (await loadedRows()) >= 2000, 20_000);
            const before = await loadedRows();
            await world.trail.operator.query("SELECT audit_trail.begin_reload('public', 'items')");
            writeFileSync(
                path.join(world.taskDir, "reload.json"),
                JSON.stringify([{ SchemaName: "public", TableName: "items" }]),
            );
            // The load is one transaction here.
            await until(async () => (await loadedRows()) >= before + 1800, 20_000);
            const { rows } = await world.trail.operator.query<{ vanished: unknown }>(
                "SELECT audit_trail.end_reload('public', 'items') AS vanished",
            );
            vanished = rows[0]?.vanished;
        } finally {
            stop.abort();
        }
        assert.ok((await writer) > 0);
        const { rows } = await world.trail.master.query<{ now: string }>(
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS now",
        );
        const report = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.deepEqual(report.differences, []);
        assert.deepEqual(failedChecks(report), ["gaps"], JSON.stringify(report.checks));
        assert.deepEqual(await kinds(), ["reload"]);
        // A row that was deleted just before the load's snapshot: that change is passed over.
        const closed = await world.trail.reader.query<{ n: string }>(
            "SELECT count(*) AS n FROM items_audit_log WHERE operation = 'D' AND remarks = ARRAY['vanished in reload']",
        );
        assert.equal(closed.rows[0]?.n, vanished);
        const since = tableOf(await world.verify({ since: rows[0]?.now ?? "" }, ITEMS), ITEMS);
        assert.ok(since.complete, JSON.stringify(since));
    });
});
