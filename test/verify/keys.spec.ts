import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { ACCEPTED } from "../../testing/pipeline/typeCases";
import { World } from "../../testing/verifiedTrail";

/** Large objects cannot be in a key, and extensions would have to be there. */
const NO_KEY = /^(text|bytea|xml|jsonb?|citext|hstore|.*\[\])$/u;

/** What DMS writes for `-infinity`: two keys at the source, one in the trail. */
const AS_INFINITY = "4713-01-01 BC";

const KEYS = ACCEPTED.filter(({ type }) => !NO_KEY.test(type)).map(({ type, values }, at) => ({
    type,
    values: values.filter((value) => value !== AS_INFINITY),
    table: `key_${at}`,
}));

const insert = (table: string, type: string): string =>
    `INSERT INTO public.${table} SELECT CAST(v AS ${type}), 1 FROM unnest($1::text[]) AS v`;

describe("verify with keys of every type", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        const tables = KEYS.map(
            ({ type, table }) => `CREATE TABLE public.${table} (k ${type} PRIMARY KEY, n integer);`,
        );
        world = await World.open(
            `CREATE DOMAIN public.price AS numeric(8, 2); ${tables.join("")}`,
            KEYS.map(({ table }) => ({ schema: "public", table })),
        );
    });
    after(async () => {
        await world.close();
    });

    it("says complete when rows came, changed, went and came again, and while they change", async () => {
        for (const { type, table, values } of KEYS) {
            await world.source.query(insert(table, type), [values]);
            await world.source.query(`UPDATE public.${table} SET n = n + 1`);
            await world.source.query(`DELETE FROM public.${table}`);
            await world.source.query(insert(table, type), [values]);
        }
        const stop = new AbortController();
        const writer = (async () => {
            const session = await world.session();
            while (!stop.signal.aborted) {
                for (const { table } of KEYS) {
                    await session.query(`UPDATE public.${table} SET n = n + 1`);
                    // At a pace that replication can follow.
                    await pause(5);
                }
            }
        })();
        try {
            for (const chunkRows of [50_000, 2]) {
                const report = await world.verify({ chunkRows });
                const wrong = report.tables.filter(({ complete }) => !complete);
                assert.deepEqual(wrong, []);
                assert.ok(report.complete, JSON.stringify(report.checks));
            }
        } finally {
            stop.abort();
            await writer;
        }
    });

    it("has every change of every key in the log", async () => {
        for (const { type, table, values } of KEYS) {
            const { rows } = await world.trail.reader.query<{ operations: string }>(
                `SELECT string_agg(operation, '' ORDER BY audit_id) AS operations
                    FROM public.${table}_audit_log GROUP BY row_key`,
            );
            for (const { operations } of rows) {
                assert.match(operations, /^IUDIU+$/u, type);
            }
            assert.equal(rows.length, values.length, type);
        }
    });

    it("answers to a key in whatever form its type takes", async () => {
        const reader = world.trail.reader;
        await reader.query("SET timezone = 'Asia/Kolkata'; SET intervalstyle = 'iso_8601'");
        for (const { type, table, values } of KEYS) {
            for (const value of values.filter((one) => !one.endsWith("infinity"))) {
                const { rows } = await reader.query<{ operation: string }>(
                    "SELECT operation FROM audit_trail.row_history('public', $1, jsonb_build_object('k', $2::text))",
                    [table, value],
                );
                assert.equal(rows[0]?.operation, "I", `${type} ${value}`);
            }
        }
        const ask = (key: string): Promise<unknown> =>
            reader.query("SELECT * FROM audit_trail.row_history('public', 'key_0', $1)", [key]);
        await assert.rejects(ask('{"k": "x"}'), /invalid input syntax for type smallint: "x"/u);
        await assert.rejects(ask('{"id": 1}'), /is not a key of public\.key_0/u);
        await assert.rejects(ask("[]"), /is not a key of public\.key_0/u);
    });
});
