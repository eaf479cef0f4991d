import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { watchTasks } from "../../../commands/shared/taskNews";
import { dropTaskSlot, startTask, stopTask, taskStatus } from "../../../local/dms/control";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { until } from "../../../testing/until";
import { Bench, ITEMS, ITEMS_STAGING, log, rowsOf, statusOf } from "./support";

const HEADERS =
    "operation varchar(50), commit_timestamp timestamp(6), stream_position varchar(50), change_seq varchar(50)";

describe("local/dms: full load and ongoing replication", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let bench: Bench;

    before(async () => {
        server = await scratchServer({
            settings: {
                track_commit_timestamp: "on",
                synchronous_commit: "on",
                max_prepared_transactions: "2",
            },
        });
        bench = await Bench.open(server, "replication");
    });
    after(async () => {
        await bench.close();
        await server.stop();
    });
    beforeEach(async () => {
        await bench.reset();
        await bench.source.query(ITEMS);
        await bench.target.query(ITEMS_STAGING);
        // Every statement that reaches staging, in the order in which it does.
        await bench.target.query(
            "CREATE TABLE seen (id bigserial, op text, item_id integer, price numeric, seq text, xid xid8)",
        );
        await bench.target.query(
            "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen " +
                "VALUES (DEFAULT, NEW.operation, NEW.item_id, NEW.price, NEW.change_seq, pg_current_xact_id()); " +
                "RETURN NULL; END $$",
        );
        await bench.target.query(
            "CREATE TRIGGER see AFTER INSERT OR UPDATE ON items_staging FOR EACH ROW EXECUTE FUNCTION see()",
        );
    });

    it("loads what is there and then follows inserts, updates and flagged deletes", async () => {
        await bench.source.query(
            "INSERT INTO items VALUES (1, 'one', 1.10), (2, E'tab\\tnew\\nline \\\\ ''q''', 2)",
        );
        const dir = await bench.started();
        assert.deepEqual(
            await bench.rows(
                "SELECT item_id, name, price, operation, stream_position, change_seq, " +
                    "commit_timestamp BETWEEN now() - interval '1 minute' AND now() FROM items_staging ORDER BY 1",
            ),
            [
                ["1", "one", "1.10", "I", "", "", "t"],
                ["2", "tab\tnew\nline \\ 'q'", "2.00", "I", "", "", "t"],
            ],
        );
        await bench.source.query("INSERT INTO items VALUES (3, 'three', 3)");
        await bench.source.query("UPDATE items SET price = 9 WHERE item_id = 1");
        await bench.source.query("DELETE FROM items WHERE item_id = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT item_id, name, price, operation FROM items_staging ORDER BY 1",
            ),
            [
                ["1", "one", "9.00", "U"],
                ["2", null, null, "D"],
                ["3", "three", "3.00", "I"],
            ],
        );
        assert.deepEqual(
            await bench.rows(
                "SELECT stream_position ~ '^([0-9A-F]{8}/[0-9A-F]{8})\\.2\\.\\1$', change_seq ~ '^[0-9]{35}$' " +
                    "FROM items_staging WHERE item_id = 1",
            ),
            [["t", "t"]],
        );
        assert.deepEqual(
            await bench.rows("SELECT commit_timestamp FROM items_staging WHERE item_id = 3"),
            await rowsOf(
                bench.source,
                "SELECT pg_xact_commit_timestamp(xmin) AT TIME ZONE 'UTC' FROM items WHERE item_id = 3",
            ),
        );
        assert.equal(statusOf(dir).state, "running");
        assert.doesNotMatch(log(dir), new RegExp(server.password));
    });

    it("applies committed transactions only, in commit order, every change of them", async () => {
        const dir = await bench.started();
        const [first, second] = [await bench.session(), await bench.session()];
        await first.query("BEGIN; INSERT INTO items VALUES (1, 'first', 1)");
        await second.query("BEGIN; INSERT INTO items VALUES (2, 'second', 1); COMMIT");
        await second.query("BEGIN; INSERT INTO items VALUES (9, 'never', 1); ROLLBACK");
        await first.query("SAVEPOINT a; INSERT INTO items VALUES (8, 'never', 1); ROLLBACK TO a");
        await first.query("SAVEPOINT b; INSERT INTO items VALUES (3, 'kept', 1); RELEASE b");
        await first.query("UPDATE items SET price = 2 WHERE item_id = 1");
        await first.query("UPDATE items SET price = 3 WHERE item_id = 1");
        await first.query("DELETE FROM items WHERE item_id = 3; COMMIT");
        await bench.source.query(
            "INSERT INTO items VALUES (1, 'upsert', 4) ON CONFLICT (item_id) DO UPDATE SET price = excluded.price",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT op, item_id, price FROM seen ORDER BY id"), [
            ["I", "2", "1.00"],
            ["I", "1", "1.00"],
            ["I", "3", "1.00"],
            ["U", "1", "2.00"],
            ["U", "1", "3.00"],
            ["D", "3", null],
            ["U", "1", "4.00"],
        ]);
        assert.deepEqual(
            await bench.rows("SELECT count(*), count(DISTINCT seq) FROM seen WHERE seq > ''"),
            [["7", "7"]],
        );
        assert.deepEqual(
            await bench.rows(
                "SELECT array_agg(id ORDER BY seq) = array_agg(id ORDER BY id) FROM seen",
            ),
            [["t"]],
        );
    });

    it("keeps a source transaction within one target transaction", async () => {
        const settings = { ChangeProcessingTuning: { MinTransactionSize: 3 } };
        const dir = await bench.started({ settings });
        for (let n = 0; n < 20; n += 1) {
            await bench.source.query(
                `INSERT INTO items SELECT ${n} * 10 + g, 'x', ${n} FROM generate_series(0, ${n % 7}) AS g`,
            );
        }
        await bench.source.query(
            "INSERT INTO items SELECT g, 'x', 77 FROM generate_series(1000, 3000) AS g",
        );
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT max(n) FROM (SELECT count(DISTINCT xid) AS n FROM seen GROUP BY price) AS x",
            ),
            [["1"]],
        );
        assert.deepEqual(await bench.rows("SELECT count(*) FROM seen"), [
            [String(2001 + 20 + [0, 1, 2, 3, 4, 5, 6].reduce((a, b) => a + b) * 2 + 15)],
        ]);
    });

    it("follows several tables, odd names, composite keys and COPY", async () => {
        await bench.source.query(
            `CREATE TABLE "Odd ""T" ("B k" text, "a" integer, "V.al" text[], PRIMARY KEY ("a", "B k"))`,
        );
        await bench.target.query(
            `CREATE TABLE "Odd ""T_staging" ("B k" text, "a" integer, "V.al" text[], ${HEADERS}, PRIMARY KEY ("a", "B k"))`,
        );
        const dir = await bench.started({ tables: ["items", 'Odd "T'] });
        await bench.source.query(`INSERT INTO "Odd ""T" VALUES ('ü '' "x"', 1, '{"a,b",NULL}')`);
        await bench.source.query("COPY items FROM PROGRAM 'printf \"1\\tx\\t1\\n2\\ty\\t2\\n\"'");
        await bench.source.query(`UPDATE "Odd ""T" SET "V.al" = '{}'`);
        await bench.source.query(`INSERT INTO "Odd ""T" VALUES ('b', 1, NULL)`);
        await bench.source.query(`DELETE FROM "Odd ""T" WHERE "B k" = 'b'`);
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                `SELECT "a", "B k", "V.al", operation FROM "Odd ""T_staging" ORDER BY 2`,
            ),
            [
                ["1", "b", null, "D"],
                ["1", 'ü \' "x"', "{}", "U"],
            ],
        );
        assert.deepEqual(
            await bench.rows("SELECT item_id, name, price FROM items_staging ORDER BY 1"),
            [
                ["1", "x", "1.00"],
                ["2", "y", "2.00"],
            ],
        );
    });

    it("finds a row by the key that it wrote, which is not the source's where a value is converted", async () => {
        const columns = "until timestamptz, day date, n integer, PRIMARY KEY (until, day)";
        await bench.source.query(`CREATE TABLE terms (${columns})`);
        await bench.target.query(
            `CREATE TABLE terms_staging (${columns}, operation varchar(50), commit_timestamp timestamp(6),
                stream_position varchar(50), change_seq varchar(50))`,
        );
        await bench.source.query(
            "INSERT INTO terms VALUES ('infinity', '2026-01-01', 1), ('-infinity', 'infinity', 1)",
        );
        const dir = await bench.started({ tables: ["terms"] });
        await bench.source.query("INSERT INTO terms VALUES ('infinity', '-infinity', 1)");
        await bench.source.query("UPDATE terms SET n = 2 WHERE day < 'infinity'");
        await bench.source.query("DELETE FROM terms WHERE day = 'infinity'");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT until::date, day, n, operation FROM terms_staging ORDER BY 1, 2",
            ),
            [
                ["4713-01-01 BC", "9999-12-31", null, "D"],
                ["9999-12-31", "4713-01-01 BC", "2", "U"],
                ["9999-12-31", "2026-01-01", "2", "U"],
            ],
        );
    });

    it("takes only the key's own columns for the key, not those that its index includes", async () => {
        await bench.source.query(
            "CREATE TABLE covered (v text, id integer, n integer, PRIMARY KEY (id) INCLUDE (v))",
        );
        await bench.target.query(
            `CREATE TABLE covered_staging (v text, id integer PRIMARY KEY, n integer, ${HEADERS})`,
        );
        const dir = await bench.started({ tables: ["covered"] });
        await bench.source.query("INSERT INTO covered VALUES ('a', 1, 1), ('a', 2, 1)");
        await bench.source.query("UPDATE covered SET v = 'b'; UPDATE covered SET n = 2");
        await bench.source.query("DELETE FROM covered WHERE id = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT id, v, n, operation FROM covered_staging ORDER BY 1"),
            [
                ["1", "b", "2", "U"],
                ["2", null, null, "D"],
            ],
        );
        assert.equal(statusOf(dir).conflicts + statusOf(dir).dropped, 0);
    });

    it("does not replicate TRUNCATE, key changes and changes without a key", async () => {
        await bench.source.query("CREATE TABLE plain (n integer)");
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const dir = await bench.started({ tables: ["items", "plain"] });
        await bench.source.query("ALTER TABLE plain REPLICA IDENTITY FULL");
        await bench.source.query(
            "INSERT INTO plain VALUES (1); UPDATE plain SET n = 2; DELETE FROM plain",
        );
        await bench.source.query("UPDATE items SET item_id = 2");
        await bench.source.query("TRUNCATE items");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT item_id, operation FROM items_staging"), [
            ["1", "I"],
        ]);
        assert.deepEqual(await bench.rows("SELECT n, operation FROM plain_staging"), [["1", "I"]]);
        assert.equal(statusOf(dir).dropped, 4);
        assert.match(log(dir), /TRUNCATE of "public"."items" is not applied/);
        assert.match(log(dir), /changes the primary key/);
    });

    it("deletes for real without operation_indicator", async () => {
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1), (2, 'b', 2)");
        const dir = await bench.started({ flagged: false });
        await bench.source.query("DELETE FROM items WHERE item_id = 1");
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging"), [["2"]]);
    });

    it("leaves unchanged TOAST values alone and cuts LOBs at the limit", async () => {
        await bench.source.query(
            "CREATE TABLE docs (id integer PRIMARY KEY, n integer, body text, raw bytea)",
        );
        await bench.source.query(
            "ALTER TABLE docs ALTER body SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL",
        );
        await bench.target.query(
            `CREATE TABLE docs_staging (id integer PRIMARY KEY, n integer, body text, raw bytea, ${HEADERS})`,
        );
        const dir = await bench.started({
            tables: ["docs"],
            settings: { TargetMetadata: { LobMaxSize: 5 } },
        });
        await bench.source.query(
            "INSERT INTO docs VALUES (1, 1, repeat('é', 2000), repeat('x', 5000)::bytea), (2, 1, repeat('é', 3000), repeat('x', 6000)::bytea)",
        );
        await bench.source.query("UPDATE docs SET n = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows(
                "SELECT id, n, length(body), length(raw), operation FROM docs_staging ORDER BY 1",
            ),
            [
                ["1", "2", "2000", "5000", "U"],
                ["2", "2", "2560", "5120", "U"],
            ],
        );
        assert.match(log(dir), /"body" is longer than LobMaxSize/);
    });

    it("adds a new source column to the target when it captures DDL, and drops its values otherwise", async () => {
        for (const captureDdls of [true, false]) {
            await bench.target.query("TRUNCATE items_staging");
            const dir = await bench.started({ source: { postgresSettings: { captureDdls } } });
            const column = captureDdls ? "colour" : "size";
            await bench.source.query(`ALTER TABLE items ADD COLUMN ${column} varchar(7)`);
            await bench.source.query(
                `INSERT INTO items VALUES (${captureDdls ? 1 : 2}, 'a', 1, 'red')`,
            );
            await bench.source.query("UPDATE items SET price = 5");
            await bench.caughtUp(dir);
            await stopTask(dir);
        }
        assert.deepEqual(
            await bench.rows("SELECT item_id, price, colour FROM items_staging ORDER BY 1"),
            [
                ["1", "5.00", "red"],
                ["2", "5.00", "red"],
            ],
        );
        assert.deepEqual(
            await bench.rows(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'items_staging'::regclass AND attname IN ('colour', 'size')",
            ),
            [["character varying(7)"]],
        );
    });

    it("obeys TargetTablePrepMode and creates a missing target table", async () => {
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const settings = (TargetTablePrepMode: string) => ({
            FullLoadSettings: { TargetTablePrepMode },
        });
        await stopTask(await bench.started({ settings: settings("DO_NOTHING") }));
        await assert.rejects(
            bench.started({ settings: settings("DO_NOTHING") }),
            /Full load of "public"."items" .* duplicate key/,
        );
        await stopTask(await bench.started({ settings: settings("TRUNCATE_BEFORE_LOAD") }));
        assert.deepEqual(await bench.rows("SELECT count(*) FROM seen"), [["2"]]);
        await stopTask(await bench.started({ settings: settings("DROP_AND_CREATE") }));
        assert.deepEqual(await bench.rows("SELECT count(*) FROM seen"), [["2"]]);
        await bench.target.query("DROP TABLE items_staging");
        await stopTask(await bench.started({ settings: settings("DO_NOTHING") }));
        assert.deepEqual(
            await bench.rows(
                "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute " +
                    "WHERE attrelid = 'items_staging'::regclass AND attnum > 0 ORDER BY attnum",
            ),
            [
                ["item_id", "integer", "t"],
                ["name", "character varying(100)", "f"],
                ["price", "numeric(10,2)", "f"],
                ["operation", "character varying(50)", "f"],
                ["commit_timestamp", "timestamp(6) without time zone", "f"],
                ["stream_position", "character varying(50)", "f"],
                ["change_seq", "character varying(50)", "f"],
            ],
        );
    });

    it("loads a table that joins the mapping later, without losing or doubling its changes", async () => {
        await bench.source.query("CREATE TABLE late (id integer PRIMARY KEY, n integer)");
        await bench.target.query(
            `CREATE TABLE late_staging (id integer PRIMARY KEY, n integer, ${HEADERS})`,
        );
        const dir = await bench.started();
        await bench.source.query("INSERT INTO late VALUES (1, 1), (2, 1)");
        await stopTask(dir);
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        await bench.source.query("UPDATE late SET n = 2 WHERE id = 1");
        bench.write(dir, { tables: ["items", "late"] }, statusOf(dir).taskIdentifier);
        const busy = (async () => {
            for (let id = 10; id < 60; id += 1) {
                await bench.source.query(`INSERT INTO late VALUES (${id}, 1)`);
            }
        })();
        await startTask(dir);
        await busy;
        await bench.source.query("INSERT INTO late VALUES (3, 1)");
        await bench.restart(dir);
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT id, n FROM late_staging ORDER BY 1"),
            await rowsOf(bench.source, "SELECT id, n FROM late ORDER BY 1"),
        );
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging"), [["1"]]);
        assert.deepEqual(
            await bench.rows(
                "SELECT change_seq = '' FROM late_staging WHERE id IN (1, 2, 3) ORDER BY id",
            ),
            [["t"], ["t"], ["f"]],
        );
        assert.deepEqual(await bench.rows("SELECT * FROM awsdms_apply_exceptions"), []);
    });

    const hasNoSlot = (): Promise<void> =>
        until(async () => {
            const slots =
                "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
            return (await bench.value(slots, bench.source)) === "0";
        });

    it("says which open or prepared transactions its slot waits for", async () => {
        const session = await bench.session();
        await session.query("SET application_name = 'cash box'");
        await session.query("BEGIN; INSERT INTO items VALUES (1, 'secret', 1)");
        const pid = await bench.value("SELECT pg_backend_pid()", session);
        const prepared = await bench.session();
        await prepared.query("BEGIN; INSERT INTO items VALUES (2, 'secret', 1)");
        await prepared.query("PREPARE TRANSACTION 'two\"phases'");
        const dir = bench.task();
        const told: string[] = [];
        const endWatch = watchTasks(
            () => Promise.resolve([dir]),
            (line) => told.push(line),
        );
        const started = startTask(dir);
        try {
            const since = String.raw`since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`;
            const about = `user "postgres", `;
            const database = `database "replication_source"`;
            const sentences = [
                `the transaction of process ${pid}, open ${since} \\(${about}application "cash box", ${database}\\)`,
                `the prepared transaction "two"phases", prepared ${since} \\(${about}${database}\\)`,
            ];
            const wait = async (sentence: string | undefined): Promise<void> => {
                const line = `^The replication task: Waiting for ${sentence ?? ""} to end before the replication slot can be made\\.$`;
                await until(() => Promise.resolve(told.some((one) => new RegExp(line).test(one))));
            };
            await wait(sentences[0]);
            assert.equal(statusOf(dir).state, "starting");
            await session.query("COMMIT");
            await wait(sentences[1]);
            await prepared.query("COMMIT PREPARED 'two\"phases'");
            await started;
            assert.equal(told.length, 2);
            assert.equal(statusOf(dir).error, undefined);
            assert.doesNotMatch(log(dir), /secret/);
        } finally {
            endWatch();
            await session.query("ROLLBACK");
            await rowsOf(prepared, "ROLLBACK PREPARED 'two\"phases'").catch(() => undefined);
            await started.catch(() => undefined);
        }
        await bench.caughtUp(dir);
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging ORDER BY 1"), [
            ["1"],
            ["2"],
        ]);
    });

    it("gives up on a transaction that stays open, names it and leaves no slot", async () => {
        const session = await bench.session();
        await session.query("BEGIN; INSERT INTO items VALUES (1, 'a', 1)");
        const pid = await bench.value("SELECT pg_backend_pid()", session);
        const dir = bench.task({
            settings: { FullLoadSettings: { TransactionConsistencyTimeout: 3 } },
        });
        await assert.rejects(
            startTask(dir),
            new RegExp(
                `stayed open on the source for 3 seconds .*, the last of them the transaction of process ${pid}, open since .*: end them`,
            ),
        );
        await session.query("ROLLBACK");
        await hasNoSlot();
    });

    it("is stopped, or killed, while its slot waits, and leaves no slot in the making", async () => {
        const session = await bench.session();
        await session.query("BEGIN; INSERT INTO items VALUES (1, 'a', 1)");
        const dir = bench.task();
        const isWaiting = async (): Promise<void> => {
            await until(() => Promise.resolve(/^Waiting for /.test(statusOf(dir).error ?? "")));
        };
        const stopped = startTask(dir).catch(() => undefined);
        await until(() => Promise.resolve(taskStatus(dir) !== undefined));
        await isWaiting();
        await stopTask(dir);
        await stopped;
        await hasNoSlot();
        const killed = startTask(dir).catch(() => undefined);
        await isWaiting();
        process.kill(statusOf(dir).pid, "SIGKILL");
        await killed;
        await dropTaskSlot(dir);
        await hasNoSlot();
        await session.query("ROLLBACK");
        await startTask(dir);
    });

    it("runs the migration types full-load and cdc", async () => {
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const load = await bench.started({ migrationType: "full-load" });
        assert.equal(statusOf(load).state, "stopped");
        const cdc = await bench.started({ migrationType: "cdc" });
        await bench.source.query("INSERT INTO items VALUES (2, 'b', 1)");
        await bench.caughtUp(cdc);
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging ORDER BY 1"), [
            ["1"],
            ["2"],
        ]);
    });

    const reloads = async (loadOverlap: boolean): Promise<void> => {
        const settings = { FullLoadSettings: { TargetTablePrepMode: "TRUNCATE_BEFORE_LOAD" } };
        const dir = await bench.started({ settings, faults: { loadOverlap } });
        await bench.source.query(
            "INSERT INTO items SELECT g, 'x', 0 FROM generate_series(1, 50) AS g",
        );
        await bench.caughtUp(dir);
        const writer = await bench.session();
        const isLoaded = (): boolean => statusOf(dir).loadedRows['"public"."items"'] === 50;
        bench.reload(dir, "items");
        let writes = 0;
        await until(async () => {
            writes += 1;
            await writer.query("UPDATE items SET price = price + 1 WHERE item_id = $1", [
                1 + (writes % 50),
            ]);
            return isLoaded() && statusOf(dir).state === "running";
        }, 20_000);
        await writer.query("UPDATE items SET price = -1 WHERE item_id = 50");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT item_id, name, price FROM items_staging ORDER BY 1"),
            await rowsOf(bench.source, "SELECT * FROM items ORDER BY 1"),
        );
        const seenTwice = await bench.rows(
            "SELECT count(*) FROM seen AS s JOIN (SELECT max(id) AS id FROM seen WHERE seq = '') AS l ON s.id > l.id " +
                "WHERE s.price = (SELECT x.price FROM seen AS x WHERE x.seq = '' AND x.item_id = s.item_id)",
        );
        // Without an overlap nothing comes after the load that the load has seen.
        assert.ok(
            loadOverlap || seenTwice[0]?.[0] === "0",
            `${String(seenTwice[0]?.[0])} changes seen twice`,
        );
        assert.equal(existsSync(path.join(dir, "reload.json")), false);
        assert.deepEqual(await bench.rows("SELECT * FROM awsdms_apply_exceptions"), []);
    };

    it("loads a table anew while the source goes on writing", () => reloads(true));

    it("loads a table anew in the slot's snapshot while the source goes on writing", () =>
        reloads(false));

    it("does not empty a table that is to be loaded anew when the settings say DO_NOTHING", async () => {
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const dir = await bench.started();
        bench.reload(dir, "items");
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.match(statusOf(dir).error ?? "", /Full load of "public"."items" .* duplicate key/u);
        await bench.target.query("TRUNCATE items_staging");
        await startTask(dir);
        assert.deepEqual(await bench.rows("SELECT item_id FROM items_staging"), [["1"]]);
    });

    it("loads a table anew with the columns that it had when the task started, as DMS does", async () => {
        const settings = { FullLoadSettings: { TargetTablePrepMode: "TRUNCATE_BEFORE_LOAD" } };
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const dir = await bench.started({ settings });
        await bench.target.query("ALTER TABLE items_staging ADD COLUMN extra integer");
        await bench.source.query("INSERT INTO items VALUES (2, 'b', 1)");
        await bench.caughtUp(dir);
        // A change would show the column to the task.
        await bench.source.query("ALTER TABLE items ADD COLUMN extra integer DEFAULT 7");
        bench.reload(dir, "items");
        await until(() => Promise.resolve(statusOf(dir).loadedRows['"public"."items"'] === 2));
        const extras = () => bench.rows("SELECT DISTINCT extra FROM items_staging");
        assert.deepEqual(await extras(), [[null]]);
        await bench.restart(dir);
        bench.reload(dir, "items");
        await until(async () => (await extras())[0]?.[0] === "7");
        await bench.source.query("ALTER TABLE items DROP COLUMN price");
        bench.reload(dir, "items");
        await until(() => Promise.resolve(statusOf(dir).state === "failed"));
        assert.match(statusOf(dir).error ?? "", /Full load of .* column "price" does not exist/u);
    });

    it("loads everything anew, from a new slot, once its checkpoint is gone", async () => {
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        const dir = await bench.started();
        await stopTask(dir);
        await bench.source.query("INSERT INTO items VALUES (2, 'b', 1)");
        rmSync(path.join(dir, "checkpoint.json"));
        await bench.target.query("TRUNCATE items_staging");
        await startTask(dir);
        await bench.source.query("UPDATE items SET price = 2 WHERE item_id = 2");
        await bench.caughtUp(dir);
        assert.deepEqual(
            await bench.rows("SELECT item_id, price, operation FROM items_staging ORDER BY 1"),
            [
                ["1", "1.00", "I"],
                ["2", "2.00", "U"],
            ],
        );
    });

    it("goes on when a request for a reload is none, or not yet", async () => {
        const dir = await bench.started();
        const file = path.join(dir, "reload.json");
        for (const [request, message] of [
            ['[{"SchemaName": "pub', /reload.json is not valid JSON/u],
            [
                '[{"SchemaName": "public", "TableName": "nothing"}]',
                /do not select "public"."nothing"/u,
            ],
            ["[]", /must name 1 to 10 tables/u],
            ['{"tables": 1}', /must be a JSON array/u],
        ] as const) {
            writeFileSync(file, request);
            await until(() => Promise.resolve(message.test(log(dir))));
        }
        await until(() => Promise.resolve(!existsSync(file)));
        writeFileSync(path.join(dir, "faults.json"), '{"deleteIm');
        await bench.source.query("INSERT INTO items VALUES (1, 'a', 1)");
        await bench.caughtUp(dir);
        assert.match(log(dir), /faults.json is not valid JSON/u);
        assert.equal(statusOf(dir).state, "running");
    });

    it("refuses what it cannot run and says where", async () => {
        await assert.rejects(bench.started({ tables: ["nothing"] }), /No tables were found/);
        await assert.rejects(
            bench.started({ target: { password: "wrong" } }),
            /failed: password authentication failed/,
        );
        await assert.rejects(
            bench.started({ faults: { typo: true } }),
            /"typo" is not a documented key/,
        );
        await assert.rejects(
            bench.started({
                settings: { ChangeProcessingDdlHandlingPolicy: { HandleSourceTableDropped: true } },
            }),
            /HandleSourceTableDropped must be false/,
        );
        const dir = await bench.started();
        await startTask(dir);
        assert.equal(statusOf(dir).state, "running");
    });
});
