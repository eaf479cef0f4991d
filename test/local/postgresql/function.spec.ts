import assert from "node:assert/strict";
import { Props, ProviderModule } from "../../../local/provider";
import { asSuperuser, DATABASE, Driven, fresh, MASTER, provider } from "./support";

const TRIGGER_BODY = `
BEGIN
    RAISE NOTICE 'it''s % \\ done', NEW;
    RETURN NEW;
END
`;

describe("local postgresql provider: Function", function () {
    this.timeout(40_000);
    let module: ProviderModule;
    const schema = fresh("fn");
    // The provider finds a function again by splitting its id at dots, so the names here have none.
    const program = (more: Props = {}): Props => ({
        name: 'Trg "1"',
        schema,
        returns: "trigger",
        body: TRIGGER_BODY,
        securityDefiner: true,
        ...more,
    });

    const live = async (name: string): Promise<unknown> => {
        const [row] = await asSuperuser(
            `SELECT prosrc AS body, prosecdef AS definer, provolatile AS volatile, proisstrict AS strict,
                    proconfig AS config, pg_get_userbyid(proowner) AS owner
             FROM pg_proc WHERE proname = '${name}' AND pronamespace = '${schema}'::regnamespace`,
        );
        return row;
    };

    before(async () => {
        module = await provider();
        await new Driven(module, "schema:Schema").up({ name: schema });
    });

    it("creates a trigger function, replaces its body in place, and reads it back as written", async () => {
        const fn = new Driven(module, "function:Function");
        await fn.up(program());
        assert.equal(fn.id, `${DATABASE}.${schema}.Trg "1"()`);
        assert.deepEqual(await live('Trg "1"'), {
            body: TRIGGER_BODY,
            definer: true,
            volatile: "v",
            strict: false,
            config: null,
            owner: MASTER,
        });
        assert.equal(await fn.refresh(), true);
        assert.equal(await fn.up(program()), "same");
        await asSuperuser(
            `CREATE TABLE ${schema}.t (a int)`,
            `CREATE TRIGGER t AFTER INSERT ON ${schema}.t FOR EACH ROW EXECUTE FUNCTION ${schema}."Trg ""1"""()`,
            `ALTER FUNCTION ${schema}."Trg ""1""" SET search_path TO pg_catalog`,
        );
        const body = "BEGIN RETURN NULL; END";
        assert.equal(await fn.up(program({ body })), "updated");
        const after = (await live('Trg "1"')) as { body: string; config: unknown };
        assert.equal(after.body, body);
        assert.equal(after.config, null, "CREATE OR REPLACE drops the search_path");
        await assert.rejects(
            fn.destroy(),
            /The function "fn_\w+\.Trg "1"" could not be deleted: .*; remove what depends on it first, or set dropCascade/,
        );
        assert.equal(await fn.up(program({ body, dropCascade: true })), "updated");
        await fn.destroy();
        assert.equal(await live('Trg "1"'), undefined);
        await fn.destroy();
        assert.equal(await fn.refresh(), false);
    });

    it("keeps every option, default and argument mode", async () => {
        const name = fresh("f");
        const options = {
            name,
            schema,
            args: [
                { name: "a", type: "integer" },
                { name: "b", type: "text", default: "'x'::text" },
                { name: "c", type: "numeric", mode: "OUT" },
            ],
            language: "sql",
            returns: "numeric",
            body: "AS $$ SELECT 1.5 $$",
            volatility: "STABLE",
            parallel: "SAFE",
            strict: true,
        };
        const fn = new Driven(module, "function:Function");
        await fn.up(options);
        assert.equal(fn.id, `${DATABASE}.${schema}.${name}(integer,text)`);
        const [row] = await asSuperuser(`SELECT ${schema}.${name}(1) AS value`);
        assert.equal(row?.value, "1.5");
        await fn.refresh();
        assert.equal(await fn.up(options), "same");
        assert.equal(
            await fn.up({ ...options, strict: false, volatility: "IMMUTABLE" }),
            "updated",
        );
        assert.equal(
            await fn.up({ ...options, args: [{ name: "a", type: "bigint" }] }),
            "replaced",
        );
        assert.equal(fn.id, `${DATABASE}.${schema}.${name}(bigint)`);
        await fn.destroy();
    });

    it("sees drift of the body and of the rights it runs with, and puts them right", async () => {
        const name = fresh("drift");
        const fn = new Driven(module, "function:Function");
        await fn.up(program({ name }));
        await asSuperuser(
            `CREATE OR REPLACE FUNCTION ${schema}.${name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
        );
        await fn.refresh();
        assert.equal(fn.inputs.body, "BEGIN RETURN OLD; END");
        assert.equal(fn.inputs.securityDefiner, false);
        assert.equal(await fn.up(program({ name })), "updated");
        assert.equal(((await live(name)) as { definer: boolean }).definer, true);
        await fn.destroy();
    });

    it("says that a function exists already, and where a body is wrong", async () => {
        const name = fresh("twice");
        const fn = new Driven(module, "function:Function");
        await fn.up(program({ name }));
        await assert.rejects(
            new Driven(module, "function:Function").up(program({ name })),
            /already exists with same argument types; adopt it with pulumi import/,
        );
        await assert.rejects(
            fn.up(program({ name, body: "BEGIN nonsense; END" })),
            /The function "fn_\w+\.twice_\w+" could not be updated: syntax error at or near "nonsense"/,
        );
        await fn.destroy();
    });

    it("refuses what the real provider would break on", async () => {
        const fn = new Driven(module, "function:Function");
        const refused: [Props, string][] = [
            [{ name: "with.dot" }, "name"],
            [{ schema: "with(parenthesis" }, "schema"],
            [{ args: [{ name: "a b", type: "integer" }] }, "args"],
            [{ args: [{ name: "a", type: "public.mood" }] }, "args"],
            [{ args: [{ name: "a", type: "integer", mode: "BOTH" }] }, "args[0].mode"],
            [{ body: "BEGIN EXECUTE $q$ SELECT 1 $q$; END" }, "body"],
            [{ body: "BEGIN PERFORM $function$x$function$; END" }, "body"],
            [{ body: "" }, "body"],
        ];
        for (const [more, property] of refused) {
            const failures = await fn.failures(program(more));
            assert.ok(
                failures.some((failure) => failure.property === property),
                `${JSON.stringify(more)}: ${JSON.stringify(failures)}`,
            );
        }
    });

    it("is imported by its id", async () => {
        const fn = new Driven(module, "function:Function");
        fn.id = `${DATABASE}.${schema}.ready(integer)`;
        assert.equal(await fn.refresh(), false);
        await asSuperuser(
            `CREATE FUNCTION ${schema}.ready(a int) RETURNS int LANGUAGE sql AS 'SELECT a'`,
        );
        fn.id = `${DATABASE}.${schema}.ready(integer)`;
        assert.equal(await fn.refresh(), true);
        assert.deepEqual(fn.outputs.args, [{ mode: "IN", name: "a", type: "integer" }]);
        assert.equal(fn.outputs.returns, "integer");
    });
});
