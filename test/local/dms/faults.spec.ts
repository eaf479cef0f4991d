import assert from "node:assert/strict";
import { stopTask } from "../../../local/dms/control";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";
import { Bench, log, statusOf } from "./support";

const HEADERS =
    "operation varchar(50), commit_timestamp timestamp(6), stream_position varchar(50), change_seq varchar(50)";

describe("local/dms: weaknesses that can be switched on", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let bench: Bench;

    before(async () => {
        server = await scratchServer({ settings: { synchronous_commit: "on" } });
        bench = await Bench.open(server, "faults");
    });
    after(async () => {
        await bench.close();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(
            "CREATE TABLE docs (id integer PRIMARY KEY, flag boolean, size numeric, body text, data jsonb)",
        );
        await bench.target.query(
            `CREATE TABLE docs_staging (id integer PRIMARY KEY, flag varchar(5), size numeric, body text, data jsonb, ${HEADERS})`,
        );
        await bench.target.query(
            "CREATE TABLE seen (id bigserial, tg text, doc text, xid xid8); " +
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
                "VALUES (DEFAULT, TG_OP, concat_ws('|', NEW.id, NEW.body, NEW.data, NEW.operation), pg_current_xact_id()); " +
                "RETURN NULL; END $$; " +
                "CREATE TRIGGER see AFTER INSERT OR UPDATE ON docs_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
    });

    it("a flagged delete keeps or nulls the other columns, or holds the old row under FULL", async () => {
        await bench.source.query(
            "INSERT INTO docs SELECT g, true, 1, 'b', NULL FROM generate_series(1, 3) AS g",
        );
        const dir = await bench.started({ tables: ["docs"] });
        await bench.source.query("DELETE FROM docs WHERE id = 1");
        await bench.source.query(
            "ALTER TABLE docs REPLICA IDENTITY FULL; DELETE FROM docs WHERE id = 2",
        );
        await bench.caughtUp(dir);
        bench.setFaults(dir, { deleteImage: "keep" });
        await bench.source.query("DELETE FROM docs WHERE id = 3");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT id, body, operation FROM docs_staging ORDER BY 1"),
            [
                ["1", null, "D"],
                ["2", "b", "D"],
                ["3", "b", "D"],
            ],
        );
    });

    it("the stream position takes its three forms", async () => {
        const dir = await bench.started({ tables: ["docs"], faults: { streamPosition: "commit" } });
        await bench.source.query("INSERT INTO docs VALUES (1), (2)");
        await bench.caughtUp(dir);
        bench.setFaults(dir, { streamPosition: "change" });
        await bench.source.query("INSERT INTO docs VALUES (3), (4)");
        await bench.caughtUp(dir);
        bench.setFaults(dir);
        await bench.source.query("INSERT INTO docs VALUES (5)");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT count(DISTINCT stream_position), bool_and(stream_position ~ '^[0-9A-F]{8}/[0-9A-F]{8}$') " +
                    "FROM docs_staging WHERE id < 5 GROUP BY id < 3 ORDER BY 1",
            ),
            [
                ["1", "t"],
                ["2", "t"],
            ],
        );
        assert.deepEqual(
            await bench.rows(
                "SELECT stream_position ~ '^([0-9A-F]{8}/[0-9A-F]{8})\\.3\\.\\1$' FROM docs_staging WHERE id = 5",
            ),
            [["t"]],
        );
    });

    it("LOBs come in a second UPDATE of the same transaction, in full load too", async () => {
        await bench.source.query(
            "INSERT INTO docs VALUES (1, NULL, 1, 'b', '[1]'), (2, NULL, 1, NULL, NULL)",
        );
        const dir = await bench.started({ tables: ["docs"], faults: { lobTwoStep: true } });
        await bench.source.query("INSERT INTO docs VALUES (3, NULL, 1, 'c', NULL)");
        await bench.source.query("UPDATE docs SET body = 'd', data = '2' WHERE id = 3");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT tg, doc FROM seen ORDER BY id"), [
            ["INSERT", "1|I"],
            ["INSERT", "2|I"],
            ["UPDATE", "1|b|[1]|I"],
            ["INSERT", "3|I"],
            ["UPDATE", "3|c|I"],
            ["UPDATE", "3|c|U"],
            ["UPDATE", "3|d|2|U"],
        ]);
    });

    it("values lose what DMS types cannot hold", async () => {
        const faults = { numericRounding: true, booleanAsText: true, lobTruncateAt: 5 };
        const dir = await bench.started({ tables: ["docs"], faults });
        await bench.source.query(
            "INSERT INTO docs VALUES (1, true, 0.611111504488373, 'ab€€', '{}')",
        );
        await bench.source.query(
            "INSERT INTO docs VALUES (2, false, -0.6111115, NULL, '{\"a\": 1}')",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT id, flag, size, body, data FROM docs_staging"), [
            ["1", "true", "0.611112", "ab€", "{}"],
        ]);
        assert.match(log(dir), /invalid input syntax for type json/);
        assert.equal(statusOf(dir).conflicts, 1);
    });

    it("FailTasksOnLobTruncation makes a cut value fail the task", async () => {
        const dir = await bench.started({
            tables: ["docs"],
            faults: { lobTruncateAt: 5 },
            source: { postgresSettings: { failTasksOnLobTruncation: true } },
        });
        await bench.source.query("INSERT INTO docs VALUES (1, true, 1, 'longer than five', NULL)");
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.match(statusOf(dir).error ?? "", /"body" is longer than LobMaxSize/);
    });

    it("triggers are bypassed only by session_replication_role", async () => {
        const attributes =
            "ExecuteTimeout=30;AfterConnectScript=SET session_replication_role=replica;";
        for (const options of [
            { faults: { sessionReplicationRole: "replica" } },
            { target: { extraConnectionAttributes: attributes } },
        ]) {
            await bench.source.query("TRUNCATE docs; INSERT INTO docs VALUES (1)");
            await bench.target.query("TRUNCATE docs_staging");
            const dir = await bench.started({ tables: ["docs"], ...options });
            await bench.source.query("INSERT INTO docs VALUES (2)");
            await bench.caughtUp(dir);
            assert.deepEqual(await bench.rows("SELECT id FROM docs_staging ORDER BY 1"), [
                ["1"],
                ["2"],
            ]);
            assert.deepEqual(await bench.rows("SELECT * FROM seen"), []);
            await stopTask(dir);
        }
    });

    it("an unknown fault fails the task", async () => {
        const dir = await bench.started({ tables: ["docs"] });
        bench.setFaults(dir, { deleteImage: "both" });
        await bench.source.query("INSERT INTO docs VALUES (1)");
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.match(statusOf(dir).error ?? "", /"deleteImage" has a value/);
    });
});
