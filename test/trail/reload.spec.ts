import assert from "node:assert/strict";
import type { Client } from "pg";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { ITEMS, type Trail, trailDatabase } from "../../testing/trailDatabase";

const AT = "2026-11-23 10:00:00.123456";

describe("a reload", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let trail: Trail;
    let dms: Client;
    let databases = 0;
    let lsn = 0x1000;

    before(async () => {
        server = await scratchServer();
    });
    after(async () => {
        await server.stop();
    });
    beforeEach(async () => {
        databases += 1;
        trail = await trailDatabase(server, `audit${String(databases)}`, [ITEMS]);
        ({ dms } = trail);
    });
    afterEach(async () => {
        await trail.stop();
    });

    function position(): string {
        lsn += 0x10;
        return `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
    }

    /** A row of the full load. */
    async function load(key: number, name: string): Promise<void> {
        await dms.query(
            "INSERT INTO items_staging VALUES ($1, $2, 1, 'I', clock_timestamp() AT TIME ZONE 'UTC', '', '')",
            [key, name],
        );
    }

    async function insert(key: number, name: string, at = position(), time = AT): Promise<void> {
        await dms.query("INSERT INTO items_staging VALUES ($1, $2, 1, 'I', $3, $4, $4)", [
            key,
            name,
            time,
            at,
        ]);
    }

    /** Returns whether the row was there. */
    async function update(
        key: number,
        name: string | null,
        operation = "U",
        at = position(),
        time = AT,
    ): Promise<boolean> {
        const { rowCount } = await dms.query(
            `UPDATE items_staging SET name = $2, audit_trail_operation = $3, audit_trail_commit_timestamp = $4, audit_trail_stream_position = $5, audit_trail_change_seq = $5
                WHERE item_id = $1`,
            [key, name, operation, time, at],
        );
        return rowCount === 1;
    }

    /** As the policies INSERT_RECORD and UPDATE_RECORD do. */
    async function replace(
        key: number,
        name: string,
        operation: string,
        at: string,
        time = AT,
    ): Promise<void> {
        await dms.query("BEGIN");
        await dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]);
        await dms.query("INSERT INTO items_staging VALUES ($1, $2, 1, $3, $4, $5, $5)", [
            key,
            name,
            operation,
            time,
            at,
        ]);
        await dms.query("COMMIT");
    }

    async function logged(key: number): Promise<unknown[]> {
        const { rows } = await trail.reader.query<{ line: unknown }>(
            `SELECT json_build_array(trim(h.operation::text), h.old_row_data ->> 'name', h.new_row_data ->> 'name', h.remarks) AS line
                FROM audit_trail.row_history('public', 'items', jsonb_build_object('item_id', $1::int)) AS h`,
            [key],
        );
        return rows.map(({ line }) => line);
    }

    async function keysAsOf(time: Date): Promise<unknown[]> {
        const { rows } = await trail.reader.query<{ key: unknown }>(
            "SELECT row_key -> 'item_id' AS key FROM audit_trail.as_of('public', 'items', $1) ORDER BY 1",
            [time],
        );
        return rows.map(({ key }) => key);
    }

    async function now(): Promise<Date> {
        const { rows } = await dms.query<{ now: Date }>("SELECT clock_timestamp() AS now");
        return rows[0]?.now ?? new Date(0);
    }

    async function gaps(): Promise<string[]> {
        const { rows } = await trail.reader.query<{ kind: string }>(
            "SELECT kind FROM audit_trail.gap ORDER BY gap_id",
        );
        return rows.map(({ kind }) => kind);
    }

    async function beginReload(): Promise<void> {
        await trail.operator.query("SELECT audit_trail.begin_reload('public', 'items')");
    }

    /** Returns how many keys have vanished. */
    async function endReload(sourceIsEmpty = false): Promise<number> {
        const { rows } = await trail.operator.query<{ vanished: string }>(
            "SELECT audit_trail.end_reload('public', 'items', $1) AS vanished",
            [sourceIsEmpty],
        );
        return Number(rows[0]?.vanished);
    }

    it("does not forget positions with a TRUNCATE: what comes again after it and the load is not logged again", async () => {
        const [first, second] = [position(), position()];
        await insert(1, "a", first);
        await update(1, "b", "U", second);
        await dms.query("TRUNCATE items_staging");
        await load(1, "b");
        const before = await logged(1);
        assert.equal(before.length, 3);
        dms = await trail.reconnectDms();
        await replace(1, "a", "I", first);
        await update(1, "b", "U", second);
        assert.deepEqual(await logged(1), before);
        assert.deepEqual(await gaps(), ["reload"]);
        const { rows } = await dms.query("SELECT name FROM items_staging");
        assert.deepEqual(rows, [{ name: "b" }]);
    });

    it("knows positions after several TRUNCATEs, and a replay between TRUNCATE and load", async () => {
        const [first, second] = [position(), position()];
        await insert(1, "a", first);
        await update(1, "b", "U", second);
        await dms.query("TRUNCATE items_staging");
        dms = await trail.reconnectDms();
        await insert(1, "a", first);
        await replace(1, "b", "U", second);
        assert.equal((await logged(1)).length, 2);
        await dms.query("TRUNCATE items_staging");
        await load(1, "b");
        await dms.query("TRUNCATE items_staging");
        await load(1, "b");
        dms = await trail.reconnectDms();
        await update(1, "b", "U", second);
        assert.equal((await logged(1)).length, 4);
    });

    for (const how of ["begin_reload", "TRUNCATE"] as const) {
        it(`by ${how} closes the history of a key that has vanished`, async () => {
            for (const key of [1, 2, 3]) {
                await insert(key, "a");
            }
            await update(2, "b");
            await update(3, null, "D");
            const earlier = await now();
            if (how === "TRUNCATE") {
                await dms.query("TRUNCATE items_staging");
            } else {
                await beginReload();
            }
            await load(1, "a");
            assert.equal(await endReload(), 1);
            assert.deepEqual(await logged(2), [
                ["I", null, "a", null],
                ["U", "a", "b", null],
                ["D", "b", null, ["vanished in reload"]],
            ]);
            assert.equal((await logged(3)).length, 2, "a key that was deleted before stays so");
            assert.deepEqual(await keysAsOf(await now()), [1]);
            assert.deepEqual(await keysAsOf(earlier), [1, 2]);
            const { rows } = await dms.query("SELECT item_id FROM items_staging");
            assert.deepEqual(rows, [{ item_id: 1 }]);

            await insert(2, "again", position(), "2026-12-01 10:00:00");
            assert.deepEqual((await logged(2)).at(-1), ["I", null, "again", null]);
            assert.deepEqual([...new Set(await gaps())], ["reload"]);
        });
    }

    it("knows a replayed change of a key that has vanished", async () => {
        const [first, second] = [position(), position()];
        await insert(1, "a");
        await insert(2, "a", first);
        await update(2, "b", "U", second);
        await beginReload();
        await load(1, "a");
        await endReload();
        const before = await logged(2);
        dms = await trail.reconnectDms();
        await insert(2, "a", first);
        await insert(2, "b", second);
        assert.deepEqual(await logged(2), before);
    });

    it("goes on while changes are applied: rows of the load take the places of those that are there", async () => {
        for (const key of [1, 2, 3]) {
            await insert(key, "a");
        }
        const before = await logged(1);
        await beginReload();
        assert.ok(await update(1, "b"), "the row is there before the load");
        await load(1, "b");
        await load(2, "a");
        const time = (await now()).toISOString();
        assert.ok(await update(2, "c", "U", position(), time), "the row is there after the load");
        await insert(4, "new");
        await load(4, "new");
        await update(3, null, "D");
        assert.equal(await endReload(), 0);
        assert.deepEqual(await gaps(), ["reload"]);
        assert.deepEqual((await logged(1)).slice(before.length), [
            ["U", "a", "b", null],
            ["B", null, "b", null],
        ]);
        assert.deepEqual((await logged(2)).slice(1, 3), [
            ["B", null, "a", null],
            ["U", "a", "c", ["overlaps baseline"]],
        ]);
        assert.deepEqual(await keysAsOf(new Date(Date.now() + 86_400_000)), [1, 2, 4]);
        const { rows } = await dms.query(
            "SELECT item_id, name FROM items_staging ORDER BY item_id",
        );
        assert.deepEqual(rows, [
            { item_id: 1, name: "b" },
            { item_id: 2, name: "c" },
            { item_id: 4, name: "new" },
        ]);
        await assert.rejects(load(1, "b"), { code: "23505" }, "the load's rights end with it");
    });

    it("closes a key that only the first of two loads has brought", async () => {
        await insert(1, "a");
        await insert(2, "a");
        await beginReload();
        await load(1, "a");
        await load(2, "a");
        // That load failed; the source deletes row 2 before the next one, and nobody reads it.
        await beginReload();
        await load(1, "a");
        assert.equal(await endReload(), 1);
        assert.deepEqual(await keysAsOf(await now()), [1]);
    });

    it("by two TRUNCATEs asks for the load after the last one", async () => {
        await insert(1, "a");
        await dms.query("TRUNCATE items_staging");
        await load(1, "a");
        await dms.query("TRUNCATE items_staging");
        await assert.rejects(endReload(), /loaded no row of public\.items since/u);
        await load(1, "a");
        assert.equal(await endReload(), 0);
    });

    it("tells of the time from the last change that was applied to the load", async () => {
        await insert(1, "a");
        for (const how of ["begin_reload", "TRUNCATE"] as const) {
            if (how === "TRUNCATE") {
                await dms.query("TRUNCATE items_staging");
            } else {
                await beginReload();
            }
            await load(1, "b");
            const loaded = await now();
            await endReload();
            const { rows } = await trail.reader.query(
                `SELECT bool_or(g.from_timestamp <= $1) AS from_last_change, bool_or(g.to_timestamp >= $2) AS to_load
                    FROM audit_trail.gap AS g WHERE g.kind = 'reload'`,
                [`${AT}Z`, loaded],
            );
            assert.deepEqual(rows, [{ from_last_change: true, to_load: true }], how);
        }
    });

    it("does not end before anything was loaded, unless the source is empty", async () => {
        await assert.rejects(endReload(), /No reload of public\.items is under way/u);
        await insert(1, "a");
        await beginReload();
        await assert.rejects(endReload(), /loaded no row of public\.items since/u);
        assert.equal((await logged(1)).length, 1);
        assert.equal(await endReload(true), 1);
        assert.deepEqual(await keysAsOf(await now()), []);
        await assert.rejects(endReload(), /No reload of public\.items is under way/u);
    });

    it("is the operators' to begin and to end", async () => {
        for (const client of [trail.reader, dms]) {
            for (const call of ["begin_reload", "end_reload"]) {
                await assert.rejects(
                    client.query(`SELECT audit_trail.${call}('public', 'items')`),
                    {
                        code: "42501",
                    },
                );
            }
        }
        await assert.rejects(
            trail.operator.query("SELECT audit_trail.begin_reload('public', 'none')"),
            /public\.none is not audited/u,
        );
    });
});
