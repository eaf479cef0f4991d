import assert from "node:assert/strict";
import type { Client } from "pg";
import { prepareSession } from "../../database/session";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import {
    connect,
    definitionOf,
    deploy,
    ITEMS,
    run,
    type Trail,
    trailDatabase,
} from "../../testing/trailDatabase";
import {
    type DatabaseUser,
    databaseUserBatches,
    databaseUsersLook,
} from "../../trail/databaseUsers";
import { auditGrants, sourceGrants } from "../../trail/grants";
import { MARKER_TABLE } from "../../trail/guards";
import { triggerFunction, triggerObjects } from "../../trail/logFunction";
import { tableObjects } from "../../trail/statements";
import { lookFile, retireFile } from "../../trail/tableLife";

const LINES = definitionOf(
    "Sales",
    "OrderLines",
    { id: "bigint", at: "timestamp(6) with time zone" },
    ["id"],
);
const LISTED = [ITEMS, LINES];

for (const major of [15, 17]) {
    describe(`rights on the audit cluster, PostgreSQL ${String(major)}`, () => {
        let server: ScratchServer;
        let trail: Trail;

        before(async function () {
            this.timeout(60_000);
            server = await scratchServer({ major });
            trail = await trailDatabase(server, "audit", LISTED);
        });

        after(async () => {
            await trail.stop();
            await server.stop();
        });

        /** Every right of every role, default privileges and memberships among them. */
        async function rights(): Promise<string[]> {
            const { rows } = await trail.superuser.query<{ told: string }>(`
            SELECT format('%s %s', c.oid::regclass, c.relacl) AS told FROM pg_class AS c
                WHERE c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%' AND c.relacl IS NOT NULL
            UNION ALL SELECT format('%s %s', p.oid::regprocedure, p.proacl) FROM pg_proc AS p
                WHERE p.pronamespace = 'audit_trail'::regnamespace
            UNION ALL SELECT format('%s %s', n.nspname, n.nspacl) FROM pg_namespace AS n
            UNION ALL SELECT format('default %s %s', d.defaclrole::regrole, d.defaclacl) FROM pg_default_acl AS d
            UNION ALL SELECT format('%s in %s by %s', m.member::regrole, m.roleid::regrole, m.grantor::regrole)
                FROM pg_auth_members AS m
            ORDER BY 1`);
            return rows.map(({ told }) => told);
        }

        async function look(): Promise<string[]> {
            const { rows } = await trail.master.query<{ about: string; finding: string }>(
                lookFile(LISTED).sql,
            );
            return rows.map(({ about, finding }) => `${about}: ${finding}`).sort();
        }

        it("are the same after a second and a third deployment", async () => {
            const first = await rights();
            for (let time = 0; time < 2; time += 1) {
                await deploy(trail.master, LISTED);
                assert.deepEqual(await rights(), first);
            }
        });

        it("of nobody but the owner reach further than auditing, operating and writing staging take", async () => {
            const { rows } = await trail.superuser.query<{ may: string }>(`
            SELECT format('%s: %s %s', a.grantee::regrole, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type), c.oid::regclass) AS may
            FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
            WHERE c.relnamespace::regnamespace::text IN ('public', '"Sales"', 'audit_trail') AND a.grantee <> c.relowner
            GROUP BY a.grantee, c.oid ORDER BY 1`);
            const written = ["items_staging", '"Sales"."OrderLines_staging"'].map(
                (name) => `audit_trail_dms_target: DELETE INSERT SELECT TRUNCATE UPDATE ${name}`,
            );
            const read = [
                '"Sales"."OrderLines_audit_log"',
                "audit_trail.acknowledgement",
                "audit_trail.audited_column",
                "audit_trail.audited_partition",
                "audit_trail.audited_table",
                "audit_trail.brought_back",
                "audit_trail.database_user",
                "audit_trail.former_column",
                "audit_trail.gap",
                "audit_trail.gap_kind",
                "audit_trail.known_gap",
                "audit_trail.log_count",
                "audit_trail.schema_version",
                "audit_trail.unlogged_change",
                "items_audit_log",
            ].map((name) => `audit_trail_auditor: SELECT ${name}`);
            assert.deepEqual(
                rows.map(({ may }) => may).sort(),
                [
                    ...read,
                    ...written,
                    "audit_trail_collector: SELECT audit_trail.audited_partition",
                    "audit_trail_collector: SELECT audit_trail.audited_table",
                    "audit_trail_collector: INSERT SELECT audit_trail.gap",
                ].sort(),
            );
        });

        it("let nobody stop a change of staging by a table or a function of its rows' type", async () => {
            await trail.superuser
                .query(`CREATE ROLE guest LOGIN PASSWORD 'scratch' IN ROLE audit_trail_auditor;
                CREATE SCHEMA guest AUTHORIZATION guest`);
            const guest = await connect(server, { user: "guest", database: "audit" });
            for (const type of ["public.items_staging", "items_audit_log", "audit_trail.gap"]) {
                for (const made of [
                    `CREATE TABLE guest.held (a ${type}[])`,
                    `CREATE FUNCTION guest.takes(${type}) RETURNS text LANGUAGE sql RETURN 'x'`,
                ]) {
                    await assert.rejects(guest.query(made), /permission denied for type/u);
                }
            }
            await guest.end();
        });

        it("are given in no schema whose owner is somebody else, who could drop the logs", async () => {
            await trail.superuser.query(
                `ALTER SCHEMA "Sales" OWNER TO guest; GRANT ALL ON SCHEMA "Sales" TO master WITH GRANT OPTION`,
            );
            await assert.rejects(
                run(trail.master, [auditGrants(LISTED)]),
                /The schema Sales of the audit database belongs to guest, who could drop the logs in it/u,
            );
            await trail.superuser.query(
                `ALTER SCHEMA "Sales" OWNER TO master; REVOKE ALL ON SCHEMA "Sales" FROM guest`,
            );
            await run(trail.master, [auditGrants(LISTED)]);
        });

        it("come back when a membership was taken away, before anything acts as the owner", async () => {
            const before = await rights();
            await trail.superuser.query(
                "SET ROLE master; REVOKE audit_trail_owner FROM master; RESET ROLE",
            );
            await assert.rejects(run(trail.master, tableObjects(ITEMS)), /permission denied/u);
            assert.deepEqual(
                await look(),
                ["Sales.OrderLines", "public.items"].map(
                    (table) => `${table}: master may not act as audit_trail_owner`,
                ),
            );
            await run(trail.master, [auditGrants(LISTED)]);
            assert.deepEqual(await rights(), before);
            assert.deepEqual(await look(), []);
        });

        it("on schemas that hold logs stay when their last table has left the list", async () => {
            const before = await rights();
            await run(trail.master, [auditGrants([ITEMS, MARKER_TABLE])]);
            await run(trail.master, [retireFile([ITEMS, MARKER_TABLE])]);
            assert.deepEqual(await rights(), before);
            await trail.operator.query("SELECT audit_trail.collect_gaps()");
            // Its function can go now, without CASCADE, and the table can come back.
            await trail.master.query(
                `DO $$ DECLARE f regprocedure; BEGIN
                SELECT p.oid INTO STRICT f FROM pg_proc AS p
                    WHERE p.pronamespace = 'audit_trail'::regnamespace AND p.proname ~* 'orderlines.*log_change$';
                EXECUTE format('DROP FUNCTION %s', f);
            END $$`,
            );
            assert.match(
                (await look()).join(),
                /Sales\.OrderLines: the function audit_trail\..* is gone/u,
            );
            await deploy(trail.master, LISTED);
            assert.deepEqual(await look(), []);
        });

        describe("of people", () => {
            const MADE: DatabaseUser = {
                login: "jane.doe",
                role: "auditor",
                authentication: "iam",
            };
            const THEIRS: DatabaseUser = {
                login: 'Someone "else"',
                role: "operator",
                authentication: "existing",
            };
            const AUDITED = [...LISTED, MARKER_TABLE];

            before(async () => {
                await trail.superuser
                    .query(`CREATE ROLE rds_iam; GRANT rds_iam TO master WITH ADMIN OPTION;
                    SET ROLE master; CREATE ROLE "Someone ""else""" LOGIN PASSWORD 'scratch'; RESET ROLE`);
            });

            async function list(...users: readonly DatabaseUser[]): Promise<void> {
                for (const { files } of databaseUserBatches(AUDITED, users)) {
                    await run(trail.master, files);
                }
            }

            async function missing(...users: readonly DatabaseUser[]): Promise<string[]> {
                const { rows } = await trail.master.query<{ finding: string }>(
                    databaseUsersLook(users).sql,
                );
                return rows.map(({ finding }) => finding);
            }

            /** The logins that are there, and what each is a member of. */
            async function people(): Promise<string[]> {
                const { rows } = await trail.superuser.query<{ told: string }>(
                    `SELECT concat_ws(' ', r.rolname, CASE WHEN r.rolcanlogin THEN 'in' ELSE 'out' END,
                            (SELECT string_agg(DISTINCT pg_get_userbyid(m.roleid), ' ') FROM pg_auth_members AS m WHERE m.member = r.oid)) AS told
                    FROM pg_roles AS r WHERE r.rolname ~ '^(jane|jill|Someone)' ORDER BY 1`,
                );
                return rows.map(({ told }) => told);
            }

            const NOBODY = ['Someone "else" in'];

            it("come and go with the list, and nothing else of a login does", async () => {
                const unlisted = await rights();
                await list();
                assert.deepEqual(await people(), NOBODY);
                await list(MADE, THEIRS);
                await list(MADE, THEIRS);
                assert.deepEqual(await missing(MADE, THEIRS), []);
                assert.deepEqual(await people(), [
                    'Someone "else" in audit_trail_operator',
                    "jane.doe in audit_trail_auditor rds_iam",
                ]);
                await list({ ...MADE, role: "operator" }, { ...THEIRS, role: "auditor" });
                assert.deepEqual(await people(), [
                    'Someone "else" in audit_trail_auditor',
                    "jane.doe in audit_trail_operator rds_iam",
                ]);
                await list();
                assert.deepEqual(await people(), NOBODY);
                assert.deepEqual(await missing(), []);
                assert.deepEqual(await rights(), unlisted);
            });

            it("read the log, and change nothing", async () => {
                await list(THEIRS, MADE);
                const person = await connect(server, { user: THEIRS.login, database: "audit" });
                await person.query("SELECT FROM items_audit_log");
                await person.query("SELECT FROM audit_trail.database_user");
                for (const change of [
                    "DELETE FROM items_audit_log",
                    "INSERT INTO items_audit_log DEFAULT VALUES",
                    "UPDATE items_staging SET item_id = 1",
                    "DELETE FROM audit_trail.database_user",
                ]) {
                    await assert.rejects(person.query(change), /permission denied/u);
                }
                await list(MADE);
                await assert.rejects(
                    person.query("SELECT FROM items_audit_log"),
                    /permission denied/u,
                );
                await person.end();
                await list();
            });

            it("keep a membership that was there before the list, and lose it where the list gave it anew", async () => {
                const give = `GRANT audit_trail_operator TO "Someone ""else"""`;
                const take = `REVOKE audit_trail_operator FROM "Someone ""else"""`;
                const before = ['Someone "else" in audit_trail_operator'];
                await trail.master.query(give);
                await list(THEIRS);
                await list(THEIRS);
                await list();
                assert.deepEqual(await people(), before);
                // As an auditor it is listed, and as an operator it is not the list's.
                await list({ ...THEIRS, role: "auditor" });
                assert.deepEqual(await people(), [
                    'Someone "else" in audit_trail_auditor audit_trail_operator',
                ]);
                await list(THEIRS);
                assert.deepEqual(await people(), before);
                await trail.master.query(take);
                await list(THEIRS);
                await list();
                assert.deepEqual(await people(), NOBODY);
                // Somebody else than who deploys gave it.
                await trail.superuser.query(give);
                await list(THEIRS);
                await list();
                assert.deepEqual(await people(), before);
                await trail.superuser.query(take);
                assert.deepEqual(await people(), NOBODY);
            });

            it("are given again where somebody took them", async () => {
                await list(MADE, THEIRS);
                await trail.superuser.query(`ALTER ROLE "jane.doe" NOLOGIN; SET ROLE master;
                    REVOKE rds_iam FROM "jane.doe"; REVOKE audit_trail_operator FROM "Someone ""else"""; RESET ROLE`);
                assert.deepEqual(await missing(MADE, THEIRS), [
                    'the login "Someone "else"" is not a member of audit_trail_operator',
                    'the login "jane.doe" is not a member of rds_iam',
                    'the login "jane.doe" is not to log in',
                ]);
                await list(MADE, THEIRS);
                assert.deepEqual(await missing(MADE, THEIRS), []);
                await list();
            });

            it("are not given to a login that is not what the list says, and nothing is done then", async () => {
                await assert.rejects(
                    list(MADE, { ...THEIRS, login: "jill" }),
                    /databaseUsers lists the login "jill" as one that exists, and the audit server has none/u,
                );
                await assert.rejects(
                    list({ ...THEIRS, authentication: "iam" }),
                    /"Someone "else"" of the config key databaseUsers exists .* did not make it/u,
                );
                assert.deepEqual(await people(), NOBODY);
                // Made anew by somebody else, and so not the program's any more.
                await list(MADE);
                await trail.superuser.query(
                    `DROP ROLE "jane.doe"; SET ROLE master; CREATE ROLE "jane.doe" LOGIN; RESET ROLE`,
                );
                await assert.rejects(list(MADE), /did not make it/u);
                await list();
                assert.deepEqual(await people(), [...NOBODY, "jane.doe in"]);
                await trail.superuser.query(`DROP ROLE "jane.doe"`);
            });

            it("go with a login under its new name, and lock one that owns something", async () => {
                await list(MADE);
                await trail.superuser.query(
                    `ALTER ROLE "jane.doe" RENAME TO jill; CREATE SCHEMA hers AUTHORIZATION jill`,
                );
                await list();
                assert.deepEqual(await people(), [...NOBODY, "jill out rds_iam"]);
                const [finding = ""] = await missing();
                assert.match(finding, /"jill", which is not listed .* run REASSIGN OWNED BY jill/u);
                await trail.superuser.query("DROP OWNED BY jill");
                await list();
                assert.deepEqual(await people(), NOBODY);
                assert.deepEqual(await missing(), []);
            });
        });

        describe("and what a deployment leaves", () => {
            const changed = (sql: (name: string) => string): string =>
                sql(`audit_trail.${triggerFunction(LINES).name}`);
            const DAMAGE: Readonly<Record<string, readonly [sql: string, finding: RegExp]>> = {
                "the trigger is gone": [
                    'DROP TRIGGER log_change ON "Sales"."OrderLines_staging"',
                    /the staging table has no trigger log_change$/u,
                ],
                "the trigger is disabled": [
                    'ALTER TABLE "Sales"."OrderLines_staging" DISABLE TRIGGER log_change',
                    /the trigger log_change of the staging table is not ENABLE ALWAYS$/u,
                ],
                "the trigger is an ordinary one": [
                    'ALTER TABLE "Sales"."OrderLines_staging" ENABLE TRIGGER keep_removed_row',
                    /the trigger keep_removed_row of the staging table is not ENABLE ALWAYS$/u,
                ],
                "DMS lost a right": [
                    'REVOKE DELETE ON "Sales"."OrderLines_staging" FROM audit_trail_dms_target',
                    /DMS's user may not DELETE the staging table$/u,
                ],
                "the function lost its settings": [
                    `DO $$ DECLARE f regprocedure; BEGIN
                    SELECT t.tgfoid INTO f FROM pg_trigger AS t
                        WHERE t.tgrelid = '"Sales"."OrderLines_staging"'::regclass AND t.tgname = 'log_change';
                    EXECUTE format('ALTER FUNCTION %s RESET ALL', f);
                END $$`,
                    /lacks SET TimeZone=UTC,.*lacks SET search_path=pg_catalog, pg_temp$/u,
                ],
                "the function has its caller's rights": [
                    `DO $$ DECLARE f regprocedure; BEGIN
                    SELECT t.tgfoid INTO f FROM pg_trigger AS t
                        WHERE t.tgrelid = '"Sales"."OrderLines_staging"'::regclass AND t.tgname = 'log_change';
                    EXECUTE format('ALTER FUNCTION %s SECURITY INVOKER', f);
                END $$`,
                    /does not run with the rights of its owner$/u,
                ],
                "its function got another body": [
                    changed(
                        (name) =>
                            `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END'`,
                    ),
                    /is not as it was made/u,
                ],
                "its function became another kind": [
                    changed((name) => `ALTER FUNCTION ${name}() STABLE STRICT`),
                    /is not as it was made$/u,
                ],
                "its function is gone": [
                    changed((name) => `DROP FUNCTION ${name}() CASCADE`),
                    /the function audit_trail.*is gone/u,
                ],
            };
            for (const [what, [sql, finding]] of Object.entries(DAMAGE)) {
                it(`is seen and mended where ${what}`, async () => {
                    assert.deepEqual(await look(), []);
                    await trail.superuser.query(sql);
                    const found = await look();
                    assert.match(found.join(), finding);
                    assert.ok(found.every((one) => one.startsWith("Sales.OrderLines: ")));
                    await run(trail.master, [
                        ...[...tableObjects(LINES), ...triggerObjects(LINES)],
                        auditGrants(LISTED),
                    ]);
                    assert.deepEqual(await look(), []);
                });
            }

            it("is nobody's where a table joins a schema that is listed, until the page of rights has run", async () => {
                const joining = definitionOf("public", "joining", { id: "bigint" }, ["id"]);
                await run(trail.master, tableObjects(joining));
                await assert.rejects(
                    trail.dms.query("DELETE FROM joining_staging"),
                    /permission denied/u,
                );
                await assert.rejects(
                    trail.reader.query("SELECT FROM joining_audit_log"),
                    /permission denied/u,
                );
                // The same text as before the table came.
                await run(trail.master, [auditGrants(LISTED)]);
                await trail.dms.query("DELETE FROM joining_staging");
                await trail.reader.query("SELECT FROM joining_audit_log");
            });
        });
    });

    describe(`rights on the source cluster, PostgreSQL ${String(major)}`, () => {
        let server: ScratchServer;
        let superuser: Client;
        let master: Client;
        const name = (table: string, schema = "app") => ({ schema, table });

        before(async function () {
            this.timeout(60_000);
            server = await scratchServer({ major });
            superuser = await connect(server);
            await superuser.query(`
                CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD 'scratch';
                SET ROLE master; CREATE ROLE application; CREATE ROLE audit_trail_dms_source LOGIN; RESET ROLE`);
            await superuser.query("CREATE DATABASE source OWNER master");
            await superuser.end();
            superuser = await connect(server, { user: server.user, database: "source" });
            master = await connect(server, { user: "master", database: "source" });
            await prepareSession(master);
            await superuser.query(`
                CREATE SCHEMA app AUTHORIZATION application; CREATE SCHEMA other AUTHORIZATION application;
                CREATE SCHEMA awsdms_heartbeat AUTHORIZATION master;
                CREATE TABLE public.own (id integer); ALTER TABLE public.own OWNER TO master;
                CREATE TABLE app.one (id integer); CREATE TABLE app.two (id integer); CREATE TABLE app.three (id integer);
                ALTER TABLE app.one OWNER TO application; ALTER TABLE app.two OWNER TO application;
                ALTER TABLE app.three OWNER TO application`);
        });

        after(async () => {
            await Promise.all([superuser.end(), master.end()]);
            await server.stop();
        });

        async function rights(): Promise<string[]> {
            const { rows } = await superuser.query<{ told: string }>(`
                SELECT format('%s %s', c.oid::regclass, a.privilege_type) AS told
                    FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
                    WHERE a.grantee = 'audit_trail_dms_source'::regrole
                UNION ALL SELECT format('%s %s', n.nspname, a.privilege_type)
                    FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a
                    WHERE a.grantee = 'audit_trail_dms_source'::regrole
                ORDER BY 1`);
            return rows.map(({ told }) => told);
        }

        const heartbeat = ["awsdms_heartbeat CREATE", "awsdms_heartbeat USAGE"];

        it("are given by a master that owns neither table nor schema, and gets nothing for itself", async () => {
            const list = [name("own", "public"), name("one"), name("two")];
            for (let time = 0; time < 3; time += 1) {
                await run(master, [sourceGrants(list)]);
                assert.deepEqual(await rights(), [
                    "app USAGE",
                    "app.one SELECT",
                    "app.two SELECT",
                    ...heartbeat,
                    "own SELECT",
                    "public USAGE",
                ]);
            }
            const { rows } = await superuser.query<{ is_member: boolean }>(
                "SELECT pg_has_role('master', 'application', 'USAGE') AS is_member",
            );
            assert.deepEqual(rows, [{ is_member: false }]);
        });

        it("follow a table that was renamed, moved or dropped, whatever the list says", async () => {
            await superuser.query(
                "ALTER TABLE app.one RENAME TO uno; ALTER TABLE app.two SET SCHEMA other; DROP TABLE public.own",
            );
            await run(master, [sourceGrants([name("own", "public"), name("one"), name("three")])]);
            assert.deepEqual(await rights(), [
                "app USAGE",
                "app.three SELECT",
                ...heartbeat,
                "public USAGE",
            ]);
            await run(master, [sourceGrants([name("uno")])]);
            assert.deepEqual(await rights(), ["app USAGE", "app.uno SELECT", ...heartbeat]);
        });

        it("that everybody has need not be given where nobody may give them", async () => {
            await superuser.query(`CREATE TABLE public.late (id integer); ALTER TABLE public.late OWNER TO master;
                ALTER SCHEMA public OWNER TO postgres`);
            await run(master, [sourceGrants([name("late", "public")])]);
            assert.deepEqual(await rights(), [...heartbeat, "late SELECT"]);
            await superuser.query("REVOKE USAGE ON SCHEMA public FROM PUBLIC");
            await assert.rejects(run(master, [sourceGrants([name("late", "public")])]), {
                message: /master may not GRANT USAGE ON SCHEMA public TO audit_trail_dms_source: /u,
            });
            await superuser.query(
                "DROP TABLE public.late; GRANT USAGE ON SCHEMA public TO PUBLIC; ALTER SCHEMA public OWNER TO master",
            );
        });

        it("that cannot be given are told in one sentence, with the mend", async () => {
            await superuser.query(
                "CREATE TABLE app.far (id integer); ALTER TABLE app.far OWNER TO postgres",
            );
            await assert.rejects(run(master, [sourceGrants([name("far")])]), {
                message:
                    /sql\/source\/grants\.sql: error: master may not GRANT SELECT ON TABLE app\.far TO audit_trail_dms_source: /u,
            });
            await superuser.query("DROP TABLE app.far");
        });
    });
}
