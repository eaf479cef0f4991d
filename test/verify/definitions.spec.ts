import assert from "node:assert/strict";
import { renderSql } from "../../database/sqlTemplate";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { triggerFunction } from "../../trail/logFunction";
import { trailNames } from "../../trail/names";
import { roles } from "../../trail/rolesAndSchemas";
import { markerGapFiles } from "../../trail/tableGroups";
import { rolePowersScript } from "../../verify/tableScripts";

const TABLE = "public.It's";

const DDL = `
    CREATE TABLE "It's" (id integer, "User" text, at timestamptz, raw bytea, PRIMARY KEY (id));
    INSERT INTO "It's" VALUES (1, 'a', now(), 'x');
`;

/** What is changed in the audit database, how it is mended, and what verify says. */
type Change = readonly [what: string, change: string, mend: string, finding: RegExp];

const LOG = `"It's_audit_log"`;
const STAGING = `"It's_staging"`;

describe("verify names whatever the scripts did not make:", function () {
    this.timeout(60_000);
    let world: World;
    let logFunction: string;

    const month = new Date().toISOString().slice(0, 7).replace("-", "m");
    const partition = `"It's_audit_log_y${month}"`;

    before(async () => {
        world = await World.open(DDL, [{ schema: "public", table: "It's" }]);
        const [definition] = world.definitions;
        assert.ok(definition !== undefined);
        logFunction = `audit_trail.${world.source.escapeIdentifier(triggerFunction(definition).name)}()`;
        const { staging, auditLog } = trailNames(definition);
        assert.deepEqual([`"${staging}"`, `"${auditLog}"`], [STAGING, LOG]);
        await world.trail.superuser.query(
            "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; " +
                "CREATE FUNCTION public.event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        );
    });
    after(async () => {
        await world.close();
    });

    const CHANGES: readonly Change[] = [
        [
            "a trigger that swallows log rows",
            `CREATE TRIGGER aside BEFORE INSERT ON ${LOG} FOR EACH ROW EXECUTE FUNCTION public.swallow()`,
            `DROP TRIGGER aside ON ${LOG}`,
            /the trigger aside on \S+ is not the trail's/u,
        ],
        [
            "a trigger that swallows the rows of one month",
            `CREATE TRIGGER aside BEFORE INSERT ON ${partition} FOR EACH ROW EXECUTE FUNCTION public.swallow()`,
            `DROP TRIGGER aside ON ${partition}`,
            /the trigger aside on public\."It's_audit_log_y\d+m\d+" is/u,
        ],
        [
            "a trigger on staging",
            `CREATE TRIGGER aside BEFORE INSERT ON ${STAGING} FOR EACH ROW EXECUTE FUNCTION public.swallow()`,
            `DROP TRIGGER aside ON ${STAGING}`,
            /the trigger aside on public\."It's_staging"/u,
        ],
        [
            "a rule on the gap ledger",
            "CREATE RULE quiet AS ON INSERT TO audit_trail.gap DO INSTEAD NOTHING",
            "DROP RULE quiet ON audit_trail.gap",
            /the rule quiet on audit_trail\.gap/u,
        ],
        [
            "a trigger on the ledger of unlogged changes",
            "CREATE TRIGGER aside BEFORE INSERT ON audit_trail.unlogged_change FOR EACH ROW EXECUTE FUNCTION public.swallow()",
            "DROP TRIGGER aside ON audit_trail.unlogged_change",
            /the trigger aside on audit_trail\.unlogged_change/u,
        ],
        [
            "a policy on a log",
            `ALTER TABLE ${LOG} ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON ${LOG} USING (false)`,
            `DROP POLICY few ON ${LOG}; ALTER TABLE ${LOG} DISABLE ROW LEVEL SECURITY`,
            /row security is on for public\."It's_audit_log".*the policy few on/u,
        ],
        [
            "a partition that a crash empties",
            `ALTER TABLE ${partition} SET UNLOGGED`,
            `ALTER TABLE ${partition} SET LOGGED`,
            /"It's_audit_log_y\d+m\d+" is UNLOGGED/u,
        ],
        [
            "staging that a crash empties",
            `ALTER TABLE ${STAGING} SET UNLOGGED`,
            `ALTER TABLE ${STAGING} SET LOGGED`,
            /"It's_staging" is UNLOGGED/u,
        ],
        [
            "a column of staging that nobody knows",
            `ALTER TABLE ${STAGING} ADD COLUMN more text`,
            `ALTER TABLE ${STAGING} DROP COLUMN more`,
            /the column more on public\."It's_staging"/u,
        ],
        [
            "a default in staging",
            `ALTER TABLE ${STAGING} ALTER COLUMN "User" SET DEFAULT current_user`,
            `ALTER TABLE ${STAGING} ALTER COLUMN "User" DROP DEFAULT`,
            /the column User of public\."It's_staging" is text DEFAULT CURRENT_USER, and not text/u,
        ],
        [
            "another default in the log",
            `ALTER TABLE ${LOG} ALTER COLUMN recorded_at SET DEFAULT '2020-01-01'`,
            `ALTER TABLE ${LOG} ALTER COLUMN recorded_at SET DEFAULT clock_timestamp()`,
            /the column recorded_at of .* is .*2020-01-01/u,
        ],
        [
            "a condition on the log",
            `ALTER TABLE ${LOG} ADD CONSTRAINT few CHECK (operation <> 'X')`,
            `ALTER TABLE ${LOG} DROP CONSTRAINT few`,
            /the constraint CHECK .* is not the trail's/u,
        ],
        [
            "the right to set back the numbers of a log's rows",
            `GRANT UPDATE ON SEQUENCE "It's_audit_log_audit_id_seq" TO reader`,
            `REVOKE UPDATE ON SEQUENCE "It's_audit_log_audit_id_seq" FROM reader`,
            /the privilege reader UPDATE of its sequence on public\."It's_audit_log" is not one/u,
        ],
        [
            "an index that computes",
            `CREATE INDEX aside ON ${LOG} (lower(change_seq))`,
            "DROP INDEX aside",
            /the index .*lower\(change_seq\).* is not/u,
        ],
        [
            "a child of staging",
            `CREATE TABLE child () INHERITS (${STAGING})`,
            "DROP TABLE child",
            /the child public\.child on public\."It's_staging"/u,
        ],
        [
            "a partition of no month",
            `CREATE TABLE odd PARTITION OF ${LOG} FOR VALUES FROM ('1990-01-01') TO ('1990-01-02')`,
            "DROP TABLE odd",
            /public\.odd is not one of the trail's/u,
        ],
        [
            "a partition whose name says another month",
            `CREATE TABLE "It's_audit_log_y1990m02" PARTITION OF ${LOG} FOR VALUES FROM ('1990-01-01') TO ('1990-02-01')`,
            `DROP TABLE "It's_audit_log_y1990m02"`,
            /y1990m02" is not one of the trail's/u,
        ],
        [
            "an append-only function that allows everything",
            "CREATE OR REPLACE FUNCTION audit_trail.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN coalesce(NEW, OLD); END'",
            "",
            /the body of audit_trail\.refuse_change\(\) is not the one/u,
        ],
        [
            "a log's append-only function that allows everything",
            "CREATE OR REPLACE FUNCTION audit_trail.refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN coalesce(NEW, OLD); END'",
            "",
            /the body of audit_trail\.refuse_change_of_log\(\) is not the one/u,
        ],
        [
            "a function with a body that is compiled otherwise",
            "CREATE OR REPLACE FUNCTION audit_trail.is_own_write() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp BEGIN ATOMIC SELECT true; END",
            "",
            /the body of audit_trail\.is_own_write\(\) is not the one/u,
        ],
        [
            "a function for everybody",
            "GRANT EXECUTE ON FUNCTION audit_trail.collect_gaps() TO PUBLIC",
            "REVOKE EXECUTE ON FUNCTION audit_trail.collect_gaps() FROM PUBLIC",
            /the privilege PUBLIC EXECUTE on audit_trail\.collect_gaps\(\) is not one/u,
        ],
        [
            "a function for one more",
            "GRANT EXECUTE ON FUNCTION audit_trail.record_once(text, text, text, timestamptz, timestamptz, jsonb) TO reader",
            "REVOKE EXECUTE ON FUNCTION audit_trail.record_once(text, text, text, timestamptz, timestamptz, jsonb) FROM reader",
            /the privilege reader EXECUTE on audit_trail\.record_once/u,
        ],
        [
            "a setting that was dropped",
            "ALTER FUNCTION audit_trail.keep_removed_row() RESET search_path",
            "ALTER FUNCTION audit_trail.keep_removed_row() SET search_path = pg_catalog, pg_temp",
            /SET search_path=pg_catalog, pg_temp is missing on audit_trail\.keep_removed_row/u,
        ],
        [
            "a function that runs as its owner",
            "ALTER FUNCTION audit_trail.row_history(text, text, jsonb) SECURITY DEFINER",
            "ALTER FUNCTION audit_trail.row_history(text, text, jsonb) SECURITY INVOKER",
            /the SECURITY DEFINER of audit_trail\.row_history/u,
        ],
        [
            "one more function",
            "CREATE FUNCTION audit_trail.helper() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION audit_trail.helper()",
            /audit_trail\.helper\(\) is not part of the trail/u,
        ],
        [
            "one more table and an operator",
            "CREATE TABLE audit_trail.notes (); CREATE OPERATOR audit_trail.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
            "DROP OPERATOR audit_trail.=== (text, text); DROP TABLE audit_trail.notes",
            /===\(text,text\) is not part of the trail; audit_trail\.notes is not part/u,
        ],
        [
            "a ledger of somebody else",
            "ALTER TABLE audit_trail.gap OWNER TO master",
            "ALTER TABLE audit_trail.gap OWNER TO audit_trail_owner",
            /audit_trail\.gap is owned by master, and not by audit_trail_owner/u,
        ],
        [
            "the schema open to all",
            "GRANT CREATE ON SCHEMA audit_trail TO PUBLIC",
            "REVOKE CREATE ON SCHEMA audit_trail FROM PUBLIC",
            /the privilege PUBLIC CREATE on schema audit_trail/u,
        ],
        [
            "a view that shows less",
            `DO $do$ BEGIN EXECUTE format(
                'CREATE OR REPLACE VIEW audit_trail.known_gap AS SELECT * FROM (%s) AS v WHERE v.kind <> %L',
                rtrim(pg_get_viewdef('audit_trail.known_gap'::regclass), ';'), 'reload'
            ); END $do$`,
            "",
            /the view text of audit_trail\.known_gap/u,
        ],
        [
            "a kind of gap that hides nothing any more",
            "UPDATE audit_trail.gap_kind SET hides_changes = false WHERE kind = 'reload'",
            "UPDATE audit_trail.gap_kind SET hides_changes = true WHERE kind = 'reload'",
            /the row reload of audit_trail\.gap_kind says false, and not true/u,
        ],
        [
            "the marker's trigger gone",
            "DROP TRIGGER record_marker_gap ON audit_trail.marker_audit_log",
            markerGapFiles()
                .map(({ sql }) => `BEGIN; ${sql}; COMMIT`)
                .join(";"),
            /the trigger record_marker_gap is missing on audit_trail\.marker_audit_log/u,
        ],
        [
            "an event trigger",
            "CREATE EVENT TRIGGER aside ON ddl_command_end EXECUTE FUNCTION public.event()",
            "DROP EVENT TRIGGER aside",
            /the event trigger aside runs public\.event/u,
        ],
    ];

    for (const [what, change, mend, finding] of CHANGES) {
        it(what, async () => {
            await world.trail.superuser.query(change);
            const report = await world.verify({}, TABLE);
            if (mend === "") {
                await world.redeploy();
            } else {
                await world.trail.superuser.query(mend);
            }
            const failed = [...report.checks, ...tableOf(report, TABLE).checks].filter(
                ({ name, ok }) => name === "definitions" && !ok,
            );
            assert.match(failed.map(({ detail }) => detail).join(), finding);
            assert.equal(report.complete, false);
            assert.deepEqual(tableOf(report, TABLE).differences, []);
        });
    }

    it("another body, owner or setting of the log's function", async () => {
        for (const [change, mend, finding] of [
            ["SECURITY INVOKER", "SECURITY DEFINER", /SECURITY DEFINER of/u],
            ["RESET bytea_output", "SET bytea_output = 'hex'", /SET bytea_output=hex is missing/u],
            ["SET work_mem = '1MB'", "RESET work_mem", /SET work_mem=1MB on/u],
            ["OWNER TO master", "OWNER TO audit_trail_owner", /owned by master/u],
        ] as const) {
            await world.trail.superuser.query(`ALTER FUNCTION ${logFunction} ${change}`);
            const report = tableOf(await world.verify({}, TABLE), TABLE);
            await world.trail.superuser.query(`ALTER FUNCTION ${logFunction} ${mend}`);
            assert.deepEqual(failedChecks(report), ["definitions"], JSON.stringify(report));
            assert.match(
                report.checks.find(({ name }) => name === "definitions")?.detail ?? "",
                finding,
            );
        }
    });

    it("many partitions at once in one sentence", async () => {
        await world.trail.superuser.query(`
            DO $do$
            DECLARE part record;
            BEGIN
                FOR part IN SELECT relid::regclass AS name FROM pg_partition_tree('public.${LOG.replaceAll("'", "''")}') WHERE isleaf LOOP
                    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER append_only_truncate', part.name);
                END LOOP;
            END $do$`);
        const { checks } = tableOf(await world.verify({}, TABLE), TABLE);
        await world.trail.superuser.query(`
            DO $do$
            DECLARE part record;
            BEGIN
                FOR part IN SELECT relid::regclass AS name FROM pg_partition_tree('public.${LOG.replaceAll("'", "''")}') WHERE isleaf LOOP
                    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only_truncate', part.name);
                END LOOP;
            END $do$`);
        const { detail = "" } = checks.find(({ name }) => name === "definitions") ?? {};
        assert.match(
            detail,
            /^the trigger append_only_truncate of \d+ partitions of \S+ \(\S+ to \S+\) is DISABLED$/u,
        );
    });

    it("nothing where somebody else may read, or finds rows faster", async () => {
        await world.trail.superuser.query(
            `GRANT SELECT ON ${LOG}, audit_trail.gap TO reader; CREATE INDEX faster ON ${LOG} (stream_position);
             GRANT SELECT, USAGE ON SEQUENCE "It's_audit_log_audit_id_seq" TO reader`,
        );
        const report = await world.verify({}, TABLE);
        assert.ok(report.complete, JSON.stringify(report));
    });

    it("whoever can make himself a member of the owner, as before PostgreSQL 16", async () => {
        await world.trail.superuser.query("CREATE ROLE maker CREATEROLE");
        const { sql } = renderSql("sql/verify/owner_members.sql", { owner: roles.owner });
        const findings = async (text: string): Promise<unknown[]> =>
            (await world.trail.master.query<{ finding: string }>(text)).rows;
        assert.deepEqual(await findings(sql), []);
        // As on a server of an older version.
        assert.deepEqual(await findings(sql.replace("160000", "990000")), [
            {
                finding:
                    "maker may make roles, and so make itself a member of audit_trail_owner before PostgreSQL 16",
            },
        ]);
    });

    it("what gives rights on things to come, and powers that need no right", async () => {
        await world.trail.superuser.query("CREATE ROLE powerful IN ROLE audit_trail_auditor");
        const { sql } = rolePowersScript();
        const findings = async (): Promise<string[]> =>
            (await world.trail.master.query<{ finding: string }>(sql)).rows.map(
                ({ finding }) => finding,
            );
        const inPublic = "ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner IN SCHEMA public";
        const always = "ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner";
        const ofDms = "ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_dms_target";
        for (const [give, take, finding] of [
            [
                `${inPublic} GRANT DELETE ON TABLES TO powerful`,
                `${inPublic} REVOKE DELETE ON TABLES FROM powerful`,
                "what audit_trail_owner makes in the schema public gets the right DELETE for powerful, by ALTER DEFAULT PRIVILEGES",
            ],
            [
                `${always} GRANT SELECT ON TABLES TO PUBLIC`,
                `${always} REVOKE SELECT ON TABLES FROM PUBLIC`,
                "what audit_trail_owner makes gets the right SELECT for everybody, by ALTER DEFAULT PRIVILEGES",
            ],
            [
                `${always} GRANT UPDATE ON SEQUENCES TO powerful`,
                `${always} REVOKE UPDATE ON SEQUENCES FROM powerful`,
                "what audit_trail_owner makes gets the right UPDATE for powerful, by ALTER DEFAULT PRIVILEGES",
            ],
            [
                `${always} GRANT EXECUTE ON FUNCTIONS TO PUBLIC`,
                `${always} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
                "functions that audit_trail_owner makes are everybody's to call: deploy again",
            ],
            [
                `${ofDms} GRANT TRUNCATE ON TABLES TO powerful`,
                `${ofDms} REVOKE TRUNCATE ON TABLES FROM powerful`,
                "what audit_trail_dms_target makes gets the right TRUNCATE for powerful, by ALTER DEFAULT PRIVILEGES",
            ],
            [
                "ALTER ROLE audit_trail_owner BYPASSRLS",
                "ALTER ROLE audit_trail_owner NOBYPASSRLS",
                "audit_trail_owner has BYPASSRLS",
            ],
            [
                "ALTER ROLE audit_trail_dms_target SUPERUSER",
                "ALTER ROLE audit_trail_dms_target NOSUPERUSER",
                "audit_trail_dms_target has SUPERUSER",
            ],
            [
                "GRANT pg_write_server_files TO powerful",
                "REVOKE pg_write_server_files FROM powerful",
                "powerful may write the server's files, as a member of pg_write_server_files",
            ],
            [
                "GRANT pg_execute_server_program TO audit_trail_operator",
                "REVOKE pg_execute_server_program FROM audit_trail_operator",
                "audit_trail_operator may run programs on the server, as a member of pg_execute_server_program",
            ],
            [
                `${always} GRANT SELECT ON TABLES TO powerful`,
                `${always} REVOKE SELECT ON TABLES FROM powerful`,
            ],
            [
                "ALTER ROLE powerful BYPASSRLS CREATEDB REPLICATION",
                "ALTER ROLE powerful NOBYPASSRLS NOCREATEDB NOREPLICATION",
            ],
            [
                "GRANT pg_read_all_data, pg_read_server_files TO powerful",
                "REVOKE pg_read_all_data, pg_read_server_files FROM powerful",
            ],
        ] as const) {
            assert.deepEqual(await findings(), []);
            await world.trail.superuser.query(give);
            const found = await findings();
            await world.trail.superuser.query(take);
            assert.ok(
                finding === undefined ? found.length === 0 : found.includes(finding),
                `${give}: ${found.join("; ")}`,
            );
        }
        assert.deepEqual(await findings(), []);
    });

    it("nothing of what it made to compare with stays", async () => {
        const { rows } = await world.trail.superuser.query(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'at\\_%'",
        );
        assert.deepEqual(rows, []);
    });
});
