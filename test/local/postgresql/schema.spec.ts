import assert from "node:assert/strict";
import fc from "fast-check";
import type { ProviderModule } from "../../../local/provider";
import {
    asSuperuser,
    DATABASE,
    Driven,
    fresh,
    MASTER,
    provider,
    stopServerAfterwards,
} from "./support";

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

async function ownerOf(schema: string): Promise<unknown> {
    const [row] = await asSuperuser(
        `SELECT nspowner::regrole::text AS owner FROM pg_namespace WHERE nspname = ${literal(schema)}`,
    );
    return row?.owner;
}

describe("local postgresql provider: Schema", function () {
    stopServerAfterwards();
    let module: ProviderModule;
    before(async () => {
        module = await provider();
    });

    it("leaves an owner alone that the program does not name", async () => {
        const name = fresh("mine");
        const owner = new Driven(module, "role:Role");
        const schema = new Driven(module, "schema:Schema");
        await owner.up({ name: `${name}_owner` });
        await schema.up({ name });
        assert.equal(schema.id, `${DATABASE}.${name}`);
        assert.equal(schema.outputs.database, DATABASE);
        assert.equal(schema.outputs.owner, MASTER);
        await schema.refresh();
        assert.equal(await schema.up({ name }), "same");
        await asSuperuser(`ALTER SCHEMA ${name} OWNER TO ${name}_owner`);
        await schema.refresh();
        assert.equal(schema.outputs.owner, `${name}_owner`);
        assert.equal(await schema.up({ name }), "same");
        await schema.destroy();
        assert.equal(await ownerOf(name), undefined);
        const memberships = await asSuperuser(
            `SELECT 1 FROM pg_auth_members WHERE roleid = '${name}_owner'::regrole AND set_option`,
        );
        assert.deepEqual(memberships, [], "the master is not left a member of the owner");
        await owner.destroy();
    });

    it("takes over a schema that exists, whatever ifNotExists says", async () => {
        const name = fresh("there");
        const strict = new Driven(module, "schema:Schema");
        const schema = new Driven(module, "schema:Schema");
        await schema.up({ name });
        await strict.up({ name, ifNotExists: false });
        assert.deepEqual(strict.outputs.policies, []);
        await schema.destroy();
    });

    it("renames in place", async () => {
        const name = fresh("old");
        const schema = new Driven(module, "schema:Schema");
        await schema.up({ name });
        assert.equal(await schema.up({ name: `${name}_new` }), "updated");
        assert.equal(await ownerOf(name), undefined);
        await schema.destroy();
        assert.equal(await schema.refresh(), false);
    });

    it("does not drop a schema with things in it", async () => {
        const name = fresh("full");
        const schema = new Driven(module, "schema:Schema");
        await schema.up({ name });
        await asSuperuser(`CREATE TABLE ${name}.t (a int)`);
        await assert.rejects(
            schema.destroy(),
            /error deleting schema: pq: cannot drop schema \w+ because other objects depend on it \(2BP01\)/,
        );
        await asSuperuser(`DROP TABLE ${name}.t`);
        await schema.destroy();
        assert.equal(await ownerOf(name), undefined);
    });

    it("moves to another database by replacement", async () => {
        const name = fresh("moved");
        const schema = new Driven(module, "schema:Schema");
        await asSuperuser(`CREATE DATABASE ${name} OWNER "${MASTER}"`);
        await schema.up({ name });
        assert.equal(await schema.up({ name, database: name }), "replaced");
        assert.equal(await ownerOf(name), undefined);
        assert.equal(schema.id, `${name}.${name}`);
        await asSuperuser(`DROP DATABASE ${name}`);
        assert.equal(await schema.refresh(), false);
    });

    it("is imported by its id", async () => {
        const name = fresh("import");
        await asSuperuser(`CREATE SCHEMA ${name}`);
        const schema = new Driven(module, "schema:Schema");
        schema.id = `${DATABASE}.${name}`;
        assert.equal(await schema.refresh(), true);
        assert.deepEqual(schema.inputs, { name, database: DATABASE });
        schema.id = "nothing";
        schema.outputs = {};
        await assert.rejects(schema.refresh(), /has not the expected format 'database.schema'/);
        await asSuperuser(`DROP SCHEMA ${name}`);
    });

    it("manages schemas of any name", async () => {
        const name = fc
            .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
            .map((text) => `s${text.replaceAll("\0", "")}`);
        await fc.assert(
            fc.asyncProperty(name, async (text) => {
                const schema = new Driven(module, "schema:Schema");
                await schema.up({ name: text });
                assert.equal(await ownerOf(text), `"${MASTER}"`);
                assert.equal(await schema.refresh(), true);
                await schema.destroy();
                assert.equal(await ownerOf(text), undefined);
            }),
            { numRuns: 12 },
        );
    });
});
