import assert from "node:assert/strict";
import { failedChecks, kindsOf, tableOf, World } from "../../testing/verifiedTrail";

const DDL = `
    CREATE TABLE public.scalar (id integer PRIMARY KEY, t text);
    CREATE TABLE public.object (id integer PRIMARY KEY, t jsonb, r text, s text, l text, o text, k text);
    CREATE TABLE public.times (id integer PRIMARY KEY, a timestamptz[], b date[], c timestamp[]);
    CREATE TABLE public.documents (id integer PRIMARY KEY, body json, many json[], n integer);
    CREATE TABLE public.blurred (
        id integer PRIMARY KEY, x double precision, y real[], j jsonb, k json, a integer[], m jsonb[], "It's" integer
    );
    INSERT INTO public.blurred VALUES
        (1, '-0', '{-0}', 'null', ' null', '[2:3]={7,8}', '{"null", NULL}', 1),
        (2, '0', '{0}', NULL, NULL, '{7,8}', '{NULL, "null"}', 1),
        (3, '-1e-300', '[0:0]={1}', '[null]', '{"a": null}', '{}', NULL, 1);
    INSERT INTO public.scalar VALUES (1, 'a');
    INSERT INTO public.object VALUES (1, '{"id": 2}', 'r', 's', 'l', 'o', 'k');
    INSERT INTO public.times VALUES (1, '{2026-01-01, infinity}', '{2026-01-01, -infinity}', '{2026-01-01}');
    INSERT INTO public.documents VALUES
        (1, '{"a": 1,  "a": "x"}', '{"{\\"a\\": [1]}", "null"}', 1),
        (2, '"\\\\u0000 is no character here, \\ud83d\\ude00 is one"', NULL, 1),
        (3, NULL, NULL, 1);
`;

const TABLES = ["scalar", "object", "times", "documents"];
const BLURRED = "public.blurred";

/** What json takes and jsonb does not. */
const NO_JSONB = [
    String.raw`{"a": "\u0000"}`,
    String.raw`["x\\\u0000"]`,
    String.raw`"\ud800"`,
    String.raw`"\ude00"`,
    "1e999999",
];

describe("verify with values and names that are awkward:", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(
            DDL,
            [...TABLES, "blurred"].map((table) => ({ schema: "public", table })),
        );
    });
    after(async () => {
        await world.close();
    });

    it("a column with the name of an alias, arrays of times, json", async () => {
        const first = await world.verify();
        assert.ok(first.complete, JSON.stringify(first));
        await world.source.query(
            `UPDATE public.scalar SET t = 'b'; UPDATE public.object SET t = '{"id": 3}';
             UPDATE public.times SET a = a || '-infinity'::timestamptz;
             UPDATE public.documents SET body = '[2]', n = n + 1 WHERE id = 1`,
        );
        const second = await world.verify();
        assert.ok(second.complete, JSON.stringify(second));
    });

    it("another value in such a column", async () => {
        await world.forge(
            `UPDATE scalar_staging SET t = 'forged'; UPDATE object_staging SET t = '{"id": 4}'; UPDATE times_staging SET c = NULL;
             UPDATE documents_staging SET body = '{}' WHERE id = 2`,
        );
        const report = await world.verify();
        for (const table of TABLES) {
            assert.deepEqual(kindsOf(tableOf(report, `public.${table}`)), [
                "log and staging differ",
            ]);
        }
    });

    it("values that the log takes for others, and staging that has others than the source", async () => {
        const first = tableOf(await world.verify({}, BLURRED), BLURRED);
        assert.ok(first.complete, JSON.stringify(first));
        const held = [
            "-0 from 0: in the column x, 1 row has",
            "an array's bounds: in the column y, 1 row has",
            "-0 from 0 within an array: in the column y, 1 row has",
            "the jsonb value null from SQL NULL: in the column j, 1 row has",
            "the json value null from SQL NULL: in the column k, 1 row has",
            "an array's bounds: in the column a, 1 row has",
            "the jsonb value null from SQL NULL within an array: in the column m, 2 rows have",
        ].map((what) => `the log cannot tell ${what} such a value`);
        assert.deepEqual(first.notes, held);
        await world.forge(
            `UPDATE blurred_staging SET x = '0', y = '{0}', j = NULL, a = '[0:1]={7,8}', m = '{NULL, "null"}' WHERE id = 1;
             UPDATE blurred_staging SET x = '-0', k = 'null' WHERE id = 2;
             UPDATE blurred_staging SET y = '{1}' WHERE id = 3`,
        );
        const changed = tableOf(await world.verify({}, BLURRED), BLURRED);
        // What the log can hold is right.
        assert.ok(changed.complete, JSON.stringify(changed));
        const other = [
            [2, "x", "-0 from 0", 1],
            [1, "y", "an array's bounds", 3],
            [1, "y", "-0 from 0 within an array", 1],
            [1, "j", "the jsonb value null from SQL NULL", 1],
            [1, "k", "the json value null from SQL NULL", 2],
            [1, "a", "an array's bounds", 1],
            [1, "m", "the jsonb value null from SQL NULL within an array", 1],
        ].map(
            ([count, column, what, id]) =>
                `${count} x staging has another value than the source in the column ${column}, and the log cannot tell ${what}, first at {"id": ${id}}`,
        );
        assert.deepEqual([...changed.notes].sort(), [...other, ...held].sort());
        // Staging has the former types until the next deployment.
        await world.alterSource(
            `ALTER TABLE public.blurred ALTER COLUMN "It's" TYPE real, ALTER COLUMN a TYPE jsonb USING to_jsonb(a)`,
        );
        const altered = tableOf(await world.verify({}, BLURRED), BLURRED);
        assert.deepEqual(failedChecks(altered), ["definitions"], JSON.stringify(altered));
    });

    it("json that jsonb cannot hold, which switches nothing off", async () => {
        for (const [at, value] of NO_JSONB.entries()) {
            await world.source.query(
                "INSERT INTO public.documents VALUES ($1, $2, ARRAY[$2::json])",
                [10 + at, value],
            );
        }
        const report = await world.verify();
        const { rows, differences, checks } = tableOf(report, "public.documents");
        assert.equal(rows, 3 + NO_JSONB.length);
        assert.ok(checks.every(({ name }) => name !== "verification"));
        // Staging has them as the source does; the log has none of them yet.
        assert.ok(
            differences.every(({ kind }) =>
                ["in staging but not in the log", "log and staging differ"].includes(kind),
            ),
            JSON.stringify(differences),
        );
        await world.source.query(
            "UPDATE public.documents SET body = '{}', many = NULL WHERE id >= 10",
        );
        const after = tableOf(await world.verify(), "public.documents").checks;
        assert.ok(after.every(({ name }) => name !== "verification"));
    });
});
