import assert from "node:assert/strict";
import type { Client } from "pg";
import { withBrokenValues } from "../../testing/brokenValues";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { until } from "../../testing/until";
import type { TableReport } from "../../verify/report";
import { verifyTrail } from "../../verify/verifyTrail";

const PAYMENT = { schema: "public", table: "payment" };
/** Leaves at two depths, one of them in a schema of its own with another order of columns and a dropped one. */
const DDL = `
    CREATE TABLE payment (
        payment_id integer, customer text, amount numeric(8,2), paid_at date, PRIMARY KEY (paid_at, payment_id)
    ) PARTITION BY RANGE (paid_at);
    CREATE TABLE payment_jan PARTITION OF payment FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE SCHEMA parts;
    CREATE TABLE parts.feb (
        gone text, amount numeric(8,2), paid_at date NOT NULL, customer text, payment_id integer,
        PRIMARY KEY (paid_at, payment_id)
    );
    ALTER TABLE parts.feb DROP COLUMN gone;
    ALTER TABLE payment ATTACH PARTITION parts.feb FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    CREATE TABLE payment_late PARTITION OF payment FOR VALUES FROM ('2026-03-01') TO ('2027-01-01')
        PARTITION BY HASH (payment_id);
    CREATE TABLE "Late 0" PARTITION OF payment_late FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE "Late 1" PARTITION OF payment_late FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO payment VALUES (1, 'a', 1, '2026-01-05'), (2, 'b', 2, '2026-02-05'), (3, 'c', 3, '2026-03-05');
`;

describe("a partitioned table", function () {
    this.timeout(60_000);
    let source: MortalServer;
    let audit: MortalServer;
    let task: Pipeline;
    let writer: Client;
    let trail: Client;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
        const guards = { truncate: "refuse", keyUpdate: "refuse" } as const;
        task = await Pipeline.deploy(source, audit, {
            name: "partitions",
            tables: [PAYMENT],
            ddl: DDL,
            guards,
        });
        writer = await task.sourceSession();
        trail = await task.auditSession();
        await task.start();
    });
    after(async () => {
        await (task as Pipeline | undefined)?.close();
        await audit.stop();
        await source.stop();
    });

    /** Operation, id, partition and remarks of the log's rows behind another, in their order. */
    async function logged(after = "0"): Promise<string[]> {
        const { rows } = await trail.query<{ line: string }>(
            `SELECT concat_ws(' ', operation, row_key ->> 'payment_id', source_partition, array_to_string(remarks, ',')) AS line
                FROM payment_audit_log WHERE audit_id > $1 ORDER BY audit_id`,
            [after],
        );
        return rows.map(({ line }) => line);
    }

    async function lastId(): Promise<string> {
        const { rows } = await trail.query<{ id: string }>(
            "SELECT coalesce(max(audit_id), 0)::text AS id FROM payment_audit_log",
        );
        return rows[0]?.id ?? "0";
    }

    async function write(sql: string): Promise<string[]> {
        const before = await lastId();
        await writer.query(sql);
        await task.caughtUp(writer, trail);
        return await logged(before);
    }

    async function verify(): Promise<TableReport | undefined> {
        const own = [await task.sourceSession(), await task.auditSession()] as const;
        const report = await verifyTrail(...own, task.definitions, { guardsExpected: true });
        assert.equal(report.tables.length, 1);
        return report.tables[0];
    }

    function problems(report: TableReport | undefined): unknown[] {
        return [...(report?.differences ?? []), ...(report?.checks.filter(({ ok }) => !ok) ?? [])];
    }

    it("is loaded from all its leaves into one log", async () => {
        await task.caughtUp(writer, trail);
        assert.deepEqual((await logged()).sort(), [
            "B 1 public.payment_jan",
            "B 2 parts.feb",
            "B 3 public.Late 1",
        ]);
    });

    it("logs what happens to its rows, and says when one moves", async () => {
        const lines = await write(
            "INSERT INTO payment VALUES (4, 'd', 4, '2026-01-06'), (5, 'e', 5, '2026-04-01'), (6, 'f', 6, '2026-02-06'); " +
                "UPDATE payment SET amount = 9 WHERE payment_id = 6; " +
                "UPDATE payment SET paid_at = '2026-02-07', amount = 5 WHERE payment_id = 4; " +
                "DELETE FROM payment WHERE payment_id = 5",
        );
        assert.deepEqual(lines, [
            "I 4 public.payment_jan",
            "I 5 public.Late 1",
            "I 6 parts.feb",
            "U 6 parts.feb",
            "D 4 public.payment_jan",
            "I 4 parts.feb moved from another partition",
            "D 5 public.Late 1",
        ]);
        const { rows } = await trail.query(
            "SELECT count(DISTINCT transaction_id)::integer AS transactions FROM payment_audit_log WHERE row_key ->> 'payment_id' = '4'",
        );
        assert.deepEqual(rows, [{ transactions: 1 }], "all of one statement list");
    });

    it("answers by its own name", async () => {
        const history = await trail.query(
            `SELECT operation FROM audit_trail.row_history('public', 'payment', '{"payment_id": 6, "paid_at": "2026-02-06"}')`,
        );
        assert.deepEqual(history.rows, [{ operation: "I" }, { operation: "U" }]);
        const state = await trail.query(
            "SELECT row_data ->> 'customer' AS customer FROM audit_trail.as_of('public', 'payment', now()) ORDER BY 1",
        );
        assert.deepEqual(
            state.rows,
            ["a", "b", "c", "d", "f"].map((customer) => ({ customer })),
        );
        await trail.query("CALL audit_trail.maintain()");
    });

    it("is verified in one line", async () => {
        const report = await verify();
        assert.deepEqual(problems(report), []);
        assert.equal(report?.complete, true);
        assert.equal(report.rows, 5);
    });

    it("hides nothing from verify behind a partition that the log does not name", async () => {
        const forge = async (sql: string): Promise<void> => {
            const set = (state: string): string =>
                `ALTER TABLE payment_audit_log ${state} TRIGGER append_only; ALTER TABLE payment_staging ${state} TRIGGER log_change;`;
            await trail.query(
                `BEGIN; SET LOCAL ROLE audit_trail_owner; ${set("DISABLE")} ${sql}; ${set("ENABLE ALWAYS")} COMMIT`,
            );
        };
        const log = "UPDATE payment_audit_log SET source_partition =";
        const one = "WHERE row_key ->> 'payment_id' = '1'";
        const columns =
            "payment_id, customer, amount, paid_at, audit_trail_operation, audit_trail_commit_timestamp, " +
            "audit_trail_stream_position, audit_trail_change_seq";
        const copy = (from: string, to: string, id: number): string =>
            `INSERT INTO ${to} (${columns}) SELECT ${columns} FROM ${from} WHERE payment_id = ${String(id)}`;
        const unnamed = "in staging under a partition that the log does not name";
        const deleted =
            "SELECT 5, 'e', 5, '2026-04-01', 'I', commit_timestamp AT TIME ZONE 'UTC', stream_position, change_seq " +
            "FROM payment_audit_log WHERE row_key ->> 'payment_id' = '5' AND operation = 'I'";
        for (const [forgery, undo, kinds] of [
            [
                `${log} 'parts.feb' ${one}`,
                `${log} 'public.payment_jan' ${one}`,
                [unnamed, "not in staging"],
            ],
            // A log row that names no partition may be of any, and is compared all the same.
            [
                `${log} NULL ${one}; UPDATE payment_jan_staging SET customer = 'x' WHERE payment_id = 1`,
                `${log} 'public.payment_jan' ${one}; UPDATE payment_jan_staging SET customer = 'a' WHERE payment_id = 1`,
                ["log and staging differ"],
            ],
            [
                copy("payment_jan_staging", "parts.feb_staging", 1),
                "DELETE FROM parts.feb_staging WHERE payment_id = 1",
                [unnamed],
            ],
            ...['"Late 1_staging"', "payment_jan_staging"].map(
                (staging, at) =>
                    [
                        `INSERT INTO ${staging} (${columns}) ${deleted}`,
                        `DELETE FROM ${staging} WHERE payment_id = 5`,
                        [at === 0 ? "deleted but in staging" : unnamed],
                    ] as const,
            ),
        ] as const) {
            await forge(forgery);
            try {
                const found = (await verify())?.differences.map(({ kind }) => kind) ?? [];
                for (const kind of kinds) {
                    assert.ok(found.includes(kind), `${forgery}: ${found.join(", ")}`);
                }
            } finally {
                await forge(undo);
            }
        }
        assert.deepEqual(problems(await verify()), []);
    });

    it("is named by verify when somebody lays hands on a leaf's trail", async () => {
        const leaf = "payment_jan_staging";
        const entry = (set: string): string =>
            `UPDATE audit_trail.audited_partition SET ${set} WHERE label = 'public.payment_jan'`;
        const inLog = (label: string): string => `
            ALTER TABLE payment_audit_log DISABLE TRIGGER append_only;
            UPDATE payment_audit_log SET source_partition = '${label}' WHERE row_key ->> 'payment_id' = '1';
            ALTER TABLE payment_audit_log ENABLE ALWAYS TRIGGER append_only`;
        for (const [what, forgery, mend] of [
            [
                "a leaf's trigger off",
                `ALTER TABLE ${leaf} DISABLE TRIGGER log_change`,
                `ALTER TABLE ${leaf} ENABLE ALWAYS TRIGGER log_change`,
            ],
            [
                "another partition's name for new rows",
                `ALTER TABLE ${leaf} ALTER audit_trail_partition SET DEFAULT 'parts.feb'`,
                `ALTER TABLE ${leaf} ALTER audit_trail_partition SET DEFAULT 'public.payment_jan'`,
            ],
            [
                "a leaf routed to another log",
                entry("table_schema = 'audit_trail', table_name = 'marker'"),
                entry("table_schema = 'public', table_name = 'payment'"),
            ],
            [
                "a leaf taken out of the registry",
                "CREATE TEMP TABLE kept AS SELECT * FROM audit_trail.audited_partition WHERE label = 'public.payment_jan'; DELETE FROM audit_trail.audited_partition WHERE label = 'public.payment_jan'",
                "INSERT INTO audit_trail.audited_partition SELECT * FROM kept",
            ],
            [
                "a leaf that the next deployment would close",
                entry("left_at = now()"),
                entry("left_at = NULL"),
            ],
            [
                "a leaf detached",
                `ALTER TABLE payment_staging DETACH PARTITION ${leaf}`,
                `ALTER TABLE payment_staging ATTACH PARTITION ${leaf} FOR VALUES IN ('public.payment_jan')`,
            ],
            ["another partition in the log", inLog("parts.feb"), inLog("public.payment_jan")],
        ] as const) {
            await trail.query(forgery);
            const report = await verify();
            await trail.query(mend);
            assert.equal(report?.complete, false, what);
        }
        assert.deepEqual(problems(await verify()), []);
    });

    it("names what came and went since the last deployment, which takes it in", async () => {
        await writer.query(`
            ALTER TABLE payment DETACH PARTITION parts.feb;
            CREATE TABLE payment_old (LIKE payment INCLUDING INDEXES);
            INSERT INTO payment_old VALUES (8, 'h', 8, '2025-12-05');
            ALTER TABLE payment ATTACH PARTITION payment_old FOR VALUES FROM ('2025-12-01') TO ('2026-01-01');
            CREATE TABLE payment_feb PARTITION OF payment FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
            INSERT INTO payment SELECT payment_id, customer, amount, paid_at FROM parts.feb WHERE payment_id = 2;
            DROP TABLE "Late 0"`);
        await task.readTables();
        const found = (await verify())?.checks.find(({ name }) => name === "partitions")?.findings;
        assert.deepEqual(found, [
            "2 partitions (public.payment_feb, public.payment_old) are not audited, they came since the last deployment: deploy, which loads and audits them",
            "2 partitions (parts.feb, public.Late 0) are no longer part of the table: deploy, which closes their rows",
        ]);
        const before = await lastId();
        await task.redeploy();
        await task.stop();
        await task.start();
        const after = await write("INSERT INTO payment VALUES (9, 'i', 9, '2025-12-06')");
        assert.equal(after.at(-1), "I 9 public.payment_old");
        assert.deepEqual((await logged(before)).sort(), [
            "B 2 public.payment_feb",
            "B 8 public.payment_old",
            "D 2 parts.feb partition left",
            "D 4 parts.feb partition left",
            "D 6 parts.feb partition left",
            "I 9 public.payment_old",
        ]);
        const { rows } = await trail.query<{ kind: string; id: string }>(
            "SELECT kind, gap_id::text AS id FROM audit_trail.gap WHERE table_name = 'payment' AND kind LIKE 'partition%' ORDER BY kind",
        );
        assert.deepEqual(
            rows.map(({ kind }) => kind),
            ["partition added", "partition left"],
        );
        for (const { id } of rows) {
            await trail.query("SELECT audit_trail.acknowledge($1, 'looked into')", [id]);
        }
        assert.deepEqual(problems(await verify()), []);
    });

    it("takes a reload for ended when every partition was loaded, and not before", async () => {
        const loads = async (): Promise<string[]> => {
            const { rows } = await trail.query<{ part: string }>(
                "SELECT DISTINCT source_partition AS part FROM payment_audit_log WHERE operation = 'B' AND audit_id > $1 ORDER BY 1",
                [before],
            );
            return rows.map(({ part }) => part);
        };
        const before = await lastId();
        await trail.query("SELECT audit_trail.begin_reload('public', 'payment')");
        task.reload({ schema: "public", table: "payment_jan" });
        await until(async () => (await loads()).length === 1);
        await task.caughtUp(writer, trail);
        const open = (await verify())?.checks.filter(({ ok }) => !ok) ?? [];
        assert.deepEqual(
            open.map(({ name }) => name),
            ["reload"],
            JSON.stringify(open),
        );
        await assert.rejects(
            trail.query("SELECT audit_trail.end_reload('public', 'payment')"),
            /loaded no row of these partitions of public\.payment since [^:]*:[^a-z]*: public\.Late 1, public\.payment_feb, public\.payment_old\./u,
        );
        for (const [at, table] of ["Late 1", "payment_feb", "payment_old"].entries()) {
            task.reload({ schema: "public", table });
            await until(async () => (await loads()).length === at + 2);
            await task.caughtUp(writer, trail);
        }
        const { rows } = await trail.query(
            "SELECT audit_trail.end_reload('public', 'payment') AS vanished",
        );
        assert.deepEqual(rows, [{ vanished: "0" }]);
    });

    it("is guarded on every leaf", async () => {
        for (const sql of [
            "TRUNCATE payment",
            "TRUNCATE payment_late",
            'TRUNCATE "Late 1"',
            "UPDATE payment SET payment_id = 7 WHERE payment_id = 1",
            "UPDATE payment_old SET payment_id = 7 WHERE payment_id = 8",
            "TRUNCATE payment_feb",
        ]) {
            await assert.rejects(writer.query(sql), /is refused, because the table is audited/u);
        }
    });

    it("gets a change that was brought back with the partition it was in", async () => {
        const before = await lastId();
        const unlogged =
            "SELECT unlogged_id AS id FROM audit_trail.unlogged_change WHERE new_image ->> 'payment_id' = '77'";
        let id: string | undefined;
        await withBrokenValues(trail, async () => {
            await writer.query("INSERT INTO payment VALUES (77, 'x', 1, '2026-01-20')");
            await until(async () => {
                id = (await trail.query<{ id: string }>(unlogged)).rows[0]?.id;
                return id !== undefined;
            });
        });
        await trail.query("SELECT audit_trail.bring_back($1)", [id]);
        assert.deepEqual(await logged(before), ["I 77 public.payment_jan brought back"]);
    });
});

describe("a table that becomes partitioned, and plain again", function () {
    this.timeout(120_000);
    const ORDERS = { schema: "public", table: "orders" };
    const KEPT = { schema: "public", table: "kept" };
    let source: MortalServer;
    let audit: MortalServer;
    let task: Pipeline;
    let writer: Client;
    let trail: Client;
    let operator: Client;
    let reader: Client;

    before(async () => {
        source = await MortalServer.start({ track_commit_timestamp: "on" });
        audit = await MortalServer.start();
        task = await Pipeline.deploy(source, audit, {
            name: "set_aside",
            tables: [ORDERS, KEPT],
            ddl: `CREATE TABLE orders (id integer PRIMARY KEY, placed date NOT NULL, note text);
                CREATE TABLE kept (id integer PRIMARY KEY);
                INSERT INTO orders VALUES (1, '2026-01-05', 'a')`,
            guards: { truncate: "refuse", keyUpdate: "refuse" },
        });
        writer = await task.sourceSession();
        trail = await task.auditSession();
        await task.start();
        operator = await task.auditSessionOf("operator");
        reader = await task.auditSessionOf("reader");
    });
    after(async () => {
        await Promise.all([operator.end(), reader.end()]);
        await (task as Pipeline | undefined)?.close();
        await audit.stop();
        await source.stop();
    });

    async function write(sql: string): Promise<void> {
        await writer.query(sql);
        await task.caughtUp(writer, trail);
    }

    async function verify(): Promise<TableReport | undefined> {
        const own = [await task.sourceSession(), await task.auditSession()] as const;
        const report = await verifyTrail(...own, task.definitions, { guardsExpected: true });
        assert.deepEqual(
            report.checks.filter(({ ok }) => !ok),
            [],
        );
        return report.tables.find(({ table }) => table === "public.orders");
    }

    function problems(report: TableReport | undefined): unknown[] {
        return [...(report?.differences ?? []), ...(report?.checks.filter(({ ok }) => !ok) ?? [])];
    }

    /** What the refused deployment advises, done; returns the name of the former log's trail. */
    async function beginAnew(): Promise<string> {
        await assert.rejects(operator.query("SELECT audit_trail.set_aside('public', 'orders')"), {
            message: "public.orders is still audited.",
        });
        await task.list([KEPT]);
        const { rows } = await operator.query<{ aside: string }>(
            "SELECT audit_trail.set_aside('public', 'orders') AS aside",
        );
        await task.list([ORDERS, KEPT]);
        return rows[0]?.aside ?? "";
    }

    async function history(table: string, key: unknown): Promise<string[]> {
        const { rows } = await reader.query<{ operation: string }>(
            "SELECT operation FROM audit_trail.row_history('public', $1, $2) ORDER BY audit_id",
            [table, JSON.stringify(key)],
        );
        return rows.map(({ operation }) => operation);
    }

    async function acknowledgeHole(before: string): Promise<void> {
        const open = await verify();
        assert.equal(open?.complete, false);
        const { rows } = await reader.query<{ id: string; is_whole: boolean }>(
            `SELECT gap_id::text AS id, from_timestamp < to_timestamp AS is_whole FROM audit_trail.gap
                WHERE kind = 'not audited' AND table_name = 'orders' AND detail -> 'before' ->> 'table' = $1`,
            [before],
        );
        assert.deepEqual(
            rows.map(({ is_whole }) => is_whole),
            [true],
        );
        await operator.query("SELECT audit_trail.acknowledge($1, 'looked into')", [rows[0]?.id]);
    }

    it("is refused with what to do, which keeps the log and begins another one", async () => {
        await write(
            "INSERT INTO orders VALUES (2, '2026-02-05', 'b'); UPDATE orders SET note = 'c' WHERE id = 1",
        );
        assert.deepEqual(problems(await verify()), [], "its rows are counted");
        await write(`BEGIN;
            ALTER TABLE orders RENAME TO orders_plain;
            CREATE TABLE orders (id integer, placed date, note text, PRIMARY KEY (id, placed)) PARTITION BY RANGE (placed);
            CREATE TABLE orders_early PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2026-02-01');
            CREATE TABLE orders_late PARTITION OF orders FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
            INSERT INTO orders SELECT * FROM orders_plain;
            COMMIT`);
        await assert.rejects(task.redeploy(), (error: Error) => {
            assert.match(
                error.message,
                /The source's table is partitioned now, and public\.orders_staging is not\./u,
            );
            assert.match(
                error.message,
                /take the table from the list and deploy, then run SELECT audit_trail\.set_aside\('public', 'orders'\) on the audit database, list the table again and deploy/u,
            );
            return true;
        });
        const before = await beginAnew();
        assert.match(before, /^orders_until_\d{8}$/u);
        await write("UPDATE orders SET note = 'd' WHERE id = 1");
        await acknowledgeHole(before);
        assert.deepEqual(problems(await verify()), []);
        assert.deepEqual(await history(before, { id: 1 }), ["B", "U"]);
        assert.deepEqual(await history("orders", { id: 1, placed: "2026-01-05" }), ["B", "U"]);
        const { rows } = await reader.query(
            `SELECT row_data ->> 'note' AS note FROM audit_trail.as_of('public', $1, now()) ORDER BY 1`,
            [before],
        );
        assert.deepEqual(rows, [{ note: "b" }, { note: "c" }]);
    });

    it("goes on so, with maintenance and updates", async () => {
        await operator.query("CALL audit_trail.maintain()");
        await task.list([ORDERS, KEPT]);
        await write("INSERT INTO orders VALUES (3, '2026-03-05', 'e')");
        const { rows } = await reader.query(
            "SELECT FROM audit_trail.gap WHERE kind IN ('not audited', 'left the list')",
        );
        assert.equal(rows.length, 2);
        assert.deepEqual(problems(await verify()), []);
    });

    it("does not excuse rows that are gone from the new log", async () => {
        const forge = async (sql: string): Promise<void> => {
            await trail.query(
                `BEGIN; ALTER TABLE orders_audit_log DISABLE TRIGGER append_only; ${sql};
                    ALTER TABLE orders_audit_log ENABLE ALWAYS TRIGGER append_only; COMMIT`,
            );
        };
        await forge(`CREATE TABLE hidden AS SELECT * FROM orders_audit_log WHERE row_key ->> 'id' = '3';
            DELETE FROM orders_audit_log WHERE row_key ->> 'id' = '3'`);
        const kinds = (await verify())?.differences.map(({ kind }) => kind) ?? [];
        await forge(
            "INSERT INTO orders_audit_log OVERRIDING SYSTEM VALUE SELECT * FROM hidden; DROP TABLE hidden",
        );
        assert.ok(kinds.includes("log rows are gone since they were counted"), kinds.join(", "));
    });

    it("is set aside once more when it is plain again", async () => {
        await write(`BEGIN;
            ALTER TABLE orders RENAME TO orders_parts;
            CREATE TABLE orders (LIKE orders_parts);
            ALTER TABLE orders ADD PRIMARY KEY (id, placed);
            INSERT INTO orders SELECT * FROM orders_parts;
            COMMIT`);
        await assert.rejects(
            task.redeploy(),
            /The source's table is a plain table now, and public\.orders_staging is not\. .*set_aside\('public', 'orders'\)/u,
        );
        const before = await beginAnew();
        assert.match(before, /^orders_until_\d{8}_2$/u);
        // DMS has loaded a table of this name before.
        await operator.query("SELECT audit_trail.begin_reload('public', 'orders')");
        await write("UPDATE orders SET note = 'late' WHERE id = 2");
        task.reload(ORDERS);
        await until(
            async () => (await history("orders", { id: 3, placed: "2026-03-05" })).length > 0,
        );
        await operator.query("SELECT audit_trail.end_reload('public', 'orders')");
        await write("UPDATE orders SET note = 'f' WHERE id = 3");
        await acknowledgeHole(before);
        await operator.query(
            "SELECT audit_trail.acknowledge(gap_id, 'reloaded') FROM audit_trail.gap WHERE kind IN ('reload', 'row missing before update')",
        );
        assert.deepEqual(problems(await verify()), []);
        assert.deepEqual(await history(before, { id: 3, placed: "2026-03-05" }), ["I"]);
        assert.deepEqual(await history("orders", { id: 3, placed: "2026-03-05" }), ["B", "U"]);
    });
});
