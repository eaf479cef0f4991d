import assert from "node:assert/strict";
import { startTask, stopTask } from "../../../local/dms/control";
import { startTicks } from "../../../local/dms/processIdentity";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";
import { Bench, isHeld, ITEMS, ITEMS_STAGING, rowsOf, statusOf } from "./support";

/** Every write of staging: what, which row, its name, in which transaction. */
const SEEN =
    "CREATE TABLE seen (id bigserial, op text, tab text, key integer, name text, xid xid8); " +
    "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
    "VALUES (DEFAULT, TG_OP, TG_TABLE_NAME, coalesce(NEW.item_id, OLD.item_id), NEW.name, pg_current_xact_id()); RETURN NULL; END $$; " +
    "CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON items_staging FOR EACH ROW EXECUTE FUNCTION see()";
const SOURCE_ROWS = "SELECT item_id, name, price FROM items ORDER BY 1";
const TARGET_ROWS = "SELECT item_id, name, price FROM items_staging ORDER BY 1";

describe("local/dms: changes while tables are loading", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let bench: Bench;

    before(async () => {
        server = await scratchServer({ settings: { synchronous_commit: "on" } });
        bench = await Bench.open(server, "overlap");
    });
    after(async () => {
        await bench.close();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(ITEMS);
        await bench.target.query(ITEMS_STAGING);
        await bench.target.query(SEEN);
        await bench.source.query(
            "INSERT INTO items SELECT g, 'v1', g FROM generate_series(1, 3) AS g",
        );
    });

    const seen = (): ReturnType<Bench["rows"]> =>
        bench.rows("SELECT op, key, name FROM seen ORDER BY id");

    /** Each kind of conflict once: rows that the load has read already, or no longer. */
    async function write(): Promise<void> {
        for (const statement of [
            "UPDATE items SET name = 'v2' WHERE item_id = 1",
            "UPDATE items SET name = 'v3' WHERE item_id = 1",
            "DELETE FROM items WHERE item_id = 2",
            "INSERT INTO items VALUES (4, 'new', 4)",
            "DELETE FROM items WHERE item_id = 3",
            "INSERT INTO items VALUES (3, 'again', 3)",
        ]) {
            await bench.source.query(statement);
        }
    }

    const written = [
        ["UPDATE", "1", "v2"],
        ["UPDATE", "1", "v3"],
        ["DELETE", "3", null],
        ["INSERT", "3", "again"],
    ];

    it("are in the load and come again, without conflicts", async () => {
        const { dir, release } = await bench.held({ flagged: false });
        await write();
        await release();
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT op, key, name FROM seen ORDER BY greatest(id, 3), key"),
            [["INSERT", "1", "v3"], ["INSERT", "3", "again"], ["INSERT", "4", "new"], ...written],
        );
        assert.deepEqual(await bench.rows(TARGET_ROWS), await rowsOf(bench.source, SOURCE_ROWS));
        assert.equal(statusOf(dir).conflicts, 0);
        // The delete of row 2 and the insert of row 4.
        assert.equal(statusOf(dir).dropped, 2);
    });

    it("come once where the load reads the slot's snapshot", async () => {
        const { dir, release } = await bench.held({
            flagged: false,
            faults: { loadOverlap: false },
        });
        await write();
        await release();
        await bench.caughtUp(dir);
        assert.deepEqual((await seen()).slice(0, 5), [
            ["INSERT", "1", "v1"],
            ["INSERT", "2", "v1"],
            ["INSERT", "3", "v1"],
            ["UPDATE", "1", "v2"],
            ["UPDATE", "1", "v3"],
        ]);
        assert.deepEqual(await bench.rows(TARGET_ROWS), await rowsOf(bench.source, SOURCE_ROWS));
        assert.equal(statusOf(dir).dropped, 0);
    });

    it("come after a reload too, and conflicts after them are conflicts again", async () => {
        const dir = await bench.started({
            flagged: false,
            settings: { ErrorBehavior: { ApplyErrorInsertPolicy: "INSERT_RECORD" } },
        });
        await bench.source.query("UPDATE items SET name = 'before' WHERE item_id = 3");
        await bench.caughtUp(dir);
        await bench.target.query("TRUNCATE items_staging, seen");
        bench.setFaults(dir, { holdLoad: true });
        bench.reload(dir, "items");
        await until(() => Promise.resolve(isHeld(dir)));
        await write();
        bench.setFaults(dir);
        await bench.caughtUp(dir);
        assert.deepEqual((await seen()).slice(3), written);
        assert.deepEqual(await bench.rows(TARGET_ROWS), await rowsOf(bench.source, SOURCE_ROWS));
        assert.equal(statusOf(dir).conflicts, 0);
        await bench.target.query("INSERT INTO items_staging VALUES (9, 'other')");
        await bench.source.query("INSERT INTO items VALUES (9, 'nine', 9)");
        await bench.caughtUp(dir);
        assert.equal(statusOf(dir).conflicts, 1);
    });

    it("come table by table, whatever transactions they belong to", async () => {
        await bench.source.query(
            "CREATE TABLE other (item_id integer PRIMARY KEY, name text); INSERT INTO other VALUES (1, 'v1')",
        );
        await bench.target.query(
            "CREATE TABLE other_staging (LIKE items_staging, PRIMARY KEY (item_id)); " +
                "CREATE TRIGGER see AFTER UPDATE ON other_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
        const { dir, release } = await bench.held({ tables: ["items", "other"] });
        for (const name of ["a", "b"]) {
            await bench.source.query(
                `BEGIN; UPDATE other SET name = '${name}'; UPDATE items SET name = '${name}' WHERE item_id = 1; COMMIT`,
            );
        }
        await release();
        await bench.source.query(
            "BEGIN; UPDATE other SET name = 'c'; UPDATE items SET name = 'c' WHERE item_id = 1; COMMIT",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT tab, name FROM seen WHERE op = 'UPDATE' ORDER BY id"),
            [
                ["items_staging", "a"],
                ["items_staging", "b"],
                ["other_staging", "a"],
                ["other_staging", "b"],
                ["other_staging", "c"],
                ["items_staging", "c"],
            ],
        );
        assert.equal(
            await bench.value(
                "SELECT count(*) FROM (SELECT FROM seen WHERE op = 'UPDATE' GROUP BY xid) AS x",
                bench.target,
            ),
            "3",
        );
    });

    it("come again after a kill between them and their confirmation", async () => {
        const { dir, release } = await bench.held({
            flagged: false,
            faults: { killBeforeConfirm: true },
        });
        await write();
        const { pid } = statusOf(dir);
        await release().catch(() => undefined);
        await until(() => Promise.resolve(startTicks(pid) === undefined));
        bench.setFaults(dir);
        await startTask(dir);
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows(TARGET_ROWS), await rowsOf(bench.source, SOURCE_ROWS));
        const rows = await seen();
        assert.deepEqual(rows.slice(-2 * written.length), [...written, ...written]);
        assert.equal(statusOf(dir).conflicts, 0);
    });

    it("from before a reload come again after it, if they may", async () => {
        const settings = { ErrorBehavior: { ApplyErrorInsertPolicy: "INSERT_RECORD" } };
        for (const replayBeforeLoad of [false, true]) {
            await bench.source.query("TRUNCATE items");
            await bench.target.query("TRUNCATE items_staging, seen");
            const faults = { replayAfterResume: 100, replayBeforeLoad };
            const dir = await bench.started({ settings, faults });
            await bench.source.query("INSERT INTO items VALUES (1, 'v1', 1)");
            await bench.source.query("UPDATE items SET name = 'v2'");
            await until(async () => (await seen()).length === 2);
            await bench.target.query("TRUNCATE items_staging, seen");
            bench.reload(dir, "items");
            await until(async () => (await seen()).length > 0);
            await bench.source.query("UPDATE items SET name = 'v3'");
            await until(async () => (await seen()).some(([, , name]) => name === "v3"));
            const before = [
                ["DELETE", "1", null],
                ["INSERT", "1", "v1"],
                ["UPDATE", "1", "v2"],
            ];
            assert.deepEqual(await seen(), [
                ["INSERT", "1", "v2"],
                ...(replayBeforeLoad ? before : []),
                ["UPDATE", "1", "v3"],
            ]);
            await stopTask(dir);
        }
    });
});
