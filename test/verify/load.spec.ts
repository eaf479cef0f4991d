import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { World } from "../../testing/verifiedTrail";

/** More than a call of a function has arguments. */
const WIDE = Array.from({ length: 101 }, (_, at) => `t${at} timestamp DEFAULT now()`).join(", ");

const DDL = `
    CREATE SCHEMA "Sales.EU";
    CREATE TABLE public.items (item_id integer PRIMARY KEY, name varchar(100) NOT NULL, price numeric(10, 2) NOT NULL);
    INSERT INTO public.items SELECT n, 'item ' || n, n FROM generate_series(1, 2000) AS n;
    CREATE TABLE "Sales.EU"."Order ""Lines""" (
        line smallint, "Order Id" varchar(40), quantity numeric(12, 4), note text, "select" jsonb,
        PRIMARY KEY ("Order Id", line)
    );
    INSERT INTO "Sales.EU"."Order ""Lines""" SELECT n % 7, 'Ω-' || n / 7, n / 4.0, repeat('ü', n % 9), jsonb_build_object('n', n)
        FROM generate_series(1, 700) AS n;
    CREATE TABLE public.words (
        word varchar(40) PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), ratio double precision, raw bytea, span interval,
        day date, local_time timestamp(3)
    );
    INSERT INTO public.words SELECT w || n, now() + n * interval '1.000001 s', sqrt(n), decode(md5(n::text), 'hex'), n * interval '1 h'
        FROM unnest(ARRAY['ä', 'Z', 'a-', '日本', '😀', '"', E'\\\\', 'É']) AS w, generate_series(1, 60) AS n;
    INSERT INTO public.words (word, at, day, local_time)
        VALUES ('always', 'infinity', '-infinity', 'infinity'), ('never', '-infinity', 'infinity', '-infinity'), ('once', '0044-03-15 BC', '4712-01-01 BC', NULL);
    CREATE TABLE public.moments (at timestamptz, n bigint, PRIMARY KEY (at, n));
    INSERT INTO public.moments SELECT '2026-01-01T00:00:00Z'::timestamptz + n * interval '1.5 s', 9007199254740993 + n FROM generate_series(1, 50) AS n;
    CREATE TABLE public.validity (until timestamptz, day date, n integer, note text, PRIMARY KEY (until, day, n));
    INSERT INTO public.validity
        SELECT (ARRAY['infinity', '-infinity', '2026-01-01 00:00:00Z'])[1 + n % 3]::timestamptz, (ARRAY['infinity', '-infinity', '2026-01-01', '9999-12-30'])[1 + n % 4]::date, n
        FROM generate_series(1, 240) AS n;
    CREATE TABLE public.wide (id integer PRIMARY KEY, ${WIDE});
    INSERT INTO public.wide (id) SELECT generate_series(1, 3);
    CREATE TABLE public.nothing (id integer PRIMARY KEY);
    CREATE TABLE public.one (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
    INSERT INTO public.one DEFAULT VALUES;
`;

const TABLES = [
    { schema: "public", table: "items" },
    { schema: "Sales.EU", table: 'Order "Lines"' },
    { schema: "public", table: "words" },
    { schema: "public", table: "moments" },
    { schema: "public", table: "validity" },
    { schema: "public", table: "wide" },
    { schema: "public", table: "nothing" },
    { schema: "public", table: "one" },
];

/** One round of changes, over and over, by each of the writers on keys of its own. */
const WORK = [
    "UPDATE public.items SET price = price + 1 WHERE item_id = $1 + 20 * (random() * 80)::int",
    "DELETE FROM public.items WHERE item_id % 20 = $1 AND item_id % 3 = 0 AND item_id < 200",
    "INSERT INTO public.items SELECT $1 + 20 * n, 'again', n FROM generate_series(0, 9) AS n ON CONFLICT DO NOTHING",
    // A row that changes several times in a transaction, and one that comes and goes.
    "WITH w AS (SELECT $1::int) UPDATE public.items SET name = clock_timestamp()::text WHERE item_id = $1",
    `UPDATE "Sales.EU"."Order ""Lines""" SET quantity = quantity + 0.10, note = NULL WHERE line = $1 AND "Order Id" LIKE 'Ω-1%'`,
    `DELETE FROM public.words WHERE word IN ('ä' || $1::int, '😀' || $1::int)`,
    `INSERT INTO public.words (word) VALUES ('ä' || $1::int), ('😀' || $1::int) ON CONFLICT DO NOTHING`,
    `UPDATE public.words SET at = '-infinity', day = 'infinity', local_time = 'infinity' WHERE word = 'Z' || $1::int`,
    "INSERT INTO public.moments VALUES (clock_timestamp(), $1)",
    "UPDATE public.validity SET note = clock_timestamp()::text WHERE n % 20 = $1",
    "DELETE FROM public.validity WHERE n = 100 + $1::int",
    "INSERT INTO public.validity VALUES ('infinity', '-infinity', 100 + $1::int), ('-infinity', 'infinity', 100 + $1::int) ON CONFLICT DO NOTHING",
    "DELETE FROM public.moments WHERE n = $1 AND at < clock_timestamp() - interval '50 ms'",
];

/** Writes at a pace that replication can follow, until told to stop; returns the number of statements. A wait for a lock is an error. */
async function write(client: Client, key: number, signal: AbortSignal): Promise<number> {
    let count = 0;
    await client.query("SET lock_timeout = '50ms'");
    for (; !signal.aborted; count += 1) {
        await client.query(WORK[count % WORK.length] ?? "", [key]);
        await pause(10);
    }
    return count;
}

describe("verify under load", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(DDL, TABLES);
    });
    after(async () => {
        await world.close();
    });

    it("says complete, time after time, while writers change every table and wait for nobody", async () => {
        const stop = new AbortController();
        const writers = [1, 2, 3].map(async (key) =>
            write(await world.session(), key, stop.signal),
        );
        const failed = Promise.all(writers).then(() => undefined);
        try {
            for (const chunkRows of [50_000, 300, 40]) {
                const report = await Promise.race([world.verify({ chunkRows }), failed]);
                assert.ok(report);
                assert.deepEqual(
                    report.tables.filter(({ complete }) => !complete),
                    [],
                );
                assert.ok(report.complete, JSON.stringify(report.checks));
            }
        } finally {
            stop.abort();
        }
        const counts = await Promise.all(writers);
        assert.ok(
            Math.min(...counts) > WORK.length * 3,
            `the writers made ${counts.join()} changes`,
        );
    });

    it("counts every row and names the time up to which the table is complete", async () => {
        const { rows } = await world.source.query<{ now: Date }>("SELECT clock_timestamp() AS now");
        const report = await world.verify({ chunkRows: 100 });
        for (const table of report.tables) {
            const { schema, table: name } = TABLES[report.tables.indexOf(table)] ?? {
                schema: "",
                table: "",
            };
            const quoted = `${world.source.escapeIdentifier(schema)}.${world.source.escapeIdentifier(name)}`;
            const counted = await world.source.query<{ n: number }>(
                `SELECT count(*)::int AS n FROM ${quoted}`,
            );
            assert.equal(table.rows, counted.rows[0]?.n, table.table);
            assert.ok(Date.parse(table.comparedUpTo ?? "") >= (rows[0]?.now.getTime() ?? Infinity));
        }
        assert.ok(report.complete);
    });

    it("names a key with an infinite time as the log has it", async () => {
        await world.forge(`
            UPDATE validity_staging SET note = 'forged' WHERE n = 3;
            UPDATE validity_audit_log SET new_row_data = new_row_data || '{"note": "forged"}'
                WHERE audit_id = (SELECT max(audit_id) FROM validity_audit_log WHERE row_key ->> 'n' = '3');
            DELETE FROM validity_staging WHERE n = 60;
            DELETE FROM validity_audit_log WHERE row_key ->> 'n' = '60'`);
        const { tables } = await world.verify({ chunkRows: 50 }, "public.validity");
        const found = tables[0]?.differences.map(({ key, kind }) => `${kind}: ${key}`).sort();
        assert.deepEqual(found, [
            'different row: {"n": 3, "day": "9999-12-30", "until": "9999-12-31T23:59:59+00:00"}',
            'missing in trail: {"n": 60, "day": "9999-12-31", "until": "9999-12-31T23:59:59+00:00"}',
        ]);
    });
});
