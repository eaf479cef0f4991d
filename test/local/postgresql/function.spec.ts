import assert from "node:assert/strict";
import type { Props, ProviderModule } from "../../../local/provider";
import {
    asSuperuser,
    DATABASE,
    Driven,
    fresh,
    MASTER,
    provider,
    stopServerAfterwards,
} from "./support";

const TRIGGER_BODY = `
BEGIN
    RAISE NOTICE 'it''s % \\ done', NEW;
    RETURN NEW;
END
`;

describe("local postgresql provider: Function", function () {
    stopServerAfterwards();
    let module: ProviderModule;
    const schema = fresh("fn");
    const program = (more: Props = {}): Props => ({
        name: "trg_1",
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
        assert.equal(fn.id, `${DATABASE}.${schema}.trg_1()`);
        assert.deepEqual(fn.outputs.args, []);
        assert.deepEqual(fn.inputs.__defaults, ["language", "parallel", "volatility"]);
        assert.deepEqual(await live("trg_1"), {
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
            `CREATE TRIGGER t AFTER INSERT ON ${schema}.t FOR EACH ROW EXECUTE FUNCTION ${schema}.trg_1()`,
            `ALTER FUNCTION ${schema}.trg_1 SET search_path TO pg_catalog`,
        );
        const body = "BEGIN RETURN NULL; END";
        assert.equal(await fn.up(program({ body })), "updated");
        const after = (await live("trg_1")) as { body: string; config: unknown };
        assert.equal(after.body, body);
        assert.equal(after.config, null, "CREATE OR REPLACE drops the search_path");
        await assert.rejects(
            fn.destroy(),
            /pq: cannot drop function \w+\.trg_1\(\) because other objects depend on it \(2BP01\)/,
        );
        await asSuperuser(`DROP TABLE ${schema}.t`);
        await fn.destroy();
        assert.equal(await live("trg_1"), undefined);
        fn.id = `${DATABASE}.${schema}.trg_1()`;
        await fn.destroy();
        fn.id = `${DATABASE}.${schema}.trg_1()`;
        assert.equal(await fn.refresh(), false);
    });

    it("drops a function whose name needs quotes at every update, before it makes it anew", async () => {
        for (const name of ["MixedCase", "with blank", 'Trg "1"', "ünï", "select"]) {
            const quoted = `"${name.replaceAll('"', '""')}"`;
            const fn = new Driven(module, "function:Function");
            const wanted = program({ name });
            await fn.up(wanted);
            assert.equal(fn.id, `${DATABASE}.${schema}.${name}()`);
            assert.equal(fn.outputs.name, quoted, "as pg_get_functiondef writes it");
            assert.equal(await fn.up(wanted), "replaced");
            await asSuperuser(
                `CREATE TABLE ${schema}.t (a int)`,
                `CREATE TRIGGER t AFTER INSERT ON ${schema}.t FOR EACH ROW EXECUTE FUNCTION ${schema}.${quoted}()`,
            );
            await assert.rejects(fn.up(wanted), /because other objects depend on it \(2BP01\)/);
            await asSuperuser(`DROP TABLE ${schema}.t`);
            await fn.destroy();
        }
    });

    it("replaces by dropping first, also where the name changes", async () => {
        const name = fresh("old");
        const fn = new Driven(module, "function:Function");
        await fn.up(program({ name }));
        await assert.rejects(
            fn.up(program({ name: `${name}_new`, body: "nonsense" })),
            /syntax error at or near "nonsense"/,
        );
        assert.equal(await live(name), undefined, "the old one went before the new one failed");
    });

    it("makes a function whose name has a dot or a parenthesis, but cannot find it again", async () => {
        for (const [name, problem] of [
            [
                "with.dot",
                /1 error occurred:\n\t\* function ID .*\.with\.dot\(\) has not the expected format 'database\.schema\.function_name\(arguments\)'/,
            ],
            ["with(parenthesis", /expected non-nil error with nil state during Create of urn:/],
        ] as const) {
            await assert.rejects(
                new Driven(module, "function:Function").up(program({ name })),
                problem,
            );
            await assert.rejects(
                new Driven(module, "function:Function").up(program({ name })),
                /already exists with same argument types \(42723\)/,
            );
            await asSuperuser(`DROP FUNCTION ${schema}."${name}"()`);
        }
    });

    it("sees drift of the body and of the rights it runs with, and puts them right", async () => {
        const name = fresh("drift");
        const fn = new Driven(module, "function:Function");
        await fn.up(program({ name }));
        await asSuperuser(
            `CREATE OR REPLACE FUNCTION ${schema}.${name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
        );
        await fn.refresh();
        assert.equal(fn.inputs.body, TRIGGER_BODY, "the program's");
        assert.equal(fn.outputs.body, "BEGIN RETURN OLD; END");
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
            /1 error occurred:\n\t\* pq: function "\w+" already exists with same argument types \(42723\)/,
        );
        await assert.rejects(
            fn.up(program({ name, body: "BEGIN nonsense; END" })),
            /^Error: updating urn:.*: 1 error occurred:\n\t\* pq: syntax error at or near "nonsense" \(42601\)/,
        );
        await fn.destroy();
    });

    it("refuses what the real provider would break on", async () => {
        const fn = new Driven(module, "function:Function");
        const refused: [Props, string][] = [
            [{ name: "it's" }, "name"],
            [{ args: [] }, "args"],
            [{ dropCascade: true }, "dropCascade"],
            [{ body: "BEGIN EXECUTE $q$ SELECT 1 $q$; END" }, "body"],
            [{ body: "BEGIN PERFORM $function$x$function$; END" }, "body"],
            [{ body: "BEGIN -- a lone $$ is enough\nEND" }, "body"],
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
});
