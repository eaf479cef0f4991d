import assert from "node:assert/strict";
import type { Client } from "pg";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";
import { Bench, ITEMS, ITEMS_STAGING, log, rowsOf, statusOf } from "./support";

const WAITING =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'recoverable_source-%' AND wait_event_type = 'Lock'";

describe("local/dms: errors of the target that say nothing about a row", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let bench: Bench;
    let other: Client;

    before(async () => {
        server = await scratchServer({ settings: { synchronous_commit: "on" } });
        bench = await Bench.open(server, "recoverable");
        other = await bench.targetSession();
    });
    after(async () => {
        await bench.close();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(ITEMS);
        await bench.target.query(ITEMS_STAGING);
        await bench.target.query(
            "CREATE TABLE seen (id bigserial, item_id integer, price numeric); " +
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
                "VALUES (DEFAULT, NEW.item_id, NEW.price); RETURN NULL; END $$; " +
                "CREATE TRIGGER see AFTER UPDATE ON items_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1), (2, 'b', 2)");
    });

    async function assertAppliedOnce(dir: string): Promise<void> {
        await bench.caughtUp(dir, 30_000);
        assert.deepEqual(
            await bench.rows("SELECT item_id, name, price FROM items_staging ORDER BY 1"),
            await rowsOf(bench.source, "SELECT item_id, name, price FROM items ORDER BY 1"),
        );
        assert.deepEqual(await bench.rows("SELECT item_id, price FROM seen ORDER BY id"), [
            ["1", "10.00"],
            ["2", "20.00"],
        ]);
        assert.deepEqual(await bench.rows("SELECT count(*) FROM awsdms_apply_exceptions"), [["0"]]);
        assert.equal(statusOf(dir).conflicts, 0);
    }

    const updates =
        "BEGIN; UPDATE items SET price = 10 WHERE item_id = 1; UPDATE items SET price = 20 WHERE item_id = 2; COMMIT";

    it("a deadlock rolls the open transaction back, and it is applied again", async () => {
        // Only the task's session looks for deadlocks, and not before the other one waits.
        await other.query("SET deadlock_timeout = '1h'");
        const dir = await bench.started({
            faults: { targetSession: { deadlock_timeout: "3s" } },
        });
        await other.query("BEGIN; SELECT FROM items_staging WHERE item_id = 2 FOR UPDATE");
        await bench.source.query(updates);
        await until(async () => (await bench.value(WAITING, bench.target)) === "1");
        // Waits for the row that the task has changed, until the task gives way.
        await other.query("SELECT FROM items_staging WHERE item_id = 1 FOR UPDATE; COMMIT");
        await until(() =>
            Promise.resolve(log(dir).includes("Connecting again after: deadlock detected")),
        );
        await assertAppliedOnce(dir);
    });

    for (const [setting, message] of [
        ["lock_timeout", "lock timeout"],
        ["statement_timeout", "statement timeout"],
    ] as const) {
        it(`a ${message} rolls the open transaction back, and it is applied again`, async () => {
            const dir = await bench.started({ faults: { targetSession: { [setting]: "300ms" } } });
            await other.query("BEGIN; SELECT FROM items_staging WHERE item_id = 2 FOR UPDATE");
            await bench.source.query(updates);
            await until(() => Promise.resolve(log(dir).split(`due to ${message}`).length > 2));
            await other.query("COMMIT");
            // As a session without such a setting.
            bench.setFaults(dir);
            await assertAppliedOnce(dir);
        });
    }

    it("one that comes with every attempt fails the task after the number of attempts in the settings", async () => {
        const dir = await bench.started({
            settings: { ErrorBehavior: { RecoverableErrorCount: 2 } },
        });
        await bench.target.query(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'serialize' USING ERRCODE = '40001'; END $$; " +
                "CREATE TRIGGER fail AFTER UPDATE ON items_staging FOR EACH ROW EXECUTE FUNCTION fail()",
        );
        await bench.source.query(updates);
        await until(() => Promise.resolve(statusOf(dir).state === "failed"), 30_000);
        assert.equal(statusOf(dir).error, "serialize");
        assert.equal(log(dir).split("Connecting again after: serialize").length, 3);
    });
});
