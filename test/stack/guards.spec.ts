import assert from "node:assert/strict";
import type { Client } from "pg";
import { connected, LaptopStack } from "./support/laptopStack";

/** What people and their tools do to an audited table and its guards; a start of the stack is dear, so that some come together. */
const DONE: readonly (readonly [string, string])[] = [
    [
        "dropped, enabled like any other trigger, or left without a body",
        `DROP TRIGGER audit_trail_refuse_key_update ON public.items;
        ALTER TABLE public.items ENABLE TRIGGER ALL;
        CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
    ],
    [
        "left behind by a swap of tables",
        `CREATE TABLE public.items_new (LIKE public.items INCLUDING ALL);
        INSERT INTO public.items_new SELECT * FROM public.items;
        ALTER TABLE public.items RENAME TO items_old;
        ALTER TABLE public.items_new RENAME TO items`,
    ],
    [
        "gone with the table, which was made again with a trigger that may change keys",
        `DROP TABLE public.items;
        CREATE TABLE public.items (
            item_id integer PRIMARY KEY, name varchar(100) NOT NULL, price numeric(10, 2) NOT NULL
        );
        INSERT INTO public.items VALUES (1, 'Monitor', 199);
        CREATE TRIGGER later BEFORE UPDATE ON public.items
            FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
    ],
];

const GUARDS = [
    ["audit_trail_refuse_key_update", "A"],
    ["audit_trail_refuse_truncate", "A"],
];

describe("stack: the source's guards", function () {
    this.timeout(600_000);
    let stack: LaptopStack;
    before(async () => {
        stack = await LaptopStack.make();
        await stack.run("start");
    });
    after(async () => {
        await stack.dispose();
    });

    const atSource = async (work: (source: Client) => Promise<void>): Promise<void> => {
        await connected((await stack.outputs()).sourceUrl, work);
    };

    for (const [what, statements] of DONE) {
        it(`are made again when they were ${what}, and once only`, async () => {
            await atSource(async (source) => {
                await source.query(statements);
            });
            const broken = await stack.attempt("verify");
            assert.equal(broken.code, 1, broken.output);
            assert.match(broken.stdout, /FAILED source guards\n[^]*deploy again/u);

            const { stdout } = await stack.run("start");
            assert.match(stdout, /^Resources: .*\bupdated\b/m);
            await atSource(async (source) => {
                const { rows } = await source.query({
                    text: `SELECT tgname, tgenabled FROM pg_trigger
                        WHERE tgrelid = 'public.items'::regclass AND tgname LIKE 'audit%' ORDER BY 1`,
                    rowMode: "array",
                });
                assert.deepEqual(rows, GUARDS);
                await assert.rejects(source.query("TRUNCATE public.items"), /is refused/u);
                await assert.rejects(
                    source.query("UPDATE public.items SET item_id = item_id + 1000"),
                    /is refused/u,
                );
            });
            const verified = await stack.attempt("verify");
            assert.doesNotMatch(verified.stdout, /source guards|source table/u);
            const again = await stack.run("start");
            assert.match(again.stdout, /^Resources: \d+ unchanged\. /m);
        });
    }

    it("are gone from the table that left the name", async () => {
        await atSource(async (source) => {
            await source.query("TRUNCATE public.items_old");
        });
    });
});
