import assert from "node:assert/strict";
import { ProviderModule } from "../../../local/provider";
import {
    asRole,
    asSuperuser,
    DATABASE,
    Driven,
    fresh,
    MASTER,
    MASTER_PASSWORD,
    provider,
} from "./support";

describe("local postgresql provider: GrantRole and DefaultPrivileges", function () {
    this.timeout(40_000);
    let module: ProviderModule;
    before(async () => {
        module = await provider();
    });

    const options = async (role: string, member: string): Promise<unknown> => {
        const [row] = await asSuperuser(
            `SELECT bool_or(admin_option) AS admin, bool_or(inherit_option) AS inherit, bool_or(set_option) AS set
             FROM pg_auth_members
             WHERE roleid = '${role}'::regrole AND pg_get_userbyid(member) = '${member.replaceAll("'", "''")}'`,
        );
        return row;
    };

    it("reads the grant that CREATE ROLE gave the role's creator, and takes the membership away at every update (PostgreSQL 16 and later)", async () => {
        const name = fresh("self");
        const role = new Driven(module, "role:Role");
        const membership = new Driven(module, "grantRole:GrantRole");
        await role.up({ name });
        assert.deepEqual(await options(name, MASTER), { admin: true, inherit: false, set: false });
        const program = { role: MASTER, grantRole: name };
        await membership.up(program);
        assert.equal(membership.id, `${MASTER}_${name}_true`, "nobody asked for ADMIN OPTION");
        assert.equal(membership.outputs.withAdminOption, true);
        assert.deepEqual(await options(name, MASTER), { admin: true, inherit: true, set: true });
        await asRole(MASTER, MASTER_PASSWORD, `SET ROLE ${name}`);
        for (let update = 0; update < 2; update += 1) {
            assert.equal(await membership.up(program), "replaced");
            assert.deepEqual(
                await options(name, MASTER),
                { admin: true, inherit: false, set: false },
                "created before the old one is revoked",
            );
        }
        await membership.destroy();
        await role.destroy();
    });

    it("keeps the membership where the program ignores changes of ADMIN OPTION", async () => {
        const name = fresh("self");
        const role = new Driven(module, "role:Role");
        const membership = new Driven(module, "grantRole:GrantRole");
        membership.ignored = ["withAdminOption"];
        await role.up({ name });
        await membership.up({ role: MASTER, grantRole: name });
        assert.equal(await membership.up({ role: MASTER, grantRole: name }), "same");
        await membership.refresh();
        assert.equal(await membership.up({ role: MASTER, grantRole: name }), "same");
        assert.deepEqual(await options(name, MASTER), { admin: true, inherit: true, set: true });
        await membership.destroy();
        await role.destroy();
    });

    it("passes rds_replication on, sees it gone, and grants with ADMIN OPTION", async () => {
        const name = fresh("source");
        const role = new Driven(module, "role:Role");
        const membership = new Driven(module, "grantRole:GrantRole");
        await role.up({ name });
        await membership.up({ role: name, grantRole: "rds_replication", withAdminOption: true });
        assert.equal(membership.id, `${name}_rds_replication_true`);
        assert.deepEqual(await options("rds_replication", name), {
            admin: true,
            inherit: true,
            set: true,
        });
        await asSuperuser(`REVOKE rds_replication FROM ${name} GRANTED BY "${MASTER}"`);
        assert.equal(await membership.refresh(), false);
        await role.destroy();
    });

    it("finds a membership again that was granted through another role's ADMIN OPTION", async () => {
        const name = fresh("indirect");
        await asSuperuser(
            `CREATE ROLE ${name}_holder`,
            `CREATE ROLE ${name}_granted`,
            `GRANT ${name}_granted TO ${name}_holder WITH ADMIN OPTION`,
            `GRANT ${name}_holder TO "${MASTER}"`,
        );
        const role = new Driven(module, "role:Role");
        const membership = new Driven(module, "grantRole:GrantRole");
        await role.up({ name });
        await membership.up({ role: name, grantRole: `${name}_granted` });
        assert.equal(await membership.refresh(), true);
        await membership.destroy();
        membership.id = "again";
        assert.equal(await membership.refresh(), false);
        await role.destroy();
    });

    it("loses the membership when ADMIN OPTION changes, as with the real provider: the old one goes last", async () => {
        const name = fresh("flip");
        const role = new Driven(module, "role:Role");
        const membership = new Driven(module, "grantRole:GrantRole");
        await role.up({ name });
        await membership.up({ role: name, grantRole: "rds_replication" });
        assert.equal(
            await membership.up({
                role: name,
                grantRole: "rds_replication",
                withAdminOption: true,
            }),
            "replaced",
        );
        assert.equal(await membership.refresh(), false);
        await role.destroy();
    });

    it("fails in the plugin's words for a circle and a missing role", async () => {
        await assert.rejects(
            new Driven(module, "grantRole:GrantRole").up({ role: MASTER, grantRole: "no such" }),
            /^Error: 1 error occurred:\n\t\* could not execute revoke query: pq: role "no such" does not exist \(42704\)\n\n$/,
        );
        await assert.rejects(
            new Driven(module, "grantRole:GrantRole").up({
                role: "rds_superuser",
                grantRole: "postgres",
            }),
            /pq: permission denied to (grant|revoke) role "postgres" \(42501\)/,
        );
    });

    it("sets, changes, reads and removes default privileges of an owner the master is no member of", async () => {
        const name = fresh("dp");
        for (const one of [`${name}_owner`, `${name}_reader`]) {
            await new Driven(module, "role:Role").up({ name: one });
        }
        const schema = new Driven(module, "schema:Schema");
        await schema.up({ name, owner: `${name}_owner`, dropCascade: true });
        const defaults = new Driven(module, "defaultPrivileges:DefaultPrivileges");
        const program = {
            role: `${name}_reader`,
            owner: `${name}_owner`,
            database: DATABASE,
            schema: name,
            objectType: "table",
            privileges: ["SELECT", "INSERT"],
        };
        await defaults.up(program);
        assert.equal(defaults.id, `${name}_reader_${DATABASE}_${name}_${name}_owner_table`);
        const can = async (table: string, right: string): Promise<unknown> => {
            const [row] = await asSuperuser(
                `SET ROLE ${name}_owner`,
                `CREATE TABLE ${name}.${table} (a int)`,
                `SELECT has_table_privilege('${name}_reader', '${name}.${table}', '${right}') AS can`,
            );
            return row?.can;
        };
        assert.equal(await can("one", "INSERT"), true);
        await defaults.refresh();
        assert.equal(await defaults.up({ ...program, privileges: ["INSERT", "SELECT"] }), "same");
        assert.equal(await defaults.up({ ...program, privileges: ["SELECT"] }), "updated");
        assert.equal(await can("two", "INSERT"), false);
        await asSuperuser(
            `ALTER DEFAULT PRIVILEGES FOR ROLE ${name}_owner IN SCHEMA ${name} GRANT DELETE ON TABLES TO ${name}_reader`,
        );
        await defaults.refresh();
        assert.deepEqual(defaults.inputs.privileges, ["DELETE", "SELECT"]);
        assert.equal(await defaults.up({ ...program, privileges: ["SELECT"] }), "updated");
        assert.equal(await can("three", "DELETE"), false);
        await defaults.destroy();
        assert.equal(await can("four", "SELECT"), false);
        defaults.id = "again";
        assert.equal(await defaults.refresh(), false, "without privileges it counts as gone");
        await schema.destroy();
    });

    it("takes the default EXECUTE on functions from everybody, in all schemas", async () => {
        const name = fresh("exec");
        const role = new Driven(module, "role:Role");
        await role.up({ name });
        const defaults = new Driven(module, "defaultPrivileges:DefaultPrivileges");
        const program = {
            role: "public",
            owner: name,
            database: DATABASE,
            objectType: "function",
            privileges: [],
        };
        await defaults.up(program);
        assert.equal(defaults.id, `public_${DATABASE}_noschema_${name}_function`);
        assert.equal(await defaults.refresh(), true);
        assert.equal(await defaults.up(program), "same");
        const failures = await defaults.failures({
            ...program,
            objectType: "schema",
            schema: "s",
            withGrantOption: true,
            privileges: ["SELECT"],
        });
        assert.deepEqual(
            failures.map(({ property }) => property),
            ["schema", "withGrantOption", "privileges"],
        );
        await defaults.destroy();
        await role.destroy();
        await assert.rejects(
            defaults.destroy(),
            /could not check if role exec_\w+ is superuser: sql: no rows in result set/,
        );
    });
});
