import assert from "node:assert/strict";
import { Props, ProviderModule } from "../../../local/provider";
import { asSuperuser, DATABASE, Driven, fresh, provider } from "./support";

const ODD = `T "q" 'x' Ж`;
const oddIdentifier = `"${ODD.replaceAll('"', '""')}"`;

describe("local postgresql provider: Grant", function () {
    this.timeout(40_000);
    let module: ProviderModule;
    const name = fresh("g");
    const reader = `${name} Reader`;
    const owner = `${name}_owner`;

    const privilege = async (kind: string, object: string, right: string): Promise<unknown> => {
        const [row] = await asSuperuser(
            `SELECT has_${kind}_privilege('${reader}', $t$${object}$t$, '${right}') AS can`,
        );
        return row?.can;
    };
    const table = (object: string, right: string) => privilege("table", `${name}.${object}`, right);
    const program = (more: Props): Props => ({
        role: reader,
        database: DATABASE,
        schema: name,
        objectType: "table",
        privileges: ["SELECT"],
        ...more,
    });

    before(async () => {
        module = await provider();
        await new Driven(module, "role:Role").up({ name: reader });
        await new Driven(module, "role:Role").up({ name: owner });
        await new Driven(module, "schema:Schema").up({ name, owner });
        await asSuperuser(
            `CREATE TABLE ${name}.plain (a int, b int)`,
            `CREATE TABLE ${name}.${oddIdentifier} (a int)`,
            `CREATE TABLE ${name}.parted (a int) PARTITION BY RANGE (a)`,
            ...["plain", oddIdentifier, "parted"].map(
                (object) => `ALTER TABLE ${name}.${object} OWNER TO ${owner}`,
            ),
        );
    });

    it("grants on all tables of a schema, reduces in place, and takes all away at the end", async () => {
        const grant = new Driven(module, "grant:Grant");
        await grant.up(program({ privileges: ["SELECT", "INSERT"] }));
        assert.equal(grant.id, `${reader}_${DATABASE}_${name}_table`);
        for (const object of ["plain", oddIdentifier, "parted"]) {
            assert.deepEqual(
                [await table(object, "SELECT"), await table(object, "INSERT")],
                [true, true],
            );
        }
        await grant.refresh();
        assert.equal(await grant.up(program({ privileges: ["INSERT", "SELECT"] })), "same");
        assert.equal(await grant.up(program({ privileges: ["SELECT"] })), "updated");
        assert.deepEqual(
            [await table("plain", "SELECT"), await table("plain", "INSERT")],
            [true, false],
        );
        await grant.destroy();
        assert.equal(await table("plain", "SELECT"), false);
    });

    it("grants on the named objects only and leaves the master no member of their owner", async () => {
        const grant = new Driven(module, "grant:Grant");
        await grant.up(program({ objects: [ODD, "parted"], privileges: ["ALL"] }));
        assert.deepEqual(
            [await table(oddIdentifier, "TRUNCATE"), await table("plain", "SELECT")],
            [true, false],
        );
        await grant.refresh();
        assert.deepEqual(grant.inputs.privileges, ["ALL"], "ALL covers what PostgreSQL 17 adds");
        assert.deepEqual(
            await asSuperuser(
                `SELECT 1 FROM pg_auth_members WHERE roleid = '${owner}'::regrole AND set_option`,
            ),
            [],
        );
        await grant.destroy();
    });

    it("sees a privilege that was taken away or added, and puts it right, but not on a partitioned table", async () => {
        const grant = new Driven(module, "grant:Grant");
        await grant.up(program({}));
        await asSuperuser(`REVOKE ALL ON ${name}.plain FROM "${reader}"`);
        await grant.refresh();
        assert.deepEqual(grant.inputs.privileges, []);
        assert.equal(await grant.up(program({})), "updated");
        assert.equal(await table("plain", "SELECT"), true);
        await asSuperuser(`GRANT DELETE ON ${name}.plain TO "${reader}"`);
        await grant.refresh();
        assert.equal(await grant.up(program({})), "updated");
        assert.equal(await table("plain", "DELETE"), false);
        await asSuperuser(`REVOKE ALL ON ${name}.parted FROM "${reader}"`);
        await grant.refresh();
        assert.equal(await grant.up(program({})), "same");
        await grant.destroy();
    });

    it("replaces when anything but the privileges changes, the old grant first", async () => {
        const grant = new Driven(module, "grant:Grant");
        await grant.up(program({ objects: ["plain"] }));
        assert.equal(
            await grant.up(program({ objects: ["plain"], withGrantOption: true })),
            "replaced",
        );
        assert.equal(await table("plain", "SELECT WITH GRANT OPTION"), true);
        assert.equal(await grant.up(program({ objects: ["parted"] })), "replaced");
        assert.deepEqual(
            [await table("plain", "SELECT"), await table("parted", "SELECT")],
            [false, true],
        );
        await grant.destroy();
    });

    it("grants on the schema", async () => {
        const grant = new Driven(module, "grant:Grant");
        const more = { objectType: "schema", privileges: ["USAGE"] };
        await grant.up(program(more));
        assert.equal(grant.id, `${reader}_${DATABASE}_${name}_schema`);
        assert.deepEqual([grant.outputs.objects, grant.outputs.columns], [null, null]);
        assert.equal(await privilege("schema", name, "USAGE"), true);
        assert.equal(await grant.refresh(), true);
        assert.equal(await grant.up(program(more)), "same");
        await asSuperuser(`REVOKE ALL ON SCHEMA ${name} FROM "${reader}"`);
        await grant.refresh();
        assert.equal(await grant.up(program(more)), "updated");
        await grant.destroy();
        assert.equal(await privilege("schema", name, "USAGE"), false);
    });

    it("takes a parenthesis in a table's name for the beginning of a function's argument types", async () => {
        await asSuperuser(
            `CREATE TABLE ${name}."T (x)" (a int)`,
            `ALTER TABLE ${name}."T (x)" OWNER TO ${owner}`,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ objects: ["T (x)"] })),
            /^Error: 1 error occurred:\n\t\* could not execute revoke query: pq: syntax error at or near "\("/,
        );
        await asSuperuser(`DROP TABLE ${name}."T (x)"`);
    });

    it("is gone when its role is gone, and then cannot be deleted", async () => {
        const role = new Driven(module, "role:Role");
        const grant = new Driven(module, "grant:Grant");
        await role.up({ name: `${name}_leaver` });
        await grant.up(program({ role: `${name}_leaver` }));
        await assert.rejects(
            role.destroy(),
            /could not delete role \w+_leaver: pq: role "\w+_leaver" cannot be dropped because some objects depend on it \(2BP01\)/,
            "the master may not revoke what another owner's objects give, as on RDS",
        );
        await asSuperuser(`DROP OWNED BY ${name}_leaver`, `DROP ROLE ${name}_leaver`);
        await assert.rejects(
            grant.destroy(),
            /could not execute revoke query: pq: role "\w+_leaver" does not exist \(42704\)/,
        );
        assert.equal(await grant.refresh(), false);
    });

    it("says what is missing in the plugin's words", async () => {
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ role: "nobody here" })),
            /could not execute revoke query: pq: role "nobody here" does not exist \(42704\)/,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ schema: "nowhere" })),
            /could not find schema 'nowhere' while looking for owner/,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ database: "no db" })),
            /error connecting to PostgreSQL server localhost \(scheme: postgres\): pq: database "no db" does not exist \(3D000\)/,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ objects: ["absent"] })),
            /could not execute revoke query: pq: relation "g_\w+\.absent" does not exist \(42P01\)/,
        );
    });

    it("refuses what the real provider refuses, in the preview", async () => {
        const grant = new Driven(module, "grant:Grant");
        const refused: [Props, RegExp][] = [
            [{ schema: undefined }, /"schema" is required/],
            [
                { objectType: "schema", objects: ["x"], privileges: ["USAGE"] },
                /"objects" must be left out/,
            ],
            [{ objectType: "view" }, /"objectType" is "view" but must be one of schema, table/],
            [{ columns: ["a"] }, /"columns" is not served/],
            [{ privileges: ["EXECUTE"] }, /"privileges" has "EXECUTE", .* it knows ALL, SELECT/],
            [{ privileges: ["MAINTAIN"] }, /"privileges" has "MAINTAIN"/],
            [{ privileges: undefined }, /"privileges" is required/],
            [
                { role: "public", withGrantOption: true },
                /"withGrantOption" cannot be true for role public/,
            ],
            [{ grantee: "x" }, /"grantee" does not exist here; there is role, database/],
        ];
        for (const [more, reason] of refused) {
            const failures = await grant.failures(program(more));
            assert.ok(
                failures.some((failure) => reason.test(failure.reason)),
                `${String(reason)} in ${JSON.stringify(failures)}`,
            );
        }
    });
});
