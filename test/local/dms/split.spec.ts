import assert from "node:assert/strict";
import { startTask, stopTask } from "../../../local/dms/control";
import { startTicks } from "../../../local/dms/processIdentity";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";
import { Bench, statusOf } from "./support";

const HEADERS =
    "operation varchar(50), commit_timestamp timestamp(6), stream_position varchar(50), change_seq varchar(50)";

describe("local/dms: what a change and a transaction may become on the target", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let bench: Bench;

    before(async () => {
        server = await scratchServer({ settings: { synchronous_commit: "on" } });
        bench = await Bench.open(server, "split");
    });
    after(async () => {
        await bench.close();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(
            "CREATE TABLE docs (id integer PRIMARY KEY, n integer, body text, data jsonb, tags text[])",
        );
        await bench.target.query(
            `CREATE TABLE docs_staging (id integer PRIMARY KEY, n integer, body text, data jsonb, tags text[], ${HEADERS})`,
        );
        await bench.target.query(
            "CREATE TABLE seen (id bigserial, tg text, doc text, zone text, xid xid8); " +
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
                "VALUES (DEFAULT, TG_OP, concat_ws('|', NEW.id, NEW.n, coalesce(NEW.body, '-'), coalesce(NEW.data::text, '-'), coalesce(NEW.tags::text, '-')), " +
                "current_setting('timezone'), pg_current_xact_id()); " +
                "RETURN NULL; END $$; " +
                "CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON docs_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
    });

    /** What was written, and in the how manieth transaction on the target. */
    const seen = (): ReturnType<Bench["rows"]> =>
        bench.rows("SELECT dense_rank() OVER (ORDER BY xid), tg, doc FROM seen ORDER BY id");

    it("a source transaction comes in several transactions", async () => {
        const dir = await bench.started({ tables: ["docs"], faults: { splitTransactions: 2 } });
        await bench.source.query("INSERT INTO docs SELECT g FROM generate_series(1, 5) AS g");
        await bench.caughtUp(dir);
        assert.deepEqual(await seen(), [
            ["1", "INSERT", "1|-|-|-"],
            ["1", "INSERT", "2|-|-|-"],
            ["2", "INSERT", "3|-|-|-"],
            ["2", "INSERT", "4|-|-|-"],
            ["3", "INSERT", "5|-|-|-"],
        ]);
    });

    it("a kill between the parts makes the first ones come again", async () => {
        const dir = await bench.started({
            tables: ["docs"],
            faults: { splitTransactions: 1, killBeforeConfirm: 2 },
            settings: { ErrorBehavior: { ApplyErrorInsertPolicy: "INSERT_RECORD" } },
        });
        const { pid } = statusOf(dir);
        await bench.source.query("INSERT INTO docs SELECT g FROM generate_series(1, 3) AS g");
        await until(() => Promise.resolve(startTicks(pid) === undefined));
        bench.setFaults(dir);
        await startTask(dir);
        await bench.caughtUp(dir);
        assert.deepEqual(await seen(), [
            ["1", "INSERT", "1|-|-|-"],
            ["2", "INSERT", "2|-|-|-"],
            ["3", "DELETE", "-|-|-"],
            ["3", "INSERT", "1|-|-|-"],
            ["3", "DELETE", "-|-|-"],
            ["3", "INSERT", "2|-|-|-"],
            ["3", "INSERT", "3|-|-|-"],
        ]);
    });

    it("large columns come in a transaction of their own, in the load too", async () => {
        await bench.source.query("INSERT INTO docs VALUES (1, 1, 'a')");
        const dir = await bench.started({
            tables: ["docs"],
            faults: { lobTwoStep: "own transaction" },
        });
        await bench.source.query(
            "BEGIN; INSERT INTO docs VALUES (2, 1, 'b'); UPDATE docs SET n = 2 WHERE id = 2; COMMIT",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(await seen(), [
            ["1", "INSERT", "1|1|-|-|-"],
            ["2", "UPDATE", "1|1|a|-|-"],
            ["3", "INSERT", "2|1|-|-|-"],
            ["4", "UPDATE", "2|1|b|-|-"],
            ["5", "UPDATE", "2|2|b|-|-"],
            ["6", "UPDATE", "2|2|b|-|-"],
        ]);
    });

    it("large columns are looked up when the change is applied, and gone with their row", async () => {
        const dir = await bench.started({ tables: ["docs"], faults: { lobLookup: true } });
        await bench.source.query(
            "BEGIN; INSERT INTO docs VALUES (1, 1, 'a', '1', '{x}'), (2, 1, 'a', '1', '{x}'); " +
                "UPDATE docs SET n = 2, body = NULL, data = '2', tags = '{y}' WHERE id = 1; DELETE FROM docs WHERE id = 2; COMMIT",
        );
        await bench.caughtUp(dir);
        await stopTask(dir);
        await bench.source.query("UPDATE docs SET n = 3; ALTER TABLE docs DROP COLUMN body");
        await startTask(dir);
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT doc FROM seen ORDER BY id"),
            ["1|1|-|2|{y}", "2|1|-|-|-", "1|2|-|2|{y}", "2|-|-|-", "1|3|-|-|-"].map((doc) => [doc]),
        );
    });

    it("a TOASTed value that a change left alone is looked up as well", async () => {
        await bench.source.query("ALTER TABLE docs ALTER body SET STORAGE EXTERNAL");
        const dir = await bench.started({ tables: ["docs"], faults: { lobLookup: true } });
        await bench.source.query(
            "BEGIN; INSERT INTO docs VALUES (1, 1, repeat('x', 9000)); UPDATE docs SET n = 2; UPDATE docs SET body = 'later'; COMMIT",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT doc FROM seen ORDER BY id"),
            ["1|1|later|-|-", "1|2|later|-|-", "1|2|later|-|-"].map((doc) => [doc]),
        );
    });

    it("the target session has the settings that it is given", async () => {
        const dir = await bench.started({
            tables: ["docs"],
            faults: { targetSession: { timezone: "Asia/Tokyo", search_path: "" } },
        });
        await bench.source.query("INSERT INTO docs VALUES (1)");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT zone FROM seen"), [["Asia/Tokyo"]]);
    });
});
