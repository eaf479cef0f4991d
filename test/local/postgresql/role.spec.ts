import assert from "node:assert/strict";
import fc from "fast-check";
import { type Props, type ProviderModule, UNKNOWN } from "../../../local/provider";
import {
    asRole,
    asSuperuser,
    Driven,
    fresh,
    MASTER,
    provider,
    secretsOf,
    serverLog,
    stopServerAfterwards,
} from "./support";

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

async function attributes(name: string): Promise<unknown> {
    const [row] = await asSuperuser(
        `SELECT rolcanlogin AS login, rolcreatedb AS createdb, rolcreaterole AS createrole, rolinherit AS inherit,
                rolsuper AS superuser, rolreplication AS replication, rolconnlimit AS connections, rolconfig AS settings
         FROM pg_roles WHERE rolname = ${literal(name)}`,
    );
    return row;
}

describe("local postgresql provider: Role", function () {
    stopServerAfterwards();
    let module: ProviderModule;
    before(async () => {
        module = await provider();
    });

    it("creates a role with the attributes asked for and the real provider's defaults", async () => {
        const name = fresh("plain");
        const role = new Driven(module, "role:Role");
        assert.equal(await role.up({ name, createDatabase: true, connectionLimit: 3 }), "created");
        assert.equal(role.id, name);
        assert.deepEqual(await attributes(name), {
            login: false,
            createdb: true,
            createrole: false,
            inherit: true,
            superuser: false,
            replication: false,
            connections: 3,
            settings: null,
        });
        assert.equal(role.outputs.validUntil, "infinity");
        assert.equal(role.outputs.encryptedPassword, true);
        await role.refresh();
        assert.equal(await role.up({ name, createDatabase: true, connectionLimit: 3 }), "same");
        await role.destroy();
        assert.equal(await attributes(name), undefined);
        await assert.rejects(
            role.destroy(),
            /could not check if role \w+ is superuser: sql: no rows in result set/,
        );
    });

    it("lets the role log in with its password and with a new one, which the server may log", async () => {
        const name = fresh("login");
        const passwords = ["sec'ret 1", 'another"Secret2 Gr\u00fc\u00dfe'];
        const role = new Driven(module, "role:Role");
        for (const password of passwords) {
            await role.up({ name, login: true, password });
            const [row] = await asRole(name, password, "SELECT current_user::text AS me");
            assert.equal(row?.me, name);
        }
        await assert.rejects(asRole(name, passwords[0] ?? "", "SELECT 1"), /password/);
        assert.ok((await serverLog()).includes('another"Secret2'), "where log_statement is on");
        assert.equal(await role.up({ name, login: true }), "updated");
        await asRole(name, passwords[1] ?? "", "SELECT 1");
        await role.destroy();
    });

    it("doubles the backslashes of a password, which makes it another one", async () => {
        const name = fresh("backslash");
        const role = new Driven(module, "role:Role");
        await role.up({ name, login: true, password: "a\\b" });
        await assert.rejects(asRole(name, "a\\b", "SELECT 1"), /password/);
        await asRole(name, "a\\\\b", "SELECT 1");
        await role.destroy();
    });

    it("keeps only defaults that are not zero among the inputs, and every property in the outputs", async () => {
        const name = fresh("wire");
        const role = new Driven(module, "role:Role");
        await role.up({ name, superuser: false });
        const inputs = {
            __defaults: ["connectionLimit", "encryptedPassword", "inherit", "validUntil"],
            name,
            connectionLimit: -1,
            encryptedPassword: true,
            inherit: true,
            superuser: false,
            validUntil: "infinity",
        };
        assert.deepEqual(role.inputs, inputs);
        const outputs = {
            assumeRole: "",
            bypassRowLevelSecurity: false,
            connectionLimit: -1,
            createDatabase: false,
            createRole: false,
            encrypted: null,
            encryptedPassword: true,
            id: name,
            idleInTransactionSessionTimeout: 0,
            inherit: true,
            login: false,
            name,
            password: null,
            replication: false,
            roles: null,
            searchPaths: null,
            statementTimeout: 0,
            superuser: false,
            validUntil: "infinity",
        };
        assert.deepEqual(role.outputs, outputs);
        await role.refresh();
        assert.deepEqual(role.inputs, inputs);
        assert.deepEqual(role.outputs, { ...outputs, roles: [], searchPaths: [] });
        assert.equal(await role.up({ name, superuser: false }), "same");
        await role.destroy();
    });

    it("marks passwords as secrets, also where there is none", async () => {
        const name = fresh("secret");
        const role = new Driven(module, "role:Role");
        await role.up({ name });
        assert.deepEqual(secretsOf(role.raw.inputs), []);
        assert.deepEqual(secretsOf(role.raw.outputs).sort(), ["password"]);
        await role.up({ name, password: "s3cret" });
        assert.deepEqual(secretsOf(role.raw.inputs), ["password"]);
        assert.deepEqual(secretsOf(role.raw.outputs).sort(), ["password"]);
        await role.destroy();
    });

    it("keeps the defaults that an older stand-in noted, and takes its state over without a change", async () => {
        const name = fresh("old");
        const role = new Driven(module, "role:Role");
        await role.up({ name });
        // Before the names of defaults were noted, all of them were among the inputs, and the inputs were the outputs.
        role.inputs = {
            name,
            connectionLimit: -1,
            encryptedPassword: true,
            inherit: true,
            validUntil: "infinity",
            superuser: false,
            login: false,
            statementTimeout: 0,
        };
        role.outputs = { ...role.inputs, roles: [] };
        assert.equal(await role.up({ name }), "same");
        await role.destroy();
    });

    it("leaves alone what the program ignores, also in an update", async () => {
        const name = fresh("ignored");
        const role = new Driven(module, "role:Role");
        role.ignored = ["createDatabase"];
        await role.up({ name });
        await asSuperuser(`ALTER ROLE ${name} CREATEDB`);
        await role.refresh();
        assert.equal(await role.up({ name }), "same");
        assert.equal(await role.up({ name, login: true }), "updated");
        assert.equal(((await attributes(name)) as { createdb: boolean }).createdb, true);
        await role.destroy();
    });

    it("changes attributes, settings and the name in place", async () => {
        const name = fresh("alter");
        const role = new Driven(module, "role:Role");
        await role.up({ name, searchPaths: ["a", "B c"], statementTimeout: 1500 });
        assert.deepEqual(role.outputs.searchPaths, ["a", "B c"]);
        assert.equal(role.outputs.statementTimeout, 1500);
        const next = {
            name: `${name} Neu`,
            login: true,
            createRole: true,
            idleInTransactionSessionTimeout: 20,
            assumeRole: "rds_superuser",
            roles: ["rds_superuser"],
        };
        assert.equal(await role.up(next), "updated");
        assert.equal(await attributes(name), undefined);
        assert.deepEqual(await attributes(next.name), {
            login: true,
            createdb: false,
            createrole: true,
            inherit: true,
            superuser: false,
            replication: false,
            connections: -1,
            settings: ["idle_in_transaction_session_timeout=20", "role=rds_superuser"],
        });
        await role.refresh();
        assert.equal(await role.up(next), "same");
        await role.destroy();
    });

    it("sees drift, puts it right, and sees that a role is gone", async () => {
        const name = fresh("drift");
        const role = new Driven(module, "role:Role");
        await role.up({ name, login: true });
        await asSuperuser(`ALTER ROLE ${name} NOLOGIN CONNECTION LIMIT 7`);
        assert.equal(await role.refresh(), true);
        assert.equal(role.inputs.login, false);
        assert.equal(role.outputs.connectionLimit, 7);
        assert.equal(await role.up({ name, login: true }), "updated");
        assert.equal(((await attributes(name)) as { connections: number }).connections, -1);
        await asSuperuser(`DROP ROLE ${name}`);
        assert.equal(await role.refresh(), false);
    });

    it("cannot read a role whose time-out has a unit, neither in a refresh nor after an update", async () => {
        const name = fresh("unit");
        const role = new Driven(module, "role:Role");
        await role.up({ name });
        for (const [timeout, value] of [
            ["statement_timeout", "5s"],
            ["statement_timeout", "1.5min"],
            ["idle_in_transaction_session_timeout", "2 min"],
        ] as const) {
            await asSuperuser(`ALTER ROLE ${name} SET ${timeout} TO '${value}'`);
            const problem = new RegExp(
                `1 error occurred:\\n\\t\\* error reading statement_timeout: strconv.Atoi: parsing "${value}": invalid syntax\\n`,
            );
            await assert.rejects(role.refresh(), problem);
            await assert.rejects(role.up({ name, login: true }), problem);
            await asSuperuser(`ALTER ROLE ${name} SET ${timeout} TO 5000`);
        }
        assert.equal(await role.refresh(), true);
        assert.equal(await role.up({ name, login: true }), "updated");
        await role.destroy();
    });

    it("takes away memberships it does not list at any update, as the real provider does", async () => {
        const name = fresh("member");
        const role = new Driven(module, "role:Role");
        await role.up({ name });
        await asSuperuser(`GRANT rds_replication TO ${name} GRANTED BY "${MASTER}"`);
        assert.equal(await role.up({ name }), "same");
        await role.refresh();
        assert.deepEqual(role.outputs.roles, ["rds_replication"]);
        assert.equal(await role.up({ name }), "updated");
        const left = await asSuperuser(
            `SELECT FROM pg_auth_members WHERE member = '${name}'::regrole`,
        );
        assert.deepEqual(left, []);
        await role.destroy();
    });

    it("hands what the role owns to the master before it drops the role", async () => {
        const name = fresh("owner");
        const role = new Driven(module, "role:Role");
        await role.up({ name });
        await asSuperuser(
            `CREATE TABLE public.${name} (a int)`,
            `ALTER TABLE public.${name} OWNER TO ${name}`,
        );
        await role.destroy();
        const [row] = await asSuperuser(
            `SELECT tableowner AS owner FROM pg_tables WHERE tablename = '${name}'`,
        );
        assert.equal(row?.owner, MASTER);
        assert.equal(await attributes(name), undefined);
        await asSuperuser(`DROP TABLE public.${name}`);
    });

    it("refuses a role that the master may not give away", async () => {
        await assert.rejects(
            new Driven(module, "role:Role").up({ name: fresh("su"), superuser: true }),
            /error creating role su_\w+: pq: permission denied to create role \(42501\)/,
        );
    });

    it("refuses inputs of the wrong kind and of the wrong combination, and lets unknown ones pass", async () => {
        const role = new Driven(module, "role:Role");
        const properties = async (program: Props) =>
            (await role.failures({ name: "r", ...program })).map(({ property }) => property);
        assert.deepEqual(await properties({ login: "yes", connectionLimit: -2, roles: "x" }), [
            "connectionLimit",
            "login",
            "roles",
        ]);
        assert.deepEqual(await properties({ name: "" }), ["name"]);
        assert.deepEqual(await properties({ passwordWo: "x", skipDropRole: true }), [
            "passwordWo",
            "skipDropRole",
        ]);
        assert.deepEqual(await properties({ searchPaths: ["a, b"] }), ["searchPaths"]);
        assert.deepEqual(await properties({ password: UNKNOWN, login: UNKNOWN }), []);
        assert.deepEqual(await properties({ name: UNKNOWN, roles: [UNKNOWN] }), []);
    });

    it("manages roles of any name", async () => {
        const name = fc
            .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
            .map((text) => text.replaceAll("\0", ""))
            .filter((text) => text !== "" && Buffer.byteLength(text) < 50)
            .map((text) => `r${text}`);
        await fc.assert(
            fc.asyncProperty(name, name, async (one, two) => {
                const role = new Driven(module, "role:Role");
                await role.up({ name: one });
                assert.equal(await role.refresh(), true);
                if (one !== two) {
                    assert.equal(await role.up({ name: two }), "updated");
                }
                assert.equal(await role.refresh(), true);
                await role.destroy();
                assert.equal(await attributes(two), undefined);
            }),
            { numRuns: 12 },
        );
    });
});
