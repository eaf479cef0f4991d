import assert from "node:assert/strict";
import { ProviderModule } from "../../../local/provider";
import { asSuperuser, DATABASE, Driven, fresh, MASTER, provider } from "./support";

describe("local postgresql provider: Database and Extension", function () {
    this.timeout(40_000);
    let module: ProviderModule;
    before(async () => {
        module = await provider();
    });

    const ownerOf = async (name: string): Promise<unknown> => {
        const [row] = await asSuperuser(
            `SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = '${name}'`,
        );
        return row?.owner;
    };

    it("creates, changes, renames and drops a database", async () => {
        const name = `${fresh("db")} "x"`;
        const role = new Driven(module, "role:Role");
        const database = new Driven(module, "database:Database");
        await role.up({ name: fresh("dbowner") });
        await database.up({ name });
        assert.equal(database.id, name);
        assert.equal(await ownerOf(name), MASTER);
        assert.equal(database.outputs.encoding, "UTF8");
        assert.equal(database.outputs.template, "template0");
        await database.refresh();
        assert.equal(await database.up({ name }), "same");
        const next = { name: `${name} 2`, owner: role.id, connectionLimit: 5 };
        assert.equal(await database.up(next), "updated");
        assert.equal(await ownerOf(next.name), role.id);
        assert.deepEqual(
            await asSuperuser(
                `SELECT 1 FROM pg_auth_members WHERE roleid = '${role.id}'::regrole AND set_option`,
            ),
            [],
        );
        await asSuperuser(`ALTER DATABASE "${next.name.replaceAll('"', '""')}" CONNECTION LIMIT 9`);
        await database.refresh();
        assert.equal(database.inputs.connectionLimit, 9);
        assert.equal(await database.up(next), "updated");
        assert.equal(
            await database.up({ ...next, lcCollate: "C", template: "template0" }),
            "replaced",
        );
        await database.destroy();
        assert.equal(await ownerOf(next.name), undefined);
        assert.equal(await database.refresh(), false);
        await role.destroy();
    });

    it("leaves no membership behind when a statement fails", async () => {
        const role = new Driven(module, "role:Role");
        await role.up({ name: fresh("dbowner") });
        await assert.rejects(
            new Driven(module, "database:Database").up({
                name: fresh("db"),
                owner: role.id,
                template: "no template",
            }),
            /^Error: The database "db_\w+" could not be created: template database "no template" does not exist/,
        );
        assert.deepEqual(
            await asSuperuser(
                `SELECT 1 FROM pg_auth_members WHERE roleid = '${role.id}'::regrole AND set_option`,
            ),
            [],
        );
        await role.destroy();
    });

    it("gives the old owner's objects to the new owner with alterObjectOwnership", async () => {
        const role = new Driven(module, "role:Role");
        const database = new Driven(module, "database:Database");
        const schema = new Driven(module, "schema:Schema");
        await role.up({ name: fresh("dbowner") });
        const name = fresh("owned");
        await database.up({ name, owner: MASTER });
        await schema.up({ name: "inside", database: name });
        await database.up({ name, owner: role.id, alterObjectOwnership: true });
        await schema.refresh();
        assert.equal(schema.outputs.owner, role.id);
        await database.destroy();
        await schema.destroy();
        await role.destroy();
    });

    it("creates a trusted extension, moves it and drops it", async () => {
        const name = fresh("ext");
        const schema = new Driven(module, "schema:Schema");
        const extension = new Driven(module, "extension:Extension");
        await schema.up({ name });
        await extension.up({ name: "hstore" });
        assert.equal(extension.id, `${DATABASE}.hstore`);
        assert.equal(extension.outputs.schema, "public");
        await assert.rejects(
            extension.up({ name: "hstore", schema: name }),
            /The extension "hstore" could not be updated: must be owner of type hstore; let the/,
            "PostgreSQL gives a trusted extension's objects to the bootstrap superuser",
        );
        await asSuperuser(`ALTER EXTENSION hstore SET SCHEMA ${name}`);
        await extension.refresh();
        assert.equal(extension.outputs.schema, name);
        assert.equal(await extension.up({ name: "hstore" }), "same");
        await extension.destroy();
        assert.equal(await extension.refresh(), false);
        await assert.rejects(
            new Driven(module, "extension:Extension").up({ name: "pageinspect" }),
            /The extension "pageinspect" could not be created: permission denied/,
        );
        await schema.destroy();
    });
});
