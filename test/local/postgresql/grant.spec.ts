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
            `CREATE SEQUENCE ${name}.seq`,
            `CREATE FUNCTION ${name}.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
            `CREATE FUNCTION ${name}.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 2'`,
            ...["plain", oddIdentifier, "parted"].map(
                (object) => `ALTER TABLE ${name}.${object} OWNER TO ${owner}`,
            ),
            `ALTER SEQUENCE ${name}.seq OWNER TO ${owner}`,
            `ALTER FUNCTION ${name}.f(int) OWNER TO ${owner}`,
            `ALTER FUNCTION ${name}.f(text) OWNER TO ${owner}`,
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

    it("sees a privilege that was taken away or added, and puts it right", async () => {
        const grant = new Driven(module, "grant:Grant");
        await grant.up(program({}));
        await asSuperuser(`REVOKE ALL ON ${name}.plain FROM "${reader}"`);
        await grant.refresh();
        assert.deepEqual(grant.inputs.privileges, []);
        assert.equal(await grant.up(program({})), "updated");
        assert.equal(await table("plain", "SELECT"), true);
        await asSuperuser(`GRANT DELETE ON ${name}.parted TO "${reader}"`);
        await grant.refresh();
        assert.equal(await grant.up(program({})), "updated");
        assert.equal(await table("parted", "DELETE"), false);
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

    it("grants on the database, the schema, sequences, columns and one of two functions", async () => {
        const cases: [Props, string, () => Promise<unknown>][] = [
            [
                { objectType: "database", schema: undefined, privileges: ["CREATE"] },
                `${reader}_${DATABASE}_database`,
                () => privilege("database", DATABASE, "CREATE"),
            ],
            [
                { objectType: "schema", privileges: ["USAGE"] },
                `${reader}_${DATABASE}_${name}_schema`,
                () => privilege("schema", name, "USAGE"),
            ],
            [
                { objectType: "sequence", privileges: ["USAGE"] },
                `${reader}_${DATABASE}_${name}_sequence`,
                () => privilege("sequence", `${name}.seq`, "USAGE"),
            ],
            [
                {
                    objectType: "column",
                    objects: ["plain"],
                    columns: ["b"],
                    privileges: ["UPDATE"],
                },
                `${reader}_${DATABASE}_${name}_column_plain_b`,
                async () => {
                    const [row] = await asSuperuser(
                        `SELECT has_column_privilege('${reader}', '${name}.plain', 'b', 'UPDATE')
                                AND NOT has_column_privilege('${reader}', '${name}.plain', 'a', 'UPDATE') AS can`,
                    );
                    return row?.can === true;
                },
            ],
        ];
        for (const [more, id, check] of cases) {
            const grant = new Driven(module, "grant:Grant");
            assert.equal(await check(), false, id);
            await grant.up(program(more));
            assert.equal(grant.id, id);
            assert.equal(await check(), true, id);
            assert.equal(await grant.refresh(), true);
            assert.equal(await grant.up(program(more)), "same", id);
            await grant.destroy();
            assert.equal(await check(), false, id);
        }
    });

    it("takes EXECUTE from everybody and gives it on one of two functions of a name", async () => {
        const everybody = new Driven(module, "grant:Grant");
        const one = new Driven(module, "grant:Grant");
        const f = (types: string) => privilege("function", `${name}.f(${types})`, "EXECUTE");
        assert.equal(await f("int"), true, "PostgreSQL lets PUBLIC execute new functions");
        const nothing = { role: "public", objectType: "function", privileges: [] };
        await everybody.up(program(nothing));
        assert.deepEqual([await f("int"), await f("text")], [false, false]);
        await everybody.refresh();
        assert.equal(await everybody.up(program(nothing)), "same");
        await one.up(
            program({ objectType: "function", objects: ["f(text)"], privileges: ["EXECUTE"] }),
        );
        assert.deepEqual([await f("int"), await f("text")], [false, true]);
        await one.refresh();
        assert.deepEqual(one.inputs.privileges, ["EXECUTE"]);
        await one.destroy();
    });

    it("is gone when its role or schema is gone, and then deletes without a word", async () => {
        const role = new Driven(module, "role:Role");
        const grant = new Driven(module, "grant:Grant");
        await role.up({ name: `${name}_leaver` });
        await grant.up(program({ role: `${name}_leaver` }));
        await assert.rejects(
            role.destroy(),
            /cannot be dropped because some objects depend on it .*; remove what depends on it first/,
            "the master may not revoke what another owner's objects give, as on RDS",
        );
        await asSuperuser(`DROP OWNED BY ${name}_leaver`, `DROP ROLE ${name}_leaver`);
        await grant.destroy();
        grant.id = "again";
        assert.equal(await grant.refresh(), false);
    });

    it("says what is missing", async () => {
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ role: "nobody here" })),
            /^Error: The grant to role "nobody here" on table "g_\w+" could not be created: role "nobody here" does not exist; create it first/,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ schema: "nowhere" })),
            /could not be created: schema "nowhere" does not exist; create it first/,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ database: "no db" })),
            /has no database "no db"; create it first/,
        );
        await assert.rejects(
            new Driven(module, "grant:Grant").up(program({ objects: ["absent"] })),
            /relation "g_\w+\.absent" does not exist; create it first/,
        );
    });

    it("refuses what the real provider refuses, in the preview", async () => {
        const grant = new Driven(module, "grant:Grant");
        const refused: [Props, RegExp][] = [
            [{ schema: undefined }, /"schema" is required for object type table/],
            [
                { objectType: "schema", objects: ["x"], privileges: ["USAGE"] },
                /"objects" must be left out/,
            ],
            [{ objectType: "view" }, /"objectType" is "view" but must be one of/],
            [{ columns: ["a"] }, /"columns" is only for object type column/],
            [{ objectType: "column", objects: ["plain"] }, /"columns" is required/],
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
