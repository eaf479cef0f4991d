import assert from "node:assert/strict";
import { startTask } from "../../../local/dms/control";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";
import { Bench, ITEMS, ITEMS_STAGING, log, statusOf } from "./support";

const EXCEPTIONS =
    'SELECT "TASK_NAME", "TABLE_OWNER", "TABLE_NAME", "ERROR" FROM awsdms_apply_exceptions';

describe("local/dms: conflicts on the target", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let bench: Bench;

    before(async () => {
        server = await scratchServer({ settings: { synchronous_commit: "on" } });
        bench = await Bench.open(server, "policies");
    });
    after(async () => {
        await bench.close();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(ITEMS);
        await bench.target.query(ITEMS_STAGING);
    });

    /** A running task that has loaded rows 1 to 3, of which the target then loses row 2 and gains row 4. */
    async function withConflicts(
        ErrorBehavior: Readonly<Record<string, unknown>>,
    ): Promise<string> {
        await bench.source.query(
            "INSERT INTO items SELECT g, 'n' || g, g FROM generate_series(1, 3) AS g",
        );
        const dir = await bench.started({
            settings: {
                ErrorBehavior,
                ControlTablesSettings: { SuspendedTablesTableEnabled: true },
            },
        });
        await bench.target.query("DELETE FROM items_staging WHERE item_id = 2");
        await bench.target.query("INSERT INTO items_staging VALUES (4, 'other', 44)");
        return dir;
    }

    const staging = "SELECT item_id, name, price, operation FROM items_staging ORDER BY 1";

    it("LOG_ERROR loses the change, writes the exception and keeps the rest of the group", async () => {
        const dir = await withConflicts({});
        await bench.source.query(
            "BEGIN; INSERT INTO items VALUES (5, 'five', 5), (4, 'it''s', 4), (6, 'six', 6); " +
                "UPDATE items SET price = 8 WHERE item_id IN (1, 2); DELETE FROM items WHERE item_id = 2; COMMIT",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows(staging), [
            ["1", "n1", "8.00", "U"],
            ["3", "n3", "3.00", "I"],
            ["4", "other", "44.00", null],
            ["5", "five", "5.00", "I"],
            ["6", "six", "6.00", "I"],
        ]);
        const exceptions = await bench.rows(`${EXCEPTIONS} ORDER BY "ERROR_TIME"`);
        assert.deepEqual(
            exceptions.map((row) => row.slice(1)),
            [
                [
                    "public",
                    "items_staging",
                    'duplicate key value violates unique constraint "items_staging_pkey"',
                ],
                ["public", "items_staging", "0 rows affected"],
                ["public", "items_staging", "0 rows affected"],
            ],
        );
        assert.deepEqual(
            await bench.rows(
                `SELECT "STATEMENT" LIKE 'INSERT INTO "public"."items_staging" %(''4'', ''it''''s'', ''4.00'', %' FROM awsdms_apply_exceptions LIMIT 1`,
            ),
            [["t"]],
        );
        assert.equal(statusOf(dir).conflicts, 3);
        assert.match(log(dir), /INSERT of "public"."items" at .*duplicate key/);
    });

    it("IGNORE_RECORD loses the change without a trace", async () => {
        const dir = await withConflicts({
            ApplyErrorInsertPolicy: "IGNORE_RECORD",
            ApplyErrorUpdatePolicy: "IGNORE_RECORD",
        });
        await bench.source.query("INSERT INTO items VALUES (4, 'four', 4)");
        await bench.source.query("UPDATE items SET price = 8 WHERE item_id = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows(EXCEPTIONS), []);
        assert.deepEqual(
            await bench.rows("SELECT price FROM items_staging WHERE item_id IN (2, 4)"),
            [["44.00"]],
        );
    });

    it("INSERT_RECORD and UPDATE_RECORD delete and insert the row, a flagged delete too", async () => {
        const dir = await withConflicts({
            ApplyErrorInsertPolicy: "INSERT_RECORD",
            ApplyErrorUpdatePolicy: "UPDATE_RECORD",
        });
        await bench.target.query(
            "CREATE TABLE seen (id bigserial, op text, item_id integer); " +
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
                "VALUES (DEFAULT, TG_OP, coalesce(NEW.item_id, OLD.item_id)); RETURN NULL; END $$; " +
                "CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON items_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
        await bench.source.query("INSERT INTO items VALUES (4, 'four', 4)");
        await bench.source.query("UPDATE items SET price = 8 WHERE item_id = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT op, item_id FROM seen ORDER BY id"), [
            ["DELETE", "4"],
            ["INSERT", "4"],
            ["INSERT", "2"],
        ]);
        await bench.target.query("DELETE FROM items_staging WHERE item_id = 3");
        await bench.source.query("DELETE FROM items WHERE item_id = 3");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows(staging), [
            ["1", "n1", "1.00", "I"],
            ["2", "n2", "8.00", "U"],
            ["3", null, null, "D"],
            ["4", "four", "4.00", "I"],
        ]);
        assert.deepEqual(await bench.rows(EXCEPTIONS), []);
    });

    it("a replacement that the table refuses obeys the policy of data errors", async () => {
        const dir = await withConflicts({
            ApplyErrorUpdatePolicy: "UPDATE_RECORD",
            DataErrorPolicy: "STOP_TASK",
        });
        // The update finds no row, so that its values meet the table's trigger only in the replacement.
        await bench.target.query(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'out of range' USING ERRCODE = '22003'; END $$; " +
                "CREATE TRIGGER refuse BEFORE INSERT ON items_staging FOR EACH ROW EXECUTE FUNCTION refuse()",
        );
        await bench.source.query("UPDATE items SET price = 8 WHERE item_id = 2");
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.match(statusOf(dir).error ?? "", /stops at UPDATE of .* out of range/u);
        assert.deepEqual(await bench.rows(EXCEPTIONS), []);
    });

    it("a flagged delete of a missing row obeys the policy of updates, or of deletes", async () => {
        const dir = await withConflicts({
            ApplyErrorUpdatePolicy: "UPDATE_RECORD",
            ApplyErrorDeletePolicy: "LOG_ERROR",
        });
        await bench.source.query("DELETE FROM items WHERE item_id = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows(EXCEPTIONS), []);
        await bench.target.query("DELETE FROM items_staging WHERE item_id = 3");
        bench.setFaults(dir, { flaggedDeletePolicy: "delete" });
        await bench.source.query("DELETE FROM items WHERE item_id = 3");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT item_id, operation FROM items_staging ORDER BY 1"),
            [
                ["1", "I"],
                ["2", "D"],
                ["4", null],
            ],
        );
        assert.deepEqual(await bench.rows('SELECT "ERROR" FROM awsdms_apply_exceptions'), [
            ["0 rows affected"],
        ]);
    });

    it("STOP_TASK fails the task, which can go on once the cause is mended", async () => {
        const dir = await withConflicts({ ApplyErrorInsertPolicy: "STOP_TASK" });
        await bench.source.query("INSERT INTO items VALUES (4, 'four', 4), (5, 'five', 5)");
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.match(
            statusOf(dir).error ?? "",
            /stops at INSERT of "public"."items".*duplicate key/,
        );
        assert.deepEqual(await bench.rows("SELECT count(*) FROM items_staging WHERE item_id = 5"), [
            ["0"],
        ]);
        const first = statusOf(dir).pid;
        // It fails again, before its start is over or just after.
        await startTask(dir).catch(() => undefined);
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.notEqual(statusOf(dir).pid, first);
        assert.match(statusOf(dir).error ?? "", /duplicate key/);
        await bench.target.query("DELETE FROM items_staging WHERE item_id = 4");
        await startTask(dir);
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT name FROM items_staging WHERE item_id > 3 ORDER BY 1"),
            [["five"], ["four"]],
        );
    });

    it("SUSPEND_TABLE stops that table for good and no other", async () => {
        await bench.source.query("CREATE TABLE other (id integer PRIMARY KEY)");
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const dir = await bench.started({
            tables: ["items", "other"],
            settings: {
                ErrorBehavior: {
                    DataErrorPolicy: "SUSPEND_TABLE",
                    DataTruncationErrorPolicy: "SUSPEND_TABLE",
                },
                ControlTablesSettings: { SuspendedTablesTableEnabled: true },
            },
        });
        await bench.target.query("ALTER TABLE items_staging ALTER name TYPE varchar(3)");
        await bench.source.query(
            "BEGIN; INSERT INTO items VALUES (2, 'long name', 1), (3, 'b', 1); INSERT INTO other VALUES (1); COMMIT",
        );
        await bench.caughtUp(dir);
        await bench.restart(dir);
        await bench.source.query(
            "BEGIN; INSERT INTO items VALUES (4, 'c', 1); INSERT INTO other VALUES (2); COMMIT",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging"), [["1"]]);
        assert.deepEqual(await bench.rows("SELECT id FROM other_staging ORDER BY 1"), [
            ["1"],
            ["2"],
        ]);
        assert.deepEqual(
            await bench.rows("SELECT table_owner, table_name FROM awsdms_suspended_tables"),
            [["public", "items"]],
        );
        assert.deepEqual(statusOf(dir).suspendedTables, ['"public"."items"']);
    });

    it("treats an exception of a trigger as an apply error", async () => {
        const dir = await withConflicts({ ApplyErrorInsertPolicy: "INSERT_RECORD" });
        await bench.target.query(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no %', NEW.item_id; END $$; " +
                "CREATE TRIGGER refuse AFTER INSERT ON items_staging FOR EACH ROW WHEN (NEW.item_id = 7) EXECUTE FUNCTION refuse()",
        );
        await bench.source.query("INSERT INTO items VALUES (7, 'x', 1)");
        await bench.source.query("INSERT INTO items VALUES (8, 'x', 1)");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging WHERE item_id > 6"), [
            ["8"],
        ]);
        assert.deepEqual(await bench.rows('SELECT "ERROR" FROM awsdms_apply_exceptions'), [
            ["no 7"],
        ]);
    });

    it("fills awsdms_status and awsdms_history when they are on", async () => {
        const dir = await bench.started({
            settings: {
                ControlTablesSettings: {
                    ControlSchema: "awsdms control",
                    StatusTableEnabled: true,
                    HistoryTableEnabled: true,
                },
            },
        });
        await until(
            async () =>
                (await bench.rows('SELECT task_status FROM "awsdms control".awsdms_status'))
                    .length === 1,
        );
        assert.deepEqual(
            await bench.rows('SELECT task_name, task_status FROM "awsdms control".awsdms_status'),
            [[statusOf(dir).taskIdentifier, "CHANGE PROCESSING"]],
        );
        assert.deepEqual(
            await bench.rows('SELECT timeslot_type FROM "awsdms control".awsdms_history'),
            [["CHANGE PROCESSING"]],
        );
    });
});
