import assert from "node:assert/strict";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { triggerFunction } from "../../trail/logFunction";

const DDL = `
    CREATE TABLE several (id uuid PRIMARY KEY DEFAULT gen_random_uuid()) PARTITION BY LIST (id);
    CREATE TABLE public.one PARTITION OF several DEFAULT;
    INSERT INTO public.one DEFAULT VALUES;
`;

describe("verify finds what the guarantee rests on broken:", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(DDL, [{ schema: "public", table: "one" }]);
        await world.trail.superuser.query("CREATE ROLE guest");
    });
    after(async () => {
        await world.close();
    });
    const TABLE = "public.one";
    const trigger = (state: string): string =>
        `ALTER TABLE one_staging ${state} TRIGGER log_change`;
    const grant = (what: string): [string, string] => [
        `GRANT ${what}`,
        `REVOKE ${what.replace(" TO ", " FROM ")}`,
    ];
    const partition = (): string =>
        `one_audit_log_y${new Date().toISOString().slice(0, 7).replace("-", "m")}`;

    /** What is broken, how, how it is mended, where, and the check that says so. */
    const BREAKAGES: (readonly [string, string, string, "source" | "audit", string])[] = [
        [
            "the trigger disabled",
            trigger("DISABLE"),
            trigger("ENABLE ALWAYS"),
            "audit",
            "definitions",
        ],
        [
            "the trigger not always enabled",
            trigger("ENABLE"),
            trigger("ENABLE ALWAYS"),
            "audit",
            "definitions",
        ],
        [
            "the protection of a partition disabled",
            `ALTER TABLE ${partition()} DISABLE TRIGGER append_only`,
            `ALTER TABLE ${partition()} ENABLE ALWAYS TRIGGER append_only`,
            "audit",
            "definitions",
        ],
        [
            "the log's protection against TRUNCATE dropped",
            "CREATE TABLE IF NOT EXISTS x (); DROP TRIGGER append_only_truncate ON one_audit_log",
            "DROP TABLE x; SELECT audit_trail.refuse_truncate('one_audit_log')",
            "audit",
            "definitions",
        ],
        [
            "the log function run as the caller",
            "ALTER FUNCTION audit_trail.{function}() SECURITY INVOKER",
            "ALTER FUNCTION audit_trail.{function}() SECURITY DEFINER",
            "audit",
            "definitions",
        ],
        [
            "the log function without its search path",
            "ALTER FUNCTION audit_trail.{function}() RESET search_path",
            "ALTER FUNCTION audit_trail.{function}() SET search_path = pg_catalog, pg_temp",
            "audit",
            "definitions",
        ],
        [
            "write access for the auditor",
            ...grant("UPDATE ON one_audit_log TO audit_trail_auditor"),
            "audit",
            "definitions, grants",
        ],
        [
            "write access to a partition for all",
            ...grant(`INSERT ON ${partition()} TO PUBLIC`),
            "audit",
            "definitions",
        ],
        [
            "write access to one column",
            ...grant("UPDATE (new_row_data) ON one_audit_log TO reader"),
            "audit",
            "definitions",
        ],
        [
            "read access to the log for DMS",
            ...grant("SELECT ON one_audit_log TO audit_trail_dms_target"),
            "audit",
            "definitions, grants",
        ],
        [
            "DMS in the role of the owner",
            ...grant("audit_trail_owner TO audit_trail_dms_target"),
            "audit",
            // The page of rights gives nobody what he has by another role.
            "definitions, grants",
        ],
        [
            "write access by a role for everything",
            // Which he has only once he has become one.
            "GRANT pg_write_all_data TO guest WITH INHERIT FALSE",
            "REVOKE pg_write_all_data FROM guest",
            "audit",
            "grants",
        ],
        [
            "a right on what the owner will make",
            "ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner GRANT UPDATE ON TABLES TO guest",
            "ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner REVOKE UPDATE ON TABLES FROM guest",
            "audit",
            "grants",
        ],
        [
            "a right on what will be made beside the markers",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA audit_trail GRANT DELETE ON TABLES TO guest",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA audit_trail REVOKE DELETE ON TABLES FROM guest",
            "source",
            "source functions",
        ],
        [
            "a guard disabled",
            "ALTER TABLE one DISABLE TRIGGER audit_trail_refuse_truncate",
            "ALTER TABLE one ENABLE ALWAYS TRIGGER audit_trail_refuse_truncate",
            "source",
            "source guards",
        ],
        [
            "a guard gone",
            "DROP TRIGGER audit_trail_refuse_key_update ON one",
            "CREATE TRIGGER audit_trail_refuse_key_update AFTER UPDATE OF id ON one FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_key_update(); ALTER TABLE one ENABLE ALWAYS TRIGGER audit_trail_refuse_key_update",
            "source",
            "source guards",
        ],
        [
            "a partition that was attached and is not audited",
            "CREATE TABLE late PARTITION OF several FOR VALUES IN (gen_random_uuid())",
            "DROP TABLE late",
            "source",
            "partitions",
        ],
        [
            "a table that DMS has suspended",
            "INSERT INTO awsdms_control.awsdms_suspended_tables VALUES ('s', 't', 'public', 'one', 'TABLE_ERROR', now())",
            "DELETE FROM awsdms_control.awsdms_suspended_tables",
            "audit",
            "gaps",
        ],
        [
            "a change that DMS could not apply",
            "INSERT INTO awsdms_control.awsdms_apply_exceptions VALUES ('t', 'public', 'one_staging', now(), 'INSERT', 'no')",
            "DELETE FROM awsdms_control.awsdms_apply_exceptions",
            "audit",
            "gaps",
        ],
    ];

    const EXCEPTIONS = "awsdms_control.awsdms_apply_exceptions";
    BREAKAGES.push(
        [
            "control tables that DMS cannot write",
            `ALTER TABLE ${EXCEPTIONS} OWNER TO master`,
            `ALTER TABLE ${EXCEPTIONS} OWNER TO audit_trail_dms_target`,
            "audit",
            "DMS control tables",
        ],
        [
            "a control table that shows some rows only",
            `ALTER TABLE ${EXCEPTIONS} ENABLE ROW LEVEL SECURITY`,
            `ALTER TABLE ${EXCEPTIONS} DISABLE ROW LEVEL SECURITY`,
            "audit",
            "DMS control tables",
        ],
        [
            "a control table that swallows what DMS tells",
            `CREATE RULE quiet AS ON INSERT TO ${EXCEPTIONS} DO INSTEAD NOTHING`,
            `DROP RULE quiet ON ${EXCEPTIONS}`,
            "audit",
            "DMS control tables",
        ],
    );

    BREAKAGES.push(
        [
            "somebody else's schema around the log",
            "ALTER SCHEMA public OWNER TO guest",
            "ALTER SCHEMA public OWNER TO pg_database_owner",
            "audit",
            "grants",
        ],
        [
            "somebody else's schema around the ledgers",
            "ALTER SCHEMA audit_trail OWNER TO guest",
            "ALTER SCHEMA audit_trail OWNER TO master",
            "audit",
            "grants",
        ],
        [
            "a reload that nobody has ended",
            "SELECT audit_trail.begin_reload('public', 'one')",
            "DROP TRIGGER make_room ON one_staging; UPDATE audit_trail.audited_table SET reload_began_at = NULL, reload_from = NULL",
            "audit",
            "reload",
        ],
    );

    const lastMonth = new Date();
    lastMonth.setUTCDate(0);
    BREAKAGES.push(
        [
            "tombstones that the registry says to be forgotten",
            "UPDATE audit_trail.audited_table SET tombstones_from = 'infinity' WHERE table_name = 'one'",
            "UPDATE audit_trail.audited_table SET tombstones_from = '-infinity' WHERE table_name = 'one'",
            "audit",
            "registry",
        ],
        [
            "a column that the registry says to have come and gone",
            "INSERT INTO audit_trail.audited_column (table_schema, table_name, name, type, present_from, gone_since) VALUES ('public', 'one', 'id', 'uuid', now(), now())",
            "DELETE FROM audit_trail.audited_column WHERE gone_since IS NOT NULL",
            "audit",
            "registry",
        ],
        [
            "another log in the registry",
            "UPDATE audit_trail.audited_table SET audit_log = 'other' WHERE table_name = 'one'",
            "UPDATE audit_trail.audited_table SET audit_log = 'one_audit_log' WHERE table_name = 'one'",
            "audit",
            "registry",
        ],
        [
            "a month's partition dropped",
            `DROP TABLE one_audit_log_y${lastMonth.toISOString().slice(0, 7).replace("-", "m")}`,
            "SET ROLE audit_trail_owner; SELECT audit_trail.add_partitions('one_audit_log', 'one_audit_log_'); RESET ROLE",
            "audit",
            "registry",
        ],
        [
            "an unlogged change that is said to be brought back and is not",
            "INSERT INTO audit_trail.unlogged_change (audit_id, table_schema, table_name, statement, sqlstate, message) VALUES (1, 'public', 'one', 'INSERT', '22000', 'no'); INSERT INTO audit_trail.brought_back SELECT max(unlogged_id) FROM audit_trail.unlogged_change",
            ["unlogged_change", "brought_back"]
                .map(
                    (ledger) =>
                        `ALTER TABLE audit_trail.${ledger} DISABLE TRIGGER append_only; DELETE FROM audit_trail.${ledger}; ALTER TABLE audit_trail.${ledger} ENABLE ALWAYS TRIGGER append_only`,
                )
                .join(";"),
            "audit",
            "unlogged changes",
        ],
        [
            "the token gone by which the trail knows its own writes",
            "DELETE FROM audit_trail.own_write",
            "INSERT INTO audit_trail.own_write DEFAULT VALUES",
            "audit",
            "definitions",
        ],
    );

    for (const [what, breakIt, mendIt, side, check] of BREAKAGES) {
        it(what, async () => {
            const client = side === "source" ? world.source : world.trail.superuser;
            const name =
                world.definitions.map((definition) => triggerFunction(definition).name)[0] ?? "";
            await client.query(breakIt.replace("{function}", name));
            const report = await world.verify({}, TABLE);
            await client.query(mendIt.replace("{function}", name));
            // What DMS reported stays in the ledger, which only a forger can empty.
            await world.forge(
                "ALTER TABLE audit_trail.gap DISABLE TRIGGER USER; DELETE FROM audit_trail.gap; ALTER TABLE audit_trail.gap ENABLE ALWAYS TRIGGER append_only, ENABLE ALWAYS TRIGGER append_only_truncate",
            );
            const failed = [...failedChecks(report), ...failedChecks(tableOf(report, TABLE))];
            // What cannot be read, the gap ledger may name as well.
            const named = [...new Set(failed)].filter(
                (name) => check !== "DMS control tables" || !name.startsWith("gap"),
            );
            assert.deepEqual(named, check.split(", "), JSON.stringify(report.checks));
            assert.equal(report.complete, false);
            assert.deepEqual(tableOf(report, TABLE).differences, []);
        });
    }

    it("nothing, once all is mended, or in a column that was left out from its first day on", async () => {
        await world.trail.superuser.query(
            "INSERT INTO audit_trail.audited_column (table_schema, table_name, name, type, present_from, gone_since, excluded_because) VALUES ('public', 'one', 'secret', 'uuid', now(), now(), 'none')",
        );
        const report = await world.verify({}, TABLE);
        assert.ok(report.complete, JSON.stringify(report));
    });

    it("a change that could not be logged, a gap that hides changes, and neither from before --since", async () => {
        await world.forge(
            `INSERT INTO audit_trail.gap (table_schema, table_name, kind) VALUES ('public', 'one', 'task stopped')`,
        );
        assert.ok((await world.verify({}, TABLE)).complete);
        await world.forge("INSERT INTO audit_trail.gap (kind) VALUES ('slot recreated')");
        await world.forge(
            `INSERT INTO audit_trail.unlogged_change (audit_id, table_schema, table_name, statement, sqlstate, message) VALUES (1, 'public', 'one', 'INSERT', 'XX000', 'no')`,
        );
        assert.deepEqual(failedChecks(tableOf(await world.verify({}, TABLE), TABLE)), [
            "unlogged changes",
            "gaps",
        ]);
        const { rows } = await world.source.query<{ now: string }>(
            "SELECT clock_timestamp()::text AS now",
        );
        assert.ok((await world.verify({ since: rows[0]?.now ?? "" }, TABLE)).complete);
    });

    it("replication that is slow and gets on is waited for, transaction by transaction and in a large one", async () => {
        const { superuser } = world.trail;
        await superuser.query(`
            CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
            CREATE TRIGGER a_slow BEFORE INSERT ON public.one_staging FOR EACH ROW EXECUTE FUNCTION public.slow()`);
        try {
            for (let n = 0; n < 8; n += 1) {
                await world.source.query("INSERT INTO public.one DEFAULT VALUES");
            }
            await world.source.query(
                "INSERT INTO public.one SELECT gen_random_uuid() FROM generate_series(1, 8)",
            );
            const report = await world.verify({ markerTimeoutMs: 3_500 }, TABLE);
            assert.deepEqual(failedChecks(report), []);
        } finally {
            await superuser.query("DROP FUNCTION public.slow() CASCADE");
        }
    });

    it("replication that stands still, and a slot that is not in use or gone", async () => {
        const since = new Date().toISOString();
        await world.stopReplication();
        // As a source that was set back: it gives the numbers of markers that have arrived once more.
        await world.source.query(
            "DELETE FROM audit_trail.marker; ALTER TABLE audit_trail.marker ALTER COLUMN marker_id RESTART",
        );
        const idle = await world.verify({ markerTimeoutMs: 300, since }, TABLE);
        assert.deepEqual(failedChecks(idle), ["replication slot", "replication"]);
        assert.equal(tableOf(idle, TABLE).comparedUpTo, null);
        assert.match(
            idle.checks.find(({ name }) => name === "replication")?.detail ?? "",
            /has stood still for \d+ seconds \(\w+ is \d+ bytes behind\): /u,
        );
        await world.dropSlot();
        const gone = await world.verify({ markerTimeoutMs: 300, since }, TABLE);
        assert.match(gone.checks[0]?.detail ?? "", /no slot/u);
    });
});
