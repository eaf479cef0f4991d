import assert from "node:assert/strict";
import type { Client } from "pg";
import { catalogSnapshot } from "../../testing/catalogSnapshot";
import { groupsLife } from "./support/groupsLife";
import { ARTICLE, LaptopStack } from "./support/laptopStack";
import { OwnSource } from "./support/ownSource";

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

/** A table that is there before the stack, and cannot be audited as it is. */
const THEIRS = `
    CREATE TABLE public.items (
        item_id integer, name varchar(100) NOT NULL, price numeric(10, 2) NOT NULL
    );
    ALTER TABLE public.items ENABLE ROW LEVEL SECURITY;
    INSERT INTO public.items VALUES (1, 'Monitor', 199)`;

/** What preflight says of it, and what somebody does then. */
const MENDS: readonly (readonly [RegExp, string])[] = [
    [/public\.items has no primary key/, "ALTER TABLE public.items ADD PRIMARY KEY (item_id)"],
    [/public\.items has row security/, "ALTER TABLE public.items DISABLE ROW LEVEL SECURITY"],
];

describe("stack: guards and groups at a source that the stack did not make", function () {
    this.timeout(600_000);
    let stack: LaptopStack;
    let own: OwnSource;
    let untouched: readonly string[] = [];
    before(async () => {
        own = await OwnSource.start();
        stack = await LaptopStack.make({ ...ARTICLE, ...own.settings });
        await own.asLogin((login) => login.query(THEIRS));
    });
    after(async () => {
        await stack.dispose();
        await own.dispose();
    });

    const atSource = async (work: (source: Client) => Promise<void>): Promise<void> => {
        await own.asLogin(work);
    };

    /** What preflight says that must be mended, and its exit code. */
    async function preflight(): Promise<{ code: number; musts: string[] }> {
        const { code, stdout } = await stack.attempt("preflight", "--json");
        const { findings } = JSON.parse(stdout) as {
            findings: { severity: string; found: string }[];
        };
        const musts = findings.filter(({ severity }) => severity === "must");
        return { code, musts: musts.map(({ found }) => found) };
    }

    it("is mended by what preflight says, one thing after the other, before the stack is made", async () => {
        for (const [index, [problem, mend]] of MENDS.entries()) {
            const { code, musts } = await preflight();
            assert.equal(code, 1);
            assert.equal(musts.length, MENDS.length - index, musts.join("\n"));
            assert.ok(
                musts.some((found) => problem.test(found)),
                musts.join("\n"),
            );
            await own.asLogin((login) => login.query(mend));
        }
        assert.deepEqual(await preflight(), { code: 0, musts: [] });
        untouched = await own.asAdministrator(catalogSnapshot);
        await stack.run("start");
    });

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

    groupsLife(() => ({ stack, settings: { ...ARTICLE, ...own.settings }, atSource }));

    it("go with all else of the trail when the stack is destroyed, which waits for the source", async () => {
        await own.goAway();
        const refused = await stack.attempt("stop");
        assert.equal(refused.code, 1, refused.output);
        assert.match(
            refused.stderr,
            /Nothing was destroyed yet\. The database "shop" at localhost:\d+ cannot be reached/,
        );
        assert.match(refused.stderr, /The stack stays/);
        await own.comeBack();
        await stack.stop();
        // What this spec has made of the table.
        await atSource(async (source) => {
            await source.query("DROP TRIGGER later ON public.items; DROP TABLE public.items_old");
            await source.query("DROP TABLE public.orders, public.lines, public.notes");
            await source.query("ALTER INDEX public.items_pkey1 RENAME TO items_pkey");
        });
        const now = await own.asAdministrator(catalogSnapshot);
        assert.deepEqual(now, untouched);
    });
});
