import assert from "node:assert/strict";
import { runBatch } from "../../database/runBatch";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { connect, ITEMS, type Trail, trailDatabase } from "../../testing/trailDatabase";
import { until } from "../../testing/until";

const COLUMNS = `server_name varchar(128), task_name varchar(128), table_owner varchar(128), table_name varchar(128),
    suspend_reason varchar(32), suspend_timestamp timestamp`;

/** What DMS's user puts into the place of a control table, and why that one is not read. */
const PLANTED: Readonly<Record<string, readonly [ddl: string, problem: RegExp]>> = {
    "a view that runs a function": [
        `CREATE VIEW awsdms_control.awsdms_suspended_tables AS SELECT 'host' server_name, 't'::text task_name,
            'public'::text table_owner, 'x'::text table_name, now()::timestamp suspend_timestamp,
            awsdms_control.evil() suspend_reason WHERE awsdms_control.evil() IS NULL`,
        /is no table/u,
    ],
    "a row policy that runs a function": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
        ALTER TABLE awsdms_control.awsdms_suspended_tables ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON awsdms_control.awsdms_suspended_tables USING (awsdms_control.evil() IS NOT NULL)`,
        /has row security/u,
    ],
    "a materialized view": [
        `CREATE MATERIALIZED VIEW awsdms_control.awsdms_suspended_tables AS SELECT 1 AS task_name`,
        /is no table/u,
    ],
    "a partitioned table": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS}) PARTITION BY LIST (task_name)`,
        /is no table/u,
    ],
    "a table with a child": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
        CREATE TABLE awsdms_control.child () INHERITS (awsdms_control.awsdms_suspended_tables)`,
        /inherits or is inherited/u,
    ],
    "a type of one's own with a cast to json": [
        `CREATE TYPE awsdms_control.mood AS ENUM ('good');
        CREATE FUNCTION awsdms_control.mood_json(awsdms_control.mood) RETURNS json LANGUAGE plpgsql
            AS $f$ BEGIN PERFORM awsdms_control.evil(); RETURN '1'; END $f$;
        CREATE CAST (awsdms_control.mood AS json) WITH FUNCTION awsdms_control.mood_json(awsdms_control.mood);
        CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS}, mood awsdms_control.mood);
        INSERT INTO awsdms_control.awsdms_suspended_tables
            VALUES ('host', 't', 'public', 'x', 'error', now(), 'good')`,
        /a type that is not PostgreSQL's own/u,
    ],
    "a domain with a check": [
        `CREATE DOMAIN awsdms_control.word AS text CHECK (awsdms_control.evil() IS NOT NULL);
        CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS}, word awsdms_control.word)`,
        /a type that is not PostgreSQL's own/u,
    ],
    "an index on an expression, which the planner evaluates": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
        CREATE FUNCTION awsdms_control.constant(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql
            AS $f$ BEGIN PERFORM awsdms_control.evil(); RETURN $1; END $f$;
        CREATE INDEX ON awsdms_control.awsdms_suspended_tables ((awsdms_control.constant(1)))`,
        /an index with an expression/u,
    ],
    "a check constraint": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS}, CHECK (awsdms_control.evil() IS NOT NULL))`,
        /a check constraint/u,
    ],
    "a generated column": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS},
            twice text GENERATED ALWAYS AS (task_name || task_name) STORED)`,
        /a generated column/u,
    ],
    "extended statistics": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
        CREATE STATISTICS awsdms_control.s ON (upper(task_name)) FROM awsdms_control.awsdms_suspended_tables`,
        /extended statistics/u,
    ],
    "a table without a column that is asked for": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (task_name text, table_owner text)`,
        /has no column suspend_reason/u,
    ],
    "a text where a time belongs": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (server_name text, task_name text, table_owner text,
            table_name text, suspend_reason text, suspend_timestamp text);
        INSERT INTO awsdms_control.awsdms_suspended_tables VALUES ('h', 't', 'public', 'x', 'r', 'yesterday-ish')`,
        /cannot be read \(SQLSTATE 22007\)/u,
    ],
    "a table that nobody else may read": [
        `CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
        REVOKE ALL ON awsdms_control.awsdms_suspended_tables FROM audit_trail_collector`,
        /cannot be read \(SQLSTATE 42501\)/u,
    ],
};

/** Takes down who runs it, and tries to rewrite the log as whoever that is. */
const EVIL = `
    CREATE TABLE awsdms_control.called (who name);
    GRANT INSERT ON awsdms_control.called TO PUBLIC;
    CREATE FUNCTION awsdms_control.evil() RETURNS text LANGUAGE plpgsql AS $f$
    BEGIN
        INSERT INTO awsdms_control.called VALUES (current_user);
        IF current_user = 'audit_trail_owner' THEN
            ALTER TABLE public.items_audit_log DISABLE TRIGGER append_only;
            DELETE FROM public.items_audit_log;
            ALTER TABLE public.items_audit_log ENABLE ALWAYS TRIGGER append_only;
        END IF;
        RETURN current_user;
    END $f$;
    GRANT USAGE ON SCHEMA awsdms_control TO PUBLIC;`;

describe("collecting from tables that DMS's user owns", () => {
    let server: ScratchServer;
    let trail: Trail;
    let databases = 0;

    before(async function () {
        this.timeout(60_000);
        server = await scratchServer();
    });

    beforeEach(async function () {
        this.timeout(60_000);
        databases += 1;
        trail = await trailDatabase(server, `audit_${String(databases)}`, [ITEMS]);
        await trail.dms.query(
            "INSERT INTO items_staging VALUES (3, 'a', 1, 'I', '2026-11-20 10:00', 'p', 's')",
        );
    });

    afterEach(async () => {
        await trail.stop();
    });

    after(async () => {
        await server.stop();
    });

    async function collect(client = trail.operator): Promise<number> {
        const { rows } = await client.query<{ found: number }>(
            "SELECT audit_trail.collect_gaps() AS found",
        );
        return rows[0]?.found ?? NaN;
    }

    async function told(): Promise<readonly { kind: string; problem: string | null }[]> {
        const { rows } = await trail.reader.query<{ kind: string; problem: string | null }>(
            "SELECT kind, detail ->> 'problem' AS problem FROM audit_trail.gap ORDER BY gap_id",
        );
        return rows;
    }

    for (const [what, [ddl, problem]] of Object.entries(PLANTED)) {
        it(`does not read ${what}, and says so once`, async () => {
            await trail.master.query("GRANT USAGE ON SCHEMA awsdms_control TO PUBLIC");
            await trail.dms.query(EVIL.replace(/GRANT USAGE ON SCHEMA.*;/u, ""));
            await trail.dms.query(ddl);
            // What building it has run does not count.
            await trail.dms.query("DELETE FROM awsdms_control.called");
            assert.equal(await collect(), 1);
            assert.equal(await collect(trail.master).catch(() => 0), 0);
            assert.equal(await collect(), 0);
            const [gap, ...others] = await told();
            assert.deepEqual(others, []);
            assert.equal(gap?.kind, "unreadable control table");
            assert.match(gap.problem ?? "", problem);
            assert.match(gap.problem ?? "", /awsdms_control\.awsdms_suspended_tables/u);

            const { rows: called } = await trail.dms.query("SELECT who FROM awsdms_control.called");
            assert.deepEqual(called, []);
            const { rows: log } = await trail.reader.query("SELECT operation FROM items_audit_log");
            assert.deepEqual(log, [{ operation: "I" }]);
        });
    }

    it("takes column names in upper and in lower case", async () => {
        for (const [task, quote] of [
            ["lower", (name: string) => name],
            ["upper", (name: string) => `"${name.toUpperCase()}"`],
        ] as const) {
            const list = (columns: Readonly<Record<string, string>>): string =>
                Object.entries(columns)
                    .map(([name, type]) => `${quote(name)} ${type}`)
                    .join(", ");
            const text = "varchar(128)";
            const table = { task_name: text, table_owner: text, table_name: text };
            await trail.dms.query(`
                DROP TABLE IF EXISTS awsdms_control.awsdms_apply_exceptions, awsdms_control.awsdms_suspended_tables,
                    awsdms_control.awsdms_history;
                CREATE TABLE awsdms_control.awsdms_apply_exceptions
                    (${list({ ...table, error_time: "timestamp", statement: "text", error: "text" })});
                CREATE TABLE awsdms_control.awsdms_suspended_tables
                    (${list({ ...table, suspend_reason: text, suspend_timestamp: "timestamp" })});
                CREATE TABLE awsdms_control.awsdms_history
                    (${list({ task_name: text, timeslot: "timestamp", timeslot_duration: "bigint" })});
                INSERT INTO awsdms_control.awsdms_apply_exceptions
                    VALUES ('${task}', 'public', 'items_staging', '2026-11-01 10:00', 'INSERT', 'no');
                INSERT INTO awsdms_control.awsdms_suspended_tables
                    VALUES ('${task}', 'public', 'items_staging', 'error', '2026-11-01 11:00');
                INSERT INTO awsdms_control.awsdms_history
                    VALUES ('${task}', '2026-11-02 10:00', 5), ('${task}', '2026-11-02 12:00', 5);
            `);
            assert.equal(await collect(), 3, task);
            assert.equal(await collect(), 0, task);
        }
        assert.deepEqual(
            (await told()).map(({ kind }) => kind),
            [1, 2].flatMap(() => ["apply exception", "table suspended", "task stopped"]),
        );
    });

    it("says which table is locked, and enters nothing", async () => {
        await trail.dms.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS})`);
        await trail.dms.query("BEGIN; LOCK TABLE awsdms_control.awsdms_suspended_tables");
        await assert.rejects(
            collect(),
            /awsdms_control\.awsdms_suspended_tables is locked by another session/u,
        );
        await trail.dms.query("ROLLBACK");
        assert.equal(await collect(), 0);
    });

    it("enters what DMS says of two tables at the same moment, though it is the same", async () => {
        await trail.dms.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
            INSERT INTO awsdms_control.awsdms_suspended_tables
            SELECT 'h', 't', 'public', n, 'error', '2026-11-01 11:00' FROM unnest('{items_staging,other_staging}'::text[]) AS n`);
        assert.equal(await collect(), 2);
        assert.equal(await collect(), 0);
    });

    it("waits for another collector, and for no lock that anybody can hold", async () => {
        await trail.reader.query(`SELECT pg_advisory_lock(hashtextextended(p.proname::text, 0)),
                pg_advisory_lock(hashtextextended('audit_trail.' || p.proname, 0))
            FROM pg_proc AS p WHERE p.pronamespace = 'audit_trail'::regnamespace`);
        // Nor does a deployment, which has one of these as long as there is no trail.
        await trail.reader.query("SELECT pg_advisory_lock(418581342580)");
        await runBatch(
            trail.master,
            { host: "localhost", database: "audit", withSession: (work) => work(trail.superuser) },
            { files: [{ file: "sql/some.sql", sql: "SELECT 1" }] },
            { lock: 2_000, all: 0, pause: 20 },
        );
        await trail.dms.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
            INSERT INTO awsdms_control.awsdms_suspended_tables VALUES ('h', 't', 'public', 'x', 'r', now())`);
        await trail.operator.query("BEGIN");
        assert.equal(await collect(), 1);
        await trail.master.query("GRANT audit_trail_operator TO master");
        const second = collect(trail.master);
        await until(async () => {
            const { rows } = await trail.superuser.query(
                "SELECT FROM pg_locks WHERE NOT granted AND relation = 'audit_trail.gap'::regclass",
            );
            return rows.length > 0;
        });
        // Who writes the ledger does not wait.
        await trail.dms.query("TRUNCATE items_staging");
        await trail.operator.query("COMMIT");
        assert.equal(await second, 0);
    });

    it("refuses a snapshot from before the lock, in which a table may look better than it is", async () => {
        await trail.dms.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS})`);
        await trail.operator.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
        await assert.rejects(collect(), /isolation level read committed only/u);
        await trail.operator.query("ROLLBACK");
    });

    it("refuses to run as anybody else, should its owner's code have altered it", async () => {
        await trail.superuser.query(
            "ALTER FUNCTION audit_trail.collect_gaps() SECURITY INVOKER; ALTER FUNCTION audit_trail.collect_gaps() RESET ALL",
        );
        for (const client of [trail.operator, trail.master, trail.superuser]) {
            await assert.rejects(
                collect(client),
                /would read DMS's tables as \w+; run the update/u,
            );
        }
    });

    it("calls nothing by a name that the caller's search path decides", async () => {
        await trail.dms.query(`
            CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS});
            INSERT INTO awsdms_control.awsdms_suspended_tables VALUES ('h', 't', 'public', 'x', 'r', now());
            CREATE FUNCTION awsdms_control.lower(text) RETURNS text LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted'; END $f$;
            CREATE FUNCTION awsdms_control.to_jsonb(anyelement) RETURNS jsonb LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted'; END $f$;
            CREATE FUNCTION awsdms_control.to_regclass(text) RETURNS regclass LANGUAGE plpgsql
                AS $f$ BEGIN RAISE EXCEPTION 'planted'; END $f$`);
        await trail.master.query("GRANT USAGE ON SCHEMA awsdms_control TO audit_trail_operator");
        await trail.operator.query("SET search_path = awsdms_control, pg_catalog");
        assert.equal(await collect(), 1);
    });

    it("has a role of its own that can read what DMS reports, write gaps, and nothing else", async () => {
        await trail.dms.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS})`);
        const { rows } = await trail.superuser.query<{ may: string }>(`
            SELECT format('%s %s', p.privilege, c.oid::regclass) AS may
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege)
            WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND n.nspname NOT LIKE 'pg_t%'
                AND has_table_privilege('audit_trail_collector', c.oid, p.privilege)
            UNION ALL
            SELECT format('CREATE in %s', n.nspname) FROM pg_namespace AS n
            WHERE has_schema_privilege('audit_trail_collector', n.oid, 'CREATE')
            UNION ALL
            SELECT format('is a member of %s', r.rolname) FROM pg_roles AS r
            WHERE r.rolname <> 'audit_trail_collector' AND pg_has_role('audit_trail_collector', r.oid, 'MEMBER')
            UNION ALL
            SELECT 'can log in' FROM pg_roles WHERE rolname = 'audit_trail_collector' AND rolcanlogin
            ORDER BY 1`);
        assert.deepEqual(
            rows.map(({ may }) => may),
            [
                "INSERT audit_trail.gap",
                "SELECT audit_trail.audited_partition",
                "SELECT audit_trail.audited_table",
                "SELECT audit_trail.gap",
                "SELECT awsdms_control.awsdms_suspended_tables",
            ],
        );
    });

    it("is the only one who reads them: neither the owner nor an auditor may", async () => {
        await trail.dms.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS})`);
        const { rows } = await trail.superuser.query<{ who: string }>(`
            SELECT r.rolname AS who FROM pg_roles AS r
            WHERE r.rolname LIKE 'audit\\_trail\\_%' AND r.rolname <> 'audit_trail_dms_target'
                AND has_table_privilege(r.oid, 'awsdms_control.awsdms_suspended_tables', 'SELECT')`);
        assert.deepEqual(rows, [{ who: "audit_trail_collector" }]);
    });

    it("reads tables that were there before the rights, and gives the deploying user no more than it had", async () => {
        const early = await connect(server);
        try {
            await early.query("CREATE DATABASE early OWNER master");
        } finally {
            await early.end();
        }
        const master = await connect(server, { user: "master", database: "early" });
        try {
            await master.query("CREATE SCHEMA awsdms_control");
            await master.query(
                "GRANT audit_trail_dms_target TO master; GRANT CREATE, USAGE ON SCHEMA awsdms_control TO audit_trail_dms_target",
            );
            await master.query("SET ROLE audit_trail_dms_target");
            await master.query(`CREATE TABLE awsdms_control.awsdms_suspended_tables (${COLUMNS})`);
            await master.query("RESET ROLE; REVOKE audit_trail_dms_target FROM master");
        } finally {
            await master.end();
        }
        const again = await trailDatabase(server, "early", [ITEMS], false);
        try {
            const { rows } = await again.superuser.query<{ reads: boolean; is_member: boolean }>(
                `SELECT has_table_privilege('audit_trail_collector', 'awsdms_control.awsdms_suspended_tables', 'SELECT') AS reads,
                    pg_has_role('master', 'audit_trail_dms_target', 'USAGE') AS is_member`,
            );
            assert.deepEqual(rows, [{ reads: true, is_member: false }]);
        } finally {
            await again.stop();
        }
    });
});
