-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What a deployment runs on the audit cluster before it comes to the tables.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"0","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"on"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> by the postgresql plugin of Pulumi | audit cluster | as the master user | once
CREATE ROLE "audit_trail_owner" NOLOGIN;
CREATE ROLE "audit_trail_auditor" NOLOGIN;
CREATE ROLE "audit_trail_operator" NOLOGIN IN ROLE "audit_trail_auditor";
CREATE ROLE "audit_trail_dms_target" LOGIN;
CREATE ROLE "audit_trail_collector" NOLOGIN;
CREATE SCHEMA "audit_trail";
CREATE SCHEMA "awsdms_control";

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-foundation, whenever another batch of the script runs
-- Who may do what on the audit cluster, all of it on this page. Runs as the user who deploys, before the other scripts and
-- after them: each time it gives what is missing on what is there. It takes away nothing that it gave, because the logs of
-- tables that left the list stay. Owners' own rights need no grant.

-- The scripts act as the owner, and hand the collector its function. From PostgreSQL 16 on, whoever creates a role may grant
-- it and cannot yet act as it.
GRANT audit_trail_owner, audit_trail_collector TO CURRENT_USER;

-- What the owner makes is nobody else's until this page says so.
ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $do$
DECLARE
    -- Of the tables that are listed, the trail's own among them, and of those that once were.
    source_schemas text[] := ARRAY['audit_trail', 'public']::text[];
    wanted record;
    is_member boolean;
    -- Of the partitions of audited tables.
    partition_staging jsonb := '[]';
    -- Staging and logs.
    own_tables jsonb := '[]';
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_partition')
    ) THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', p.partition_schema, 'name', p.staging)), '[]')
            INTO partition_staging
            FROM audit_trail.audited_partition AS p;
        source_schemas := source_schemas || ARRAY(SELECT DISTINCT p.partition_schema FROM audit_trail.audited_partition AS p);
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_table')
    ) THEN
        source_schemas := source_schemas || ARRAY(SELECT t.table_schema FROM audit_trail.audited_table AS t);
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', t.table_schema, 'name', o.name)), '[]')
            INTO own_tables
            FROM audit_trail.audited_table AS t
            CROSS JOIN LATERAL (VALUES (t.staging), (t.audit_log)) AS o (name);
        FOR wanted IN
            SELECT r.privilege, format('%I.%I', n.nspname, c.relname) AS relation, r.grantee
            FROM (
                SELECT t.table_schema AS schema_name, t.staging AS name, 'audit_trail_dms_target' AS grantee, p.privilege
                FROM audit_trail.audited_table AS t
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
                UNION ALL
                SELECT t.table_schema, t.audit_log, 'audit_trail_auditor', 'SELECT' FROM audit_trail.audited_table AS t
                UNION ALL
                SELECT s.schema_name, s.name, 'audit_trail_dms_target', p.privilege
                FROM jsonb_to_recordset(partition_staging) AS s (schema_name text, name text)
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
            ) AS r
            JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.schema_name
            JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
            WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
        LOOP
            EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
        END LOOP;
    END IF;

    FOR wanted IN
        SELECT n.nspname, o.rolname
        FROM pg_catalog.pg_namespace AS n
        JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
        WHERE (n.nspname = ANY (source_schemas) OR n.nspname IN ('audit_trail', 'awsdms_control'))
            AND NOT o.rolsuper
            AND o.rolname NOT IN (current_user, session_user, 'pg_database_owner', 'audit_trail_owner')
            AND o.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_roles AS s
                WHERE s.rolname = 'rds_superuser' AND pg_has_role(o.oid, s.oid, 'MEMBER')
            )
    LOOP
        RAISE EXCEPTION 'The schema % of the audit database belongs to %, who could drop the logs in it.',
            wanted.nspname, wanted.rolname
            USING HINT = format('Run there: ALTER SCHEMA %I OWNER TO %I.', wanted.nspname, current_user);
    END LOOP;
    FOR wanted IN
        SELECT DISTINCT r.privilege, n.nspname, r.grantee
        FROM (
            -- The owner makes staging and logs there; DMS and the auditors find theirs.
            SELECT s.name, g.grantee, g.privilege
            FROM unnest(source_schemas) AS s (name)
            CROSS JOIN (
                VALUES
                    ('audit_trail_owner', 'CREATE'),
                    ('audit_trail_owner', 'USAGE'),
                    ('audit_trail_dms_target', 'USAGE'),
                    ('audit_trail_auditor', 'USAGE')
            ) AS g (grantee, privilege)
            UNION ALL
            VALUES
                ('audit_trail', 'audit_trail_collector', 'USAGE'),
                -- DMS makes its control tables there, which the collector reads and nobody else with rights worth stealing.
                ('awsdms_control', 'audit_trail_dms_target', 'CREATE'),
                ('awsdms_control', 'audit_trail_dms_target', 'USAGE'),
                ('awsdms_control', 'audit_trail_collector', 'USAGE')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.name
        WHERE NOT has_schema_privilege(r.grantee, n.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON SCHEMA %I TO %I', wanted.privilege, wanted.nspname, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT r.privilege, c.oid::regclass AS relation, r.grantee
        FROM (
            VALUES
                ('acknowledgement', 'audit_trail_auditor', 'SELECT'),
                ('audited_column', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_auditor', 'SELECT'),
                ('audited_table', 'audit_trail_auditor', 'SELECT'),
                ('brought_back', 'audit_trail_auditor', 'SELECT'),
                ('database_user', 'audit_trail_auditor', 'SELECT'),
                ('former_column', 'audit_trail_auditor', 'SELECT'),
                ('gap', 'audit_trail_auditor', 'SELECT'),
                ('gap_kind', 'audit_trail_auditor', 'SELECT'),
                ('known_gap', 'audit_trail_auditor', 'SELECT'),
                ('log_count', 'audit_trail_auditor', 'SELECT'),
                ('schema_version', 'audit_trail_auditor', 'SELECT'),
                ('unlogged_change', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_collector', 'SELECT'),
                ('audited_table', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'INSERT')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
        WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT p.oid::regprocedure AS routine, r.grantee
        FROM (
            VALUES
                ('as_of', 'audit_trail_auditor'),
                ('gaps_between', 'audit_trail_auditor'),
                ('is_key', 'audit_trail_auditor'),
                ('row_history', 'audit_trail_auditor'),
                ('trail_of', 'audit_trail_auditor'),
                ('acknowledge', 'audit_trail_operator'),
                ('begin_reload', 'audit_trail_operator'),
                ('bring_back', 'audit_trail_operator'),
                ('collect_gaps', 'audit_trail_operator'),
                ('end_reload', 'audit_trail_operator'),
                ('maintain', 'audit_trail_operator'),
                ('maintain_table', 'audit_trail_operator'),
                ('count_log', 'audit_trail_operator'),
                ('set_aside', 'audit_trail_operator'),
                ('control_rows', 'audit_trail_collector'),
                ('control_table_problem', 'audit_trail_collector'),
                ('gaps_told_by', 'audit_trail_collector'),
                ('record_once', 'audit_trail_collector'),
                ('register_new_columns', 'audit_trail_collector'),
                ('trail_of_staging', 'audit_trail_collector'),
                ('wait_for_collectors', 'audit_trail_collector')
        ) AS r (name, grantee)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = r.name
        WHERE NOT has_function_privilege(r.grantee, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', wanted.routine, wanted.grantee);
    END LOOP;

    -- Whoever may use the type that a table's rows have can make a table or a function of it, and PostgreSQL then refuses to
    -- change the columns' types or to drop the table.
    FOR wanted IN
        SELECT c.reltype::regtype AS row_type
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN jsonb_to_recordset(own_tables || partition_staging) AS o (schema_name text, name text)
            ON (o.schema_name, o.name) = (n.nspname, c.relname)
        WHERE c.relkind IN ('r', 'p', 'v')
            AND (o.name IS NOT NULL OR n.nspname = 'audit_trail' AND NOT c.relispartition)
            AND pg_get_userbyid(c.relowner) = 'audit_trail_owner'
            AND has_type_privilege('public', c.reltype, 'USAGE')
    LOOP
        EXECUTE format('REVOKE USAGE ON TYPE %s FROM PUBLIC', wanted.row_type);
    END LOOP;

    -- What DMS's user makes is given by DMS's user: as a member of it, for no longer than that takes.
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname = 'awsdms_control'
            AND (
                NOT EXISTS (
                    SELECT FROM pg_catalog.pg_default_acl AS d
                    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
                    WHERE d.defaclnamespace = n.oid
                        AND d.defaclobjtype = 'r'
                        AND pg_get_userbyid(d.defaclrole) = 'audit_trail_dms_target'
                        AND pg_get_userbyid(a.grantee) = 'audit_trail_collector'
                        AND a.privilege_type = 'SELECT'
                )
                OR EXISTS (
                    SELECT FROM pg_catalog.pg_class AS c
                    WHERE c.relnamespace = n.oid
                        AND c.relkind = 'r'
                        AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
                        AND NOT has_table_privilege('audit_trail_collector', c.oid, 'SELECT')
                )
            )
    ) THEN
        is_member := pg_has_role(current_user, 'audit_trail_dms_target', 'USAGE');
        IF NOT is_member THEN
            GRANT audit_trail_dms_target TO CURRENT_USER;
        END IF;
        ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_dms_target IN SCHEMA awsdms_control
            GRANT SELECT ON TABLES TO audit_trail_collector;
        FOR wanted IN
            SELECT c.oid::regclass AS relation
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'awsdms_control'
                AND c.relkind = 'r'
                AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO audit_trail_collector', wanted.relation);
        END LOOP;
        IF NOT is_member THEN
            REVOKE audit_trail_dms_target FROM CURRENT_USER;
        END IF;
    END IF;
END
$do$;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/schema_version.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Which version of the audit schema this database has: trail/schemaVersion.ts lists them. A change to it is a numbered step with
-- a test: the program runs the steps between the version that it finds and its own. Two versions of the program must not work
-- on one trail.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.schema_version (
    version integer PRIMARY KEY,
    reached_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.schema_version IS 'The versions that the audit schema has had, and since when.';

DO $do$
DECLARE
    wanted CONSTANT integer := 2;
    oldest CONSTANT integer := 2;
    present integer;
BEGIN
    SELECT max(v.version) INTO present FROM audit_trail.schema_version AS v;
    IF present > wanted THEN
        RAISE EXCEPTION 'The audit schema has version %, and this program knows versions up to %.', present, wanted
            USING HINT = 'Deploy with the version of the program that was used last, or a newer one.';
    END IF;
    IF present < oldest THEN
        RAISE EXCEPTION 'The audit schema has version %, of before the first release, from which no step leads to version %.',
            present, wanted
            USING HINT = 'Destroy the stack and deploy it again, or go on with the version of the program that made it.';
    END IF;
END
$do$;
INSERT INTO audit_trail.schema_version (version) VALUES (2) ON CONFLICT (version) DO NOTHING;

RESET ROLE;

--> sql/audit/basics.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What positions, keys, times and errors mean, and how a trigger is made: used by everything that follows.
SET LOCAL ROLE audit_trail_owner;

-- The LSN in which a stream position ends, %08X/%08X, as $AR_H_STREAM_POSITION has it; null for any other text. The log's
-- function computes it for each change: without settings of its own it is inlined.
CREATE OR REPLACE FUNCTION audit_trail.lsn_of(stream_position text) RETURNS pg_lsn
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        -- Cheaper than a regular expression.
        WHEN stream_position LIKE '%________/________'
            AND translate(right(stream_position, 17), '0123456789ABCDEFabcdef', '') = '/'
            THEN CAST(right(stream_position, 17) AS pg_lsn)
    END;
END;

-- A commit time as the log's transaction_id: microseconds since 1970. Inlined as well.
CREATE OR REPLACE FUNCTION audit_trail.microseconds(moment timestamptz) RETURNS bigint
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT CAST(extract(epoch FROM moment) * 1000000 AS bigint);
END;

-- Whether a log row has this key, by way of the index on the key's hash: for WHERE clauses, where it is inlined.
CREATE OR REPLACE FUNCTION audit_trail.is_key(row_key jsonb, key jsonb) RETURNS boolean
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_hash_extended(row_key, 0) = jsonb_hash_extended(key, 0) AND row_key = key;
END;

-- Whether an error is a property of the row that met it: data exceptions, constraints, limits, what PostgreSQL does not
-- support, and what our own functions raise. https://www.postgresql.org/docs/current/errcodes-appendix.html
CREATE OR REPLACE FUNCTION audit_trail.is_caused_by_value(error_code text) RETURNS boolean
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT left(error_code, 2) IN ('22', '23', '54', '0A', 'P0');
END;

-- The remarks of a change before which the session's last change does not sort; each is the commit time in microseconds, a space
-- and the LSN. Where the position steps back within one commit time, another transaction has begun that committed in the
-- same microsecond. The first change of a session begins it.
CREATE OR REPLACE FUNCTION audit_trail.remark_step_back(this_change text) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    last_change CONSTANT text := current_setting('audit_trail.last_change', true);
BEGIN
    IF starts_with(last_change, split_part(this_change, ' ', 1) || ' ') THEN
        IF last_change COLLATE "C" > this_change THEN
            RETURN ARRAY['shared commit time'];
        END IF;
    ELSIF concat(last_change, current_setting('audit_trail.session_start', true)) = '' THEN
        PERFORM set_config('audit_trail.session_start', CAST(clock_timestamp() AS text), false);
    END IF;
    RETURN NULL;
END
$function$;

-- Makes a trigger as it is to be, ENABLE ALWAYS; one that is so already costs no lock. The definition is what follows
-- CREATE TRIGGER, with %1$I for the trigger's name and %2$s for the table.
CREATE OR REPLACE FUNCTION audit_trail.put_trigger(relation regclass, trigger_name text, definition text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    wanted CONSTANT text := format(definition, trigger_name, relation);
    made text;
BEGIN
    -- The comment holds what the trigger was made of and what came of it, which pg_get_triggerdef() writes in its own words:
    -- a trigger that somebody has replaced keeps the comment.
    IF EXISTS (
        SELECT
        FROM pg_trigger AS t
        WHERE t.tgrelid = relation
            AND t.tgname = trigger_name
            AND t.tgenabled = 'A'
            AND obj_description(t.oid, 'pg_trigger') = concat(wanted, E'\n', pg_get_triggerdef(t.oid))
    ) THEN
        RETURN;
    END IF;
    EXECUTE 'CREATE OR REPLACE TRIGGER ' || wanted;
    -- Without ONLY: a row trigger of a partitioned table is one of each partition as well.
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, trigger_name);
    SELECT concat(wanted, E'\n', pg_get_triggerdef(t.oid)) INTO STRICT made
        FROM pg_trigger AS t
        WHERE t.tgrelid = relation AND t.tgname = trigger_name;
    EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, relation, made);
END
$function$;

-- Row triggers of a partitioned table reach its partitions by themselves, statement triggers do not.
CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate(log regclass) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT audit_trail.put_trigger(
        log,
        'append_only_truncate',
        '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change()'
    );
END;

RESET ROLE;

--> sql/audit/ledger.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Tables that say what the logs cannot: what may be missing, what could not be logged, and what a log had when it was read.
SET LOCAL ROLE audit_trail_owner;

-- The kinds of gap: which of them hide changes, so that a table with one is not complete, and which only tell.
CREATE TABLE IF NOT EXISTS audit_trail.gap_kind (
    kind text PRIMARY KEY,
    hides_changes boolean NOT NULL,
    meaning text NOT NULL
);
COMMENT ON TABLE audit_trail.gap_kind IS 'What the kinds of audit_trail.gap mean, and whether the log may lack changes after them.';

INSERT INTO audit_trail.gap_kind AS k (kind, hides_changes, meaning)
VALUES
    ('apply exception', true, 'DMS could not apply a change to staging and went on.'),
    ('column not audited', true, 'The config left a column out for a time; its values from that time are in no log.'),
    ('commit timestamp missing', false, 'DMS sent no commit time; the log has the time at which the change arrived.'),
    ('insert over existing row', true, 'A row was inserted that staging had already: its delete is missing.'),
    ('key update', true, 'The source changed a primary key, which DMS does not replicate.'),
    ('large column completed', false, 'A large value arrived after its row, in a transaction of its own.'),
    ('left the list', false, 'The table was taken from the list; its log ends here.'),
    ('lob truncated', true, 'DMS cut a large value; the log has its beginning.'),
    ('marker missing', true, 'A marker of the source is in no log; what was committed about then may be in none either.'),
    (
        'moved to another group',
        true,
        'The table went from one task to another one; what was committed between the two is in no log.'
    ),
    ('not audited', true, 'The table was not listed for a time; what was committed then is in no log.'),
    ('other table under this name', true, 'Another table has got the audited table''s name.'),
    ('partition added', true, 'A partition came; what was committed to it before it was loaded is in no log.'),
    ('partition left', false, 'A partition was detached or dropped; a D with a remark closes each of its rows.'),
    ('primary key update', true, 'DMS changed the primary key of a staging row.'),
    ('reload', true, 'DMS emptied staging and loaded the table again; the changes in between are in no log.'),
    ('replay with other values', false, 'DMS sent a change again that the log has already, with other values in its row.'),
    ('row missing before delete', true, 'A row was deleted that staging did not have: an insert is missing.'),
    ('row missing before update', true, 'A row was updated that staging did not have: an insert is missing.'),
    ('shape change', false, 'A column came, went, or got another name or type.'),
    ('slot recreated', true, 'The replication slot was dropped and made again; nobody read what was committed in between.'),
    ('table suspended', true, 'DMS suspended the table: it replicates nothing of it.'),
    ('task stopped', false, 'The task did not run for a time, and went on from its slot.'),
    ('truncate', true, 'The source truncated the table, which DMS does not replicate.'),
    ('unexplained replay', true, 'A change came with a position that the log has already, and the log has no such change.'),
    ('unflagged delete', true, 'A staging row was deleted without saying when the source deleted it.'),
    ('unknown marker', true, 'The source sent a marker of a kind that this version does not know.'),
    ('unlogged change', true, 'A change reached staging and could not be logged; audit_trail.unlogged_change has it.'),
    ('unreadable control table', true, 'A table in which DMS reports what it did not apply is not as DMS makes it.')
ON CONFLICT (kind) DO UPDATE
    SET hides_changes = excluded.hides_changes, meaning = excluded.meaning
    WHERE (k.hides_changes, k.meaning) IS DISTINCT FROM (excluded.hides_changes, excluded.meaning);

CREATE TABLE IF NOT EXISTS audit_trail.gap (
    gap_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text,
    table_name text,
    kind text NOT NULL CONSTRAINT gap_kind_is_known REFERENCES audit_trail.gap_kind (kind),
    from_timestamp timestamptz,
    to_timestamp timestamptz,
    detail jsonb NOT NULL DEFAULT '{}',
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.gap IS
    'Where and when a log may lack changes of the source. table_schema and table_name are the source''s; null means all tables.';

-- The rows are json and not jsonb: json keeps every text a row can hold, and one reason why a change cannot be
-- logged is a text that jsonb refuses.
CREATE TABLE IF NOT EXISTS audit_trail.unlogged_change (
    unlogged_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    statement text NOT NULL,
    operation text,
    commit_timestamp timestamptz,
    stream_position text,
    change_seq text,
    old_row json,
    new_row json,
    -- The rows as the log would have them, made when the change arrived: the table's columns may be other ones later.
    old_image jsonb,
    new_image jsonb,
    sqlstate text NOT NULL,
    message text NOT NULL,
    -- The place in the log that was set aside for it: see audit_trail.bring_back().
    audit_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.unlogged_change IS
    'Changes that reached staging and that the log''s trigger could not log.';

CREATE TABLE IF NOT EXISTS audit_trail.brought_back (
    unlogged_id bigint PRIMARY KEY,
    brought_back_by text NOT NULL DEFAULT session_user,
    brought_back_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.brought_back IS
    'Unlogged changes that are rows of their log by now: see audit_trail.bring_back().';

-- A row for each time that verify has read a log with new rows in it. The rows of transactions that had all ended by then are
-- the same ever after, whatever comes late: no other row can get into their span of transactions.
CREATE TABLE IF NOT EXISTS audit_trail.log_count (
    count_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- The span of applied_xid that was counted: from where the count before it ended, up to the oldest transaction that was
    -- still running.
    from_xid xid8 NOT NULL,
    below_xid xid8 NOT NULL,
    -- Only rows with a recorded_at up to this time: transaction numbers begin again in a copy of the database.
    counted_at timestamptz NOT NULL,
    log_rows bigint NOT NULL,
    -- The sum of the rows' hashes, of sql/verify/log_count.sql.
    hash_sum numeric NOT NULL,
    counted_by text NOT NULL DEFAULT session_user,
    UNIQUE (table_schema, table_name, from_xid)
);
COMMENT ON TABLE audit_trail.log_count IS
    'How many rows the logs had when verify read them, and the sum of their hashes. Append-only.';

-- Enters a count. Of two verifications at once the second enters nothing. Not by ON CONFLICT: the row that gives way there
-- counts as deleted, and verify asks whether any row of a ledger was.
CREATE OR REPLACE FUNCTION audit_trail.enter_count(
    source_schema text,
    source_table text,
    from_xid xid8,
    below_xid xid8,
    counted_at timestamptz,
    log_rows bigint,
    hash_sum numeric
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO audit_trail.log_count (
        table_schema, table_name, from_xid, below_xid, counted_at, log_rows, hash_sum
    )
    VALUES (source_schema, source_table, from_xid, below_xid, counted_at, log_rows, hash_sum);
EXCEPTION
    WHEN unique_violation THEN
        NULL;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused.', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.refuse_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.gap
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.gap
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.gap ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.gap ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.unlogged_change
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.unlogged_change
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.unlogged_change ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.unlogged_change ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.brought_back
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.brought_back
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.brought_back ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.brought_back ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.log_count
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.log_count
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.log_count ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.log_count ENABLE ALWAYS TRIGGER append_only_truncate;

RESET ROLE;

--> sql/audit/slots.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What the audit side remembers of the source's replication slots: a slot that was dropped and made again begins after
-- changes that nobody will read.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.slot_observation (
    observed_at timestamptz PRIMARY KEY,
    slots text[] NOT NULL
);
COMMENT ON TABLE audit_trail.slot_observation IS
    'The replication slots that DMS had at the source when somebody looked last, and by group the sessions in which it applied.';
ALTER TABLE audit_trail.slot_observation ADD COLUMN IF NOT EXISTS sessions jsonb NOT NULL DEFAULT '{}';

-- It did not know which groups had kept theirs.
DROP FUNCTION IF EXISTS audit_trail.observe_slots(text[]);

-- Takes the names of the slots. It enters a gap when a slot of the last observation is gone, or when there was none and now
-- there is one: the new slot has not seen what was committed in between. An additional slot is another task's. For each
-- group that has left since then, one slot may be gone: it goes with the group's task.
-- A task makes a new slot only when it starts. So a group has kept its own if its task has just brought a marker, in the session
-- in which it applied when somebody looked last: these groups are the second argument, as far as they brought one. The gap is
-- that of the tables of all other groups, one for each table, or one for all tables where no group has kept its slot.
-- Positions are not compared: after a crash of the source they go back, and nothing is lost. Returns the new gaps' number.
-- It believes its arguments, and a gap begins at the time of the observation before. So it runs with the rights of its
-- caller, which is verify.
CREATE OR REPLACE FUNCTION audit_trail.observe_slots(seen_slots text[], bringing_groups text[]) RETURNS integer
LANGUAGE plpgsql
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    this_time CONSTANT timestamptz := clock_timestamp();
    last_time timestamptz;
    known_slots text[];
    vanished integer;
    is_recreated boolean;
    known_sessions jsonb;
    these_sessions CONSTANT jsonb := coalesce(
        (SELECT jsonb_object_agg(s.table_group, s.session) FROM audit_trail.apply_session AS s), '{}'
    );
    about_slots jsonb;
    kept_groups text[];
    gap_count integer := 0;
BEGIN
    LOCK TABLE audit_trail.slot_observation IN SHARE ROW EXCLUSIVE MODE;
    SELECT o.observed_at, o.slots, o.sessions INTO last_time, known_slots, known_sessions
        FROM audit_trail.slot_observation AS o;
    IF NOT FOUND THEN
        -- Before the first task there is no slot that could have been lost.
        IF cardinality(seen_slots) > 0 THEN
            INSERT INTO audit_trail.slot_observation (observed_at, slots, sessions)
                VALUES (this_time, seen_slots, these_sessions);
        END IF;
        RETURN 0;
    END IF;

    vanished := (SELECT count(*) FROM unnest(known_slots) AS k (slot) WHERE k.slot <> ALL (seen_slots));
    is_recreated := vanished > (
            SELECT count(*)
            FROM audit_trail.audited_table AS t
            WHERE t.table_schema = 'audit_trail' AND t.left_at > last_time
        )
        OR (cardinality(known_slots) = 0 AND cardinality(seen_slots) > 0);
    IF is_recreated THEN
        about_slots := jsonb_build_object('slots_before', known_slots, 'slots_after', seen_slots);
        kept_groups := ARRAY(
            SELECT g.name FROM unnest(bringing_groups) AS g (name) WHERE known_sessions ->> g.name = these_sessions ->> g.name
        );
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            SELECT
                t.table_schema,
                t.table_name,
                'slot recreated',
                last_time,
                this_time,
                about_slots || jsonb_build_object('group', coalesce(t.table_group, 'default'))
            FROM audit_trail.audited_table AS t
            WHERE t.table_schema <> 'audit_trail'
                AND t.left_after IS NULL
                AND cardinality(kept_groups) > 0
                AND coalesce(t.table_group, 'default') <> ALL (kept_groups);
        GET DIAGNOSTICS gap_count = ROW_COUNT;
        IF gap_count = 0 THEN
            INSERT INTO audit_trail.gap (kind, from_timestamp, to_timestamp, detail)
                VALUES ('slot recreated', last_time, this_time, about_slots);
            gap_count := 1;
        END IF;
    END IF;
    UPDATE audit_trail.slot_observation SET observed_at = this_time, slots = seen_slots, sessions = these_sessions;
    RETURN gap_count;
END
$function$;
-- Operators had it in former versions.
REVOKE ALL ON FUNCTION audit_trail.observe_slots(text[], text[]) FROM PUBLIC, audit_trail_operator;

RESET ROLE;

--> sql/audit/registry.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What the trail knows of the audited tables and their columns, so that a query finds a log by its source table, and so
-- that a changed definition shows.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.audited_table (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    staging text NOT NULL,
    audit_log text NOT NULL,
    tombstone text NOT NULL,
    partition_prefix text NOT NULL,
    primary_key text[] NOT NULL,
    -- The source table's pg_class.oid. A table of the same name with another oid is another table.
    source_oid text NOT NULL,
    -- The function of sql/audit/log_uncommon.sql that the log's function calls.
    uncommon_function text,
    -- Tombstones of keys that were deleted before this time may have been forgotten: see audit_trail.maintain().
    tombstones_from timestamptz NOT NULL DEFAULT '-infinity',
    -- Since when a reload is under way: see audit_trail.begin_reload().
    reload_began_at timestamptz,
    -- The commit time of the last change that was applied before it.
    reload_from timestamptz,
    -- The commit time at which its log ends. The deployment that takes it from the list sets this; it is cleared when the gap of
    -- the time outside the list is recorded.
    left_after timestamptz,
    -- When its triggers were removed; null while it is audited.
    left_at timestamptz,
    -- The name that the table had while it was audited, and when its trail got another one: see audit_trail.set_aside().
    former_name text,
    set_aside_at timestamptz,
    -- The group whose task carries it; null until a deployment has come so far as to tell it.
    table_group text,
    -- The group that it was in before: what is on its way of that task's markers may still be about it.
    moved_from text,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (table_schema, table_name)
);
ALTER TABLE audit_trail.audited_table ADD COLUMN IF NOT EXISTS left_after timestamptz;
ALTER TABLE audit_trail.audited_table ADD COLUMN IF NOT EXISTS left_at timestamptz;
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS former_name text,
    ADD COLUMN IF NOT EXISTS set_aside_at timestamptz;
-- Before there were groups, every table was in the one that is called default now.
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS table_group text DEFAULT 'default',
    ADD COLUMN IF NOT EXISTS moved_from text;
ALTER TABLE audit_trail.audited_table ALTER COLUMN table_group DROP DEFAULT;
COMMENT ON TABLE audit_trail.audited_table IS 'One row per audited source table: where its trail is.';

-- What the deployment has given to people: see sql/audit/database_users.sql.
CREATE TABLE IF NOT EXISTS audit_trail.database_user (
    login text PRIMARY KEY,
    -- A login that somebody made anew under an old name is another one.
    login_oid oid NOT NULL,
    member_of text NOT NULL,
    is_made boolean NOT NULL
);
COMMENT ON TABLE audit_trail.database_user IS
    'The listed logins, members of the auditors or operators, and whether the deployment made the logins and gave the memberships.';
-- A membership that a login had before it was listed is not the deployment's to take. Where nobody noted it, all were given.
ALTER TABLE audit_trail.database_user ADD COLUMN IF NOT EXISTS is_given boolean NOT NULL DEFAULT true;

CREATE TABLE IF NOT EXISTS audit_trail.audited_column (
    column_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- The column's number in the source's pg_attribute, by which a renamed column is known; null for one that DMS added.
    attnum integer,
    name text NOT NULL,
    type text NOT NULL,
    -- Log rows recorded before this time do not have the column, or have it under another name or type.
    present_from timestamptz NOT NULL,
    -- Log rows of changes that were committed after this time do not have it; null while the trail has it.
    gone_since timestamptz,
    -- The type at the source, where the config chose another one for staging: a text form, or a declared limit.
    source_type text,
    -- Why the config leaves the column out; null for a column that is in the trail, or that the source has dropped. A column
    -- that was never in the trail has the same time in present_from and gone_since.
    excluded_because text,
    FOREIGN KEY (table_schema, table_name) REFERENCES audit_trail.audited_table
);
COMMENT ON TABLE audit_trail.audited_column IS
    'The columns that audited tables have and had. A renamed, retyped or excluded column ends one row and begins another.';
ALTER TABLE audit_trail.audited_column
    ADD COLUMN IF NOT EXISTS source_type text,
    ADD COLUMN IF NOT EXISTS excluded_because text;
CREATE INDEX IF NOT EXISTS audited_column_present
    ON audit_trail.audited_column (table_schema, table_name, name) WHERE gone_since IS NULL;

CREATE OR REPLACE VIEW audit_trail.former_column AS
    SELECT c.table_schema, c.table_name, c.name, max(c.gone_since) AS gone_since
    FROM audit_trail.audited_column AS c
    -- Columns that were never in the trail left nothing behind.
    WHERE c.gone_since IS NULL OR c.present_from < c.gone_since
    GROUP BY c.table_schema, c.table_name, c.name
    HAVING bool_and(c.gone_since IS NOT NULL);
COMMENT ON VIEW audit_trail.former_column IS
    'Columns that the source has dropped and staging keeps, and columns that were in the trail before the config excluded them.';

-- The latest entry of each column that the config leaves out of the trail now.
CREATE OR REPLACE VIEW audit_trail.excluded_column AS
    SELECT l.table_schema, l.table_name, l.attnum, l.name, l.type, l.gone_since, l.excluded_because
    FROM (
        SELECT DISTINCT ON (c.table_schema, c.table_name, c.name) c.*
        FROM audit_trail.audited_column AS c
        ORDER BY c.table_schema, c.table_name, c.name, c.column_id DESC
    ) AS l
    WHERE l.excluded_because IS NOT NULL;
COMMENT ON VIEW audit_trail.excluded_column IS
    'The columns that the stack''s config leaves out of the trail, since when (-infinity: always) and why.';

-- Whether a group's task may tell of a table: the group that it is in, or the one that it has left. Of a table that nobody
-- knows any task may.
CREATE OR REPLACE FUNCTION audit_trail.is_told_by(source_schema text, source_table text, group_name text) RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(
        (
            SELECT group_name = coalesce(t.table_group, 'default') OR group_name IS NOT DISTINCT FROM t.moved_from
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = (source_schema, source_table)
        ),
        true
    );
END;
REVOKE ALL ON FUNCTION audit_trail.is_told_by(text, text, text) FROM PUBLIC;

-- The commit time of the last change in a table's log, of those that were committed since a given time.
CREATE OR REPLACE FUNCTION audit_trail.last_change(audited audit_trail.audited_table, since timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    log CONSTANT text := format('%I.%I', audited.table_schema, audited.audit_log);
    found_time timestamptz;
BEGIN
    IF to_regclass(log) IS NOT NULL THEN
        EXECUTE format(
            'SELECT max(l.commit_timestamp) FROM %s AS l WHERE l.commit_timestamp >= $1 AND l.operation <> ''B''', log
        ) INTO found_time USING since;
    END IF;
    RETURN found_time;
END
$function$;

-- Sets columns in all rows of staging to values that came with no change. The log gets no row for it.
CREATE OR REPLACE FUNCTION audit_trail.fill_columns(staging regclass, assignments text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- A table that is listed again has none until its objects are there.
    is_logged CONSTANT boolean := EXISTS (
        SELECT FROM pg_trigger AS g WHERE g.tgrelid = staging AND g.tgname = 'log_change' AND NOT g.tgisinternal
    );
BEGIN
    IF is_logged THEN
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER log_change', staging);
    END IF;
    EXECUTE format('UPDATE %s SET %s', staging, assignments);
    IF is_logged THEN
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_change', staging);
    END IF;
END
$function$;

-- Enters a table, or updates its entry. A difference in its columns is recorded as a gap, because rows from before and from
-- after it do not have the same columns. Staging has the new columns by now.
--
-- new_columns has one object for each column: attnum, name and type; missing, the value that older rows have; source_type,
-- the type at the source where that is another one; excluded, the reason why the config leaves the column out.
CREATE OR REPLACE FUNCTION audit_trail.register_table(
    source_schema text,
    source_table text,
    staging_table text,
    log_table text,
    tombstone_table text,
    log_partition_prefix text,
    key_columns text[],
    new_oid text,
    new_columns jsonb
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    this_time CONSTANT timestamptz := clock_timestamp();
    kept CONSTANT jsonb := jsonb_path_query_array(new_columns, '$[*] ? (!exists (@.excluded))');
    left_out CONSTANT jsonb := jsonb_path_query_array(new_columns, '$[*] ? (exists (@.excluded))');
    taken_in jsonb;
    out_since timestamptz;
    known audit_trail.audited_table;
    is_first boolean;
    is_other_table boolean;
    before jsonb;
    renamed jsonb;
    anew jsonb;
    assignments text;
    sure_assignments text;
BEGIN
    SELECT * INTO known
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    is_first := NOT FOUND;
    IF is_first THEN
        INSERT INTO audit_trail.audited_table (
            table_schema, table_name, staging, audit_log, tombstone, partition_prefix, primary_key, source_oid
        )
        VALUES (
            source_schema, source_table, staging_table, log_table, tombstone_table, log_partition_prefix, key_columns,
            new_oid
        );
    END IF;
    is_other_table := NOT is_first AND known.source_oid <> new_oid;
    SELECT coalesce(jsonb_object_agg(c.name, c.type), '{}') INTO before
        FROM audit_trail.audited_column AS c
        WHERE c.table_schema = source_schema AND c.table_name = source_table AND c.gone_since IS NULL;

    SELECT jsonb_object_agg(e.name, e.excluded_because), min(e.gone_since)
        INTO taken_in, out_since
        FROM audit_trail.excluded_column AS e
        JOIN jsonb_to_recordset(kept) AS n (attnum integer, name text)
            ON n.name = e.name AND (is_other_table OR n.attnum = e.attnum)
        WHERE e.table_schema = source_schema AND e.table_name = source_table;

    -- A column is known by its number: after a rename staging has its values under the old name. Under the name of a new
    -- column staging may have the values of an older column of that name.
    SELECT
        string_agg(format('%I = %s', n.name, coalesce(quote_ident(o.name), quote_nullable(n.missing))), ', '),
        string_agg(
            format(
                '%I = %s',
                n.name,
                CASE WHEN o.type <> n.type THEN 'NULL' ELSE coalesce(quote_ident(o.name), quote_nullable(n.missing)) END
            ),
            ', '
        ),
        coalesce(jsonb_object_agg(o.name, n.name) FILTER (WHERE o.name IS NOT NULL), '{}'),
        coalesce(jsonb_object_agg(n.name, n.type) FILTER (WHERE o.name IS NULL AND before ? n.name), '{}')
        INTO assignments, sure_assignments, renamed, anew
        FROM jsonb_to_recordset(kept) AS n (attnum integer, name text, type text, missing text)
        LEFT JOIN audit_trail.audited_column AS o
            ON o.table_schema = source_schema
            AND o.table_name = source_table
            AND o.gone_since IS NULL
            AND NOT is_other_table
            AND o.attnum = n.attnum
        WHERE n.name <> ALL (key_columns)
            AND CASE
                WHEN o.name IS NULL THEN
                    NOT is_other_table
                    AND EXISTS (
                        SELECT
                        FROM audit_trail.audited_column AS c
                        WHERE c.table_schema = source_schema AND c.table_name = source_table AND c.name = n.name
                    )
                ELSE o.name <> n.name
            END;
    IF assignments IS NOT NULL THEN
        BEGIN
            PERFORM audit_trail.fill_columns(format('%I.%I', source_schema, staging_table)::regclass, assignments);
        EXCEPTION
            -- Where the column's type changed too, nothing here says how the source converted the values.
            WHEN data_exception OR datatype_mismatch OR cannot_coerce THEN
                PERFORM audit_trail.fill_columns(
                    format('%I.%I', source_schema, staging_table)::regclass, sure_assignments
                );
        END;
    END IF;

    -- A column goes on where number, name and type are the same; in another table under the same name the numbers are
    -- other ones.
    MERGE INTO audit_trail.audited_column AS c
        USING (
            SELECT o.column_id, n.attnum, n.name, n.type, n.source_type
            FROM (
                SELECT p.column_id, p.attnum, p.name, p.type
                FROM audit_trail.audited_column AS p
                WHERE p.table_schema = source_schema AND p.table_name = source_table AND p.gone_since IS NULL
            ) AS o
            FULL JOIN jsonb_to_recordset(kept) AS n (attnum integer, name text, type text, source_type text)
                ON n.name = o.name
                AND n.type = o.type
                AND n.attnum = CASE WHEN is_other_table THEN n.attnum ELSE coalesce(o.attnum, n.attnum) END
        ) AS s
        ON c.column_id = s.column_id
        WHEN MATCHED AND s.name IS NULL THEN
            UPDATE SET gone_since = this_time
        WHEN MATCHED AND (s.attnum, s.source_type) IS DISTINCT FROM (c.attnum, c.source_type) THEN
            UPDATE SET attnum = s.attnum, source_type = s.source_type
        WHEN NOT MATCHED THEN
            INSERT (table_schema, table_name, attnum, name, type, source_type, present_from)
            VALUES (
                source_schema, source_table, s.attnum, s.name, s.type, s.source_type,
                CASE WHEN is_first THEN '-infinity' ELSE this_time END
            );

    -- A column that the config leaves out ends its entry, or goes on with an entry that says so already. One that was never in
    -- the trail gets an entry that begins and ends at the same time.
    MERGE INTO audit_trail.audited_column AS c
        USING (
            SELECT
                n.attnum,
                n.name,
                n.type,
                n.excluded,
                (
                    SELECT CASE WHEN p.excluded_because IS NOT NULL OR p.gone_since = this_time THEN p.column_id END
                    FROM audit_trail.audited_column AS p
                    WHERE p.table_schema = source_schema
                        AND p.table_name = source_table
                        AND p.name = n.name
                        AND (is_other_table OR p.attnum = n.attnum)
                    ORDER BY p.column_id DESC
                    LIMIT 1
                ) AS column_id
            FROM jsonb_to_recordset(left_out) AS n (attnum integer, name text, type text, excluded text)
        ) AS s
        ON c.column_id = s.column_id
        WHEN MATCHED AND (s.attnum, s.excluded) IS DISTINCT FROM (c.attnum, c.excluded_because) THEN
            UPDATE SET attnum = s.attnum, excluded_because = s.excluded
        WHEN NOT MATCHED THEN
            INSERT (table_schema, table_name, attnum, name, type, present_from, gone_since, excluded_because)
            VALUES (
                source_schema, source_table, s.attnum, s.name, s.type,
                CASE WHEN is_first THEN '-infinity' ELSE this_time END,
                CASE WHEN is_first THEN '-infinity' ELSE this_time END,
                s.excluded
            );

    IF is_first THEN
        RETURN;
    END IF;
    IF is_other_table THEN
        UPDATE audit_trail.audited_table AS t
            SET source_oid = new_oid
            WHERE t.table_schema = source_schema AND t.table_name = source_table;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'other table under this name',
                (SELECT max(o.observed_at) FROM audit_trail.slot_observation AS o),
                this_time,
                jsonb_build_object('oid_before', known.source_oid, 'oid_after', new_oid)
            );
    END IF;
    IF taken_in IS NOT NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'column not audited',
                nullif(out_since, '-infinity'),
                this_time,
                jsonb_build_object('excluded_because', taken_in)
            );
    END IF;
    IF before IS DISTINCT FROM (
            SELECT jsonb_object_agg(n.name, n.type) FROM jsonb_to_recordset(kept) AS n (name text, type text)
        ) OR assignments IS NOT NULL
    THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'shape change',
                this_time,
                jsonb_build_object(
                    'before', before,
                    'after',
                    (
                        SELECT jsonb_object_agg(n.name, n.type)
                        FROM jsonb_to_recordset(kept) AS n (name text, type text)
                    )
                )
                || coalesce(
                    (
                        SELECT jsonb_build_object('excluded', jsonb_object_agg(n.name, n.excluded))
                        FROM jsonb_to_recordset(left_out) AS n (name text, excluded text)
                        WHERE before ? n.name
                        HAVING count(*) > 0
                    ),
                    '{}'
                )
                || CASE renamed WHEN '{}' THEN '{}' ELSE jsonb_build_object('renamed', renamed) END
                || CASE anew WHEN '{}' THEN '{}' ELSE jsonb_build_object('made_anew', anew) END
            );
    END IF;
END
$function$;

-- The arguments of a log's trigger, as SQL: each former column, and the time after which the log's rows leave it out. They
-- are arguments because a table without former columns then pays nothing for them.
CREATE OR REPLACE FUNCTION audit_trail.log_trigger_arguments(source_schema text, source_table text) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT coalesce(
        string_agg(quote_literal(f.name) || ', ' || quote_literal(CAST(f.gone_since AS text)), ', ' ORDER BY f.name), ''
    )
    FROM audit_trail.former_column AS f
    WHERE f.table_schema = source_schema AND f.table_name = source_table;
END;

-- Puts a log's function on its staging table, and removes the helper of the function that was there before. The trigger
-- has no condition: PostgreSQL would prepare it again for every statement, which costs a seventh of the apply rate.
CREATE OR REPLACE FUNCTION audit_trail.put_log_trigger(
    source_schema text,
    source_table text,
    log_function text,
    uncommon_function text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    known audit_trail.audited_table;
    former regprocedure;
BEGIN
    SELECT * INTO STRICT known
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    PERFORM audit_trail.put_trigger(
        format('%I.%I', known.table_schema, known.staging)::regclass,
        'log_change',
        '%1$I AFTER INSERT OR UPDATE ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.' || quote_ident(log_function)
        || '(' || replace(audit_trail.log_trigger_arguments(source_schema, source_table), '%', '%%') || ')'
    );
    IF known.uncommon_function <> uncommon_function THEN
        FOR former IN
            SELECT p.oid
            FROM pg_proc AS p
            WHERE p.pronamespace = 'audit_trail'::regnamespace AND p.proname = known.uncommon_function
        LOOP
            EXECUTE format('DROP FUNCTION %s', former);
        END LOOP;
    END IF;
    UPDATE audit_trail.audited_table AS t
        SET uncommon_function = uncommon_function
        WHERE t.table_schema = source_schema
            AND t.table_name = source_table
            AND t.uncommon_function IS DISTINCT FROM uncommon_function;
END
$function$;

RESET ROLE;

--> sql/audit/partitions.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- The partitions of audited tables. DMS writes each partition of the source into a staging table of its own; these are the
-- partitions of the table's staging, by the name of the source's partition, and have one log, one registry entry and one
-- set of tombstones: a primary key of a partitioned table is unique in all of it.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.audited_partition (
    partition_schema text NOT NULL,
    partition_name text NOT NULL,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- Its value in staging's audit_trail_partition and in the log's source_partition.
    label text NOT NULL,
    -- In the schema of the partition.
    staging text NOT NULL,
    -- The partition's pg_class.oid at the source. A table of the same name with another oid is another table.
    source_oid text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When a deployment found that the source has dropped or detached it. The row goes once DMS's mapping is without it.
    left_at timestamptz,
    PRIMARY KEY (partition_schema, partition_name),
    FOREIGN KEY (table_schema, table_name) REFERENCES audit_trail.audited_table
);
COMMENT ON TABLE audit_trail.audited_partition IS 'The partitions of audited tables that are partitioned, at whatever depth.';

-- The trail that a staging table belongs to, by itself or as the staging of a partition; no row for any other table.
CREATE OR REPLACE FUNCTION audit_trail.trail_of_staging(staging_schema text, staging_table text)
RETURNS SETOF audit_trail.audited_table
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN QUERY
        SELECT t.*
        FROM audit_trail.audited_table AS t
        WHERE (t.table_schema, t.staging) = (staging_schema, staging_table)
            OR EXISTS (
                SELECT
                FROM audit_trail.audited_partition AS p
                WHERE (p.partition_schema, p.staging) = (staging_schema, staging_table)
                    AND (p.table_schema, p.table_name) = (t.table_schema, t.table_name)
            );
END
$function$;

-- Enters the partitions that the source has now, and marks those that are gone. A partition that came or went since the table
-- was registered is a gap. present is an array of arrays: schema, name, label, staging and oid of a partition.
CREATE OR REPLACE FUNCTION audit_trail.register_partitions(source_schema text, source_table text, present jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    this_time CONSTANT timestamptz := clock_timestamp();
    seen_at CONSTANT timestamptz := (SELECT max(o.observed_at) FROM audit_trail.slot_observation AS o);
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    told record;
BEGIN
    FOR told IN
        WITH wanted AS (
            SELECT
                e.part ->> 0 AS partition_schema,
                e.part ->> 1 AS partition_name,
                e.part ->> 2 AS label,
                e.part ->> 3 AS staging,
                e.part ->> 4 AS source_oid
            FROM jsonb_array_elements(present) AS e (part)
        ),
        known AS (
            SELECT p.*
            FROM audit_trail.audited_partition AS p
            WHERE (p.table_schema, p.table_name) = (source_schema, source_table) AND p.left_at IS NULL
        ),
        gone AS (
            UPDATE audit_trail.audited_partition AS p
                SET left_at = this_time
                FROM known AS k
                WHERE (p.partition_schema, p.partition_name) = (k.partition_schema, k.partition_name)
                    AND NOT EXISTS (
                        SELECT
                        FROM wanted AS w
                        WHERE (w.partition_schema, w.partition_name) = (k.partition_schema, k.partition_name)
                    )
                RETURNING p.label
        ),
        come AS (
            INSERT INTO audit_trail.audited_partition AS p (
                partition_schema, partition_name, table_schema, table_name, label, staging, source_oid
            )
            SELECT w.partition_schema, w.partition_name, source_schema, source_table, w.label, w.staging, w.source_oid
            FROM wanted AS w
            WHERE NOT EXISTS (
                SELECT
                FROM known AS k
                WHERE (k.partition_schema, k.partition_name, k.source_oid)
                    = (w.partition_schema, w.partition_name, w.source_oid)
            )
            ON CONFLICT (partition_schema, partition_name) DO UPDATE
                SET source_oid = excluded.source_oid, left_at = NULL
                WHERE (p.table_schema, p.table_name) = (excluded.table_schema, excluded.table_name)
            RETURNING p.label, p.partition_schema, p.partition_name
        )
        SELECT
            CASE WHEN k.label IS NULL THEN 'partition added' ELSE 'other table under this name' END AS kind,
            jsonb_agg(c.label ORDER BY c.label) AS partitions
        FROM come AS c
        LEFT JOIN known AS k ON (k.partition_schema, k.partition_name) = (c.partition_schema, c.partition_name)
        GROUP BY 1
        UNION ALL
        SELECT 'partition left', jsonb_agg(g.label ORDER BY g.label) FROM gone AS g HAVING count(*) > 0
    LOOP
        -- The partitions of a table that was registered in this transaction are no news.
        IF audited.registered_at < now() THEN
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
                VALUES (
                    source_schema, source_table, told.kind, seen_at, this_time,
                    jsonb_build_object('partitions', told.partitions)
                );
        END IF;
    END LOOP;
END
$function$;

-- Makes the staging tables that a table's partitions lack, up to a number of them. DMS finds rows by the source's key,
-- which each of them has. Row triggers of the table's staging reach them when they are attached, statement triggers do not.
CREATE OR REPLACE FUNCTION audit_trail.make_partition_staging(source_schema text, source_table text, at_most integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    parent CONSTANT regclass := format('%I.%I', audited.table_schema, audited.staging)::regclass;
    key_columns CONSTANT text := (SELECT string_agg(quote_ident(k), ', ') FROM unnest(audited.primary_key) AS k);
    made integer := 0;
    wanted record;
BEGIN
    FOR wanted IN
        SELECT
            p.label,
            p.partition_schema,
            p.staging AS staging_name,
            format('%I.%I', p.partition_schema, p.staging) AS staging,
            to_regclass(format('%I.%I', p.partition_schema, p.staging)) AS present
        FROM audit_trail.audited_partition AS p
        WHERE (p.table_schema, p.table_name) = (source_schema, source_table) AND p.left_at IS NULL
        ORDER BY p.partition_schema, p.partition_name
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_inherits AS i WHERE (i.inhrelid, i.inhparent) = (wanted.present, parent)
        );
        IF wanted.present IS NOT NULL THEN
            RAISE EXCEPTION '% is there already and no part of the staging of %.%.',
                wanted.present, source_schema, source_table
                USING HINT = CASE
                    WHEN EXISTS (
                        SELECT FROM audit_trail.trail_of_staging(wanted.partition_schema, wanted.staging_name)
                    )
                        THEN audit_trail.begin_anew(wanted.present)
                    ELSE 'Rename that table: nothing of the trail is in it.'
                END;
        END IF;
        EXIT WHEN made = at_most;
        made := made + 1;
        EXECUTE format('CREATE TABLE %s (LIKE %s, PRIMARY KEY (%s))', wanted.staging, parent, key_columns);
        EXECUTE format(
            'ALTER TABLE %s ALTER COLUMN audit_trail_partition SET DEFAULT %L', wanted.staging, wanted.label
        );
        PERFORM audit_trail.put_trigger(
            wanted.staging::regclass,
            'log_reload',
            '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload()'
        );
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO audit_trail_dms_target', wanted.staging
        );
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES IN (%L)', parent, wanted.staging, wanted.label);
    END LOOP;
END
$function$;

-- Closes the rows of partitions that a deployment found gone, and drops their staging tables. It runs after DMS's mapping has
-- changed. A row that another partition has by now goes on there. The table's staging is locked meanwhile, so that no row
-- comes while it is looked for.
CREATE OR REPLACE FUNCTION audit_trail.close_partitions() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    gone audit_trail.audited_partition;
    audited audit_trail.audited_table;
    parent text;
    staging text;
BEGIN
    FOR gone IN SELECT * FROM audit_trail.audited_partition AS p WHERE p.left_at IS NOT NULL ORDER BY p.label LOOP
        audited := audit_trail.trail_of(gone.table_schema, gone.table_name);
        parent := format('%I.%I', audited.table_schema, audited.staging);
        staging := format('%I.%I', gone.partition_schema, gone.staging);
        IF to_regclass(staging) IS NOT NULL THEN
            EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', parent);
            EXECUTE format(
                'WITH closed AS (
                    INSERT INTO %1$I.%2$I AS l (
                        operation, row_key, old_row_data, commit_timestamp, stream_position, change_seq, remarks,
                        source_partition
                    )
                    SELECT ''D'', k.row_key, audit_trail.row_image(CAST(s.* AS text), $1, $2, $3),
                        greatest($3, s.audit_trail_commit_timestamp AT TIME ZONE ''UTC''), '''', '''',
                        ARRAY[''partition left''], $4
                    FROM %3$s AS s
                    CROSS JOIN LATERAL (SELECT %4$s AS row_key) AS k
                    WHERE NOT EXISTS (
                        SELECT FROM %5$s AS o
                        WHERE (%6$s) = (%7$s) AND o.audit_trail_partition <> $4
                    )
                    RETURNING l.row_key
                )
                INSERT INTO audit_trail.%8$I AS t (row_key, stream_position, kind)
                SELECT k.row_key, coalesce(s.audit_trail_stream_position, ''''), ''deleted''
                FROM %3$s AS s
                CROSS JOIN LATERAL (SELECT %4$s AS row_key) AS k
                JOIN closed AS c ON c.row_key = k.row_key
                ON CONFLICT (row_key) DO UPDATE SET kind = excluded.kind',
                audited.table_schema,
                audited.audit_log,
                staging,
                audit_trail.key_expression(audited.primary_key),
                parent,
                (SELECT string_agg(format('o.%I', k), ', ') FROM unnest(audited.primary_key) AS k),
                (SELECT string_agg(format('s.%I', k), ', ') FROM unnest(audited.primary_key) AS k),
                audited.tombstone
            ) USING gone.table_schema, gone.table_name, clock_timestamp(), gone.label;
            EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, staging);
            EXECUTE format('DROP TABLE %s', staging);
        END IF;
        DELETE FROM audit_trail.audited_partition AS p
            WHERE (p.partition_schema, p.partition_name) = (gone.partition_schema, gone.partition_name);
    END LOOP;
END
$function$;

-- The remarks of a change of a partitioned table. A row that an UPDATE moves to another partition is in the WAL as a delete
-- in the one and, right after it, an insert in the other, of a key that goes on where it is not the partition's column.
CREATE OR REPLACE FUNCTION audit_trail.remark_move(
    remarks text[],
    operation text,
    staging oid,
    row_key jsonb,
    commit_microseconds bigint
) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    deleted CONSTANT jsonb := nullif(current_setting('audit_trail.last_delete', true), '')::jsonb;
BEGIN
    IF operation = 'D' THEN
        PERFORM set_config(
            'audit_trail.last_delete', jsonb_build_array(commit_microseconds, staging, row_key)::text, false
        );
    ELSIF deleted IS NOT NULL THEN
        PERFORM set_config('audit_trail.last_delete', '', false);
        IF operation = 'I'
            AND deleted ->> 0 = commit_microseconds::text
            AND deleted ->> 1 <> staging::text
            AND EXISTS (SELECT FROM jsonb_each(row_key) AS k WHERE deleted -> 2 -> k.key = k.value)
        THEN
            RETURN array_append(remarks, 'moved from another partition');
        END IF;
    END IF;
    RETURN remarks;
END
$function$;

RESET ROLE;

--> sql/audit/images.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Rows as the log has them.
SET LOCAL ROLE audit_trail_owner;

-- json as jsonb, or as a string of its text where jsonb refuses it: an escaped null character, a lone surrogate, a number
-- without bounds.
CREATE OR REPLACE FUNCTION audit_trail.json_image(value json) RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN CAST(value AS jsonb);
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN to_jsonb(CAST(value AS text));
END
$function$;

-- Types that DMS treats as large objects, as format_type() writes them.
-- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
CREATE OR REPLACE FUNCTION audit_trail.is_large(type text) RETURNS boolean
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT type LIKE '%[]'
        OR type IN ('text', 'bytea', 'xml', 'json', 'jsonb')
        OR type ~ '(^|[.])"?(citext|hstore)"?$';
END;

-- A staging row, given as the text of its record, as the log has it, value by value, for rows that to_jsonb() refuses as a
-- whole: without header columns, and without the columns that the source had no more when it was committed.
CREATE OR REPLACE FUNCTION audit_trail.row_image(
    staging_record text,
    source_schema text,
    source_table text,
    committed_at timestamptz
) RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    staging regclass;
    parts text;
    image jsonb;
BEGIN
    IF staging_record IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT format('%I.%I', a.table_schema, a.staging)::regclass INTO STRICT staging
        FROM audit_trail.audited_table AS a
        WHERE a.table_schema = source_schema AND a.table_name = source_table;
    SELECT
        string_agg(
            format('jsonb_build_object(%L, audit_trail.json_image(to_json(r.%I)))', c.attname, c.attname), ' || '
        )
        INTO parts
        FROM pg_attribute AS c
        WHERE c.attrelid = staging
            AND c.attnum > 0
            AND NOT c.attisdropped
            AND c.attname <> ALL (CAST('{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq,audit_trail_partition}' AS text[]))
            AND NOT EXISTS (
                SELECT
                FROM audit_trail.former_column AS f
                WHERE f.table_schema = source_schema
                    AND f.table_name = source_table
                    AND f.name = c.attname
                    AND f.gone_since < committed_at
            );
    EXECUTE format('SELECT %s FROM (SELECT (CAST($1 AS %s)).*) AS r', parts, staging)
        INTO image USING staging_record;
    RETURN image;
END
$function$;

-- In how many columns a row that arrives differs from a logged one, apart from columns that came, went or changed since
-- that was logged: in how many that DMS treats as large objects, and in how many others. A large value may come later than
-- its row.
CREATE OR REPLACE FUNCTION audit_trail.count_differences(
    source_schema text,
    source_table text,
    logged jsonb,
    logged_at timestamptz,
    arrived jsonb,
    OUT large bigint,
    OUT others bigint
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT
        count(*) FILTER (WHERE audit_trail.is_large(c.type)),
        count(*) FILTER (WHERE NOT audit_trail.is_large(c.type))
    FROM audit_trail.audited_column AS c
    WHERE c.table_schema = source_schema
        AND c.table_name = source_table
        AND c.gone_since IS NULL
        AND c.present_from <= logged_at
        AND (logged -> c.name) IS DISTINCT FROM (arrived -> c.name);
END;

RESET ROLE;

--> sql/audit/tables.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What deployment and maintenance do to a table of a trail.
SET LOCAL ROLE audit_trail_owner;

-- Changes the type of a staging column where PostgreSQL has no cast from the type that it has: each value is converted
-- through its text.
CREATE OR REPLACE FUNCTION audit_trail.read_anew(staging regclass, column_name text, column_type text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
AS $function$
BEGIN
    EXECUTE format(
        'ALTER TABLE %1$s ALTER COLUMN %2$I TYPE %3$s USING CAST(CAST(%2$I AS text) AS %3$s)',
        staging, column_name, column_type
    );
EXCEPTION
    WHEN data_exception OR cannot_coerce THEN
        RAISE EXCEPTION 'The column % of % has values that are no %, the type that the source has now: %',
            column_name, staging, column_type, SQLERRM
            USING HINT = audit_trail.begin_anew(staging);
END
$function$;

-- Makes one staging column what the source's column is. It adds the column, with the value that the source's older rows
-- have. It follows a changed type. It allows null unless the column belongs to the key: DMS writes null where a large value
-- follows later, and into the other columns of a deleted row.
CREATE OR REPLACE FUNCTION audit_trail.fit_column(
    staging regclass,
    column_name text,
    column_type text,
    in_key boolean,
    missing_value text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present record;
BEGIN
    SELECT format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null
        INTO present
        FROM pg_attribute AS a
        WHERE a.attrelid = staging AND a.attname = column_name AND NOT a.attisdropped;
    IF NOT FOUND THEN
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', staging, column_name, column_type)
            || coalesce(' DEFAULT ' || quote_literal(missing_value), '');
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', staging, column_name);
        RETURN;
    END IF;
    IF present.type <> column_type THEN
        BEGIN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', staging, column_name, column_type);
        EXCEPTION
            -- A change from a text to a number, for example: at the source, USING said how.
            WHEN datatype_mismatch THEN
                PERFORM audit_trail.read_anew(staging, column_name, column_type);
        END;
    END IF;
    IF present.not_null AND NOT in_key THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', staging, column_name);
    END IF;
END
$function$;

-- Stops a deployment if staging would get more columns than PostgreSQL allows. Staging keeps the columns that the source has
-- dropped, and PostgreSQL counts dropped columns too.
CREATE OR REPLACE FUNCTION audit_trail.check_width(source_table text, staging regclass, wanted text[]) RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    used CONSTANT bigint := (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = staging AND a.attnum > 0);
    missing CONSTANT bigint := (
        SELECT count(*)
        FROM unnest(wanted) AS w (name)
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a WHERE a.attrelid = staging AND a.attname = w.name AND NOT a.attisdropped
        )
    );
BEGIN
    IF used + missing > 1600 THEN
        RAISE EXCEPTION 'The staging table of % has % columns, with those that the source has dropped, and % would be added: PostgreSQL allows 1600',
            source_table, used, missing
            USING ERRCODE = 'too_many_columns',
                HINT = 'Leave the table out. ' || audit_trail.begin_anew(staging);
    END IF;
END
$function$;

-- Gives a log a column that it lacks. Nobody waits for long: where the log is there already, the caller has locked its
-- staging table, so that DMS does not write it, and the rows are not written anew.
CREATE OR REPLACE FUNCTION audit_trail.fit_log_column(log regclass, column_name text, definition text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = log AND a.attname = column_name AND NOT a.attisdropped
    ) THEN
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', log, column_name, definition);
    END IF;
END
$function$;

-- Stops a deployment whose source table is partitioned, and whose staging is not; or the reverse.
CREATE OR REPLACE FUNCTION audit_trail.check_partitioning(staging regclass, source_is_partitioned boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF source_is_partitioned <> (SELECT c.relkind = 'p' FROM pg_class AS c WHERE c.oid = staging) THEN
        RAISE EXCEPTION 'The source''s table is % now, and % is not.',
            CASE WHEN source_is_partitioned THEN 'partitioned' ELSE 'a plain table' END, staging
            USING HINT = audit_trail.begin_anew(staging);
    END IF;
END
$function$;

-- Stops a deployment whose source table has got another primary key: the log's row_key would change its meaning. The
-- staging of a partitioned table has its key in each partition; the registry says which, unless the table is new.
CREATE OR REPLACE FUNCTION audit_trail.check_key(staging regclass, expected text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present text[];
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = staging AND c.relkind = 'p') THEN
        SELECT t.primary_key INTO present
            FROM audit_trail.audited_table AS t
            WHERE to_regclass(format('%I.%I', t.table_schema, t.staging)) = check_key.staging;
        IF NOT FOUND OR present = expected THEN
            RETURN;
        END IF;
        RAISE EXCEPTION 'The source''s primary key is now (%), and the partitions of % have (%).',
            array_to_string(expected, ', '), staging, array_to_string(present, ', ')
            USING HINT = audit_trail.begin_anew(staging);
    END IF;
    SELECT array_agg(a.attname::text ORDER BY k.ordinality)
        INTO present
        FROM pg_constraint AS p
        CROSS JOIN unnest(p.conkey) WITH ORDINALITY AS k (attnum, ordinality)
        JOIN pg_attribute AS a ON a.attrelid = p.conrelid AND a.attnum = k.attnum
        WHERE p.conrelid = staging AND p.contype = 'p';
    IF present IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'The source''s primary key is now (%), and % has (%).',
            array_to_string(expected, ', '), staging, array_to_string(present, ', ')
            USING HINT = 'Give the table its former key back. ' || audit_trail.begin_anew(staging);
    END IF;
END
$function$;

-- Adds a partition to a log. It is made as a table and then attached. That does not wait for sessions that read or write the
-- log, but for those that use the default partition: PostgreSQL scans it, and it is empty as a rule.
CREATE OR REPLACE FUNCTION audit_trail.attach_partition(log regclass, partition_name text, bounds text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS)', partition_name, log);
    PERFORM audit_trail.refuse_truncate(partition_name::regclass);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', log, partition_name, bounds);
END
$function$;

-- Adds the log's partitions: one per month (UTC) and a default one for every other time. Can be run again at any time. A
-- month of which the default partition already holds rows stays there. Whoever calls this sets lock_timeout.
CREATE OR REPLACE FUNCTION audit_trail.add_partitions(
    log regclass,
    prefix text,
    months_back integer DEFAULT 1,
    months_ahead integer DEFAULT 24
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    log_schema text;
    default_partition text;
    partition_name text;
    month_start timestamptz;
    month_end timestamptz;
    in_default boolean;
BEGIN
    SELECT n.nspname
        INTO STRICT log_schema
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = log;

    default_partition := format('%I.%I', log_schema, prefix || 'default');
    IF to_regclass(default_partition) IS NULL THEN
        PERFORM audit_trail.attach_partition(log, default_partition, 'DEFAULT');
    END IF;

    FOR month_start IN
        SELECT generate_series(
            date_trunc('month', now()) - make_interval(months => months_back),
            date_trunc('month', now()) + make_interval(months => months_ahead),
            '1 month'
        )
    LOOP
        month_end := month_start + interval '1 month';
        partition_name := format('%I.%I', log_schema, prefix || to_char(month_start, '"y"YYYY"m"MM'));
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        -- An update and maintenance that find the same partition missing: the second waits, and then finds it there.
        -- Attaching takes the same lock, which holds up neither those who read the log nor those who write it.
        EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', log);
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %s WHERE commit_timestamp >= %L AND commit_timestamp < %L)',
            default_partition, month_start, month_end
        ) INTO in_default;
        IF in_default THEN
            RAISE NOTICE '% gets no partition for %: the default partition holds rows of that month.',
                log, to_char(month_start, 'YYYY-MM');
            CONTINUE;
        END IF;
        PERFORM audit_trail.attach_partition(
            log, partition_name, format('FOR VALUES FROM (%L) TO (%L)', month_start, month_end)
        );
    END LOOP;
END
$function$;

RESET ROLE;

--> sql/audit/triggers.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What the triggers of every trail share.
SET LOCAL ROLE audit_trail_owner;

-- A log row never changes, with one exception: DMS writes a row with large columns in two steps, and the second
-- step completes the row's new image inside the transaction that wrote it, before anyone else can have read it.
CREATE OR REPLACE FUNCTION audit_trail.refuse_change_of_log() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'UPDATE'
        AND OLD.applied_xid = pg_current_xact_id()
        AND to_jsonb(NEW) - 'new_row_data' = to_jsonb(OLD) - 'new_row_data'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%.% is append-only: % is refused.', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$function$;

-- How a log's function tells its own writes to staging from those of others, which fire it as well: it puts the token
-- into this setting, which lasts no longer than the transaction. Nobody else can read the token.
CREATE TABLE IF NOT EXISTS audit_trail.own_write (
    token text PRIMARY KEY DEFAULT gen_random_uuid()
);
INSERT INTO audit_trail.own_write SELECT WHERE NOT EXISTS (SELECT FROM audit_trail.own_write);

CREATE OR REPLACE FUNCTION audit_trail.is_own_write() RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM audit_trail.own_write AS w WHERE w.token = current_setting('audit_trail.own_write', true)
    );
END;

CREATE OR REPLACE FUNCTION audit_trail.begin_own_write() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT set_config('audit_trail.own_write', w.token, true) FROM audit_trail.own_write AS w;
END;

CREATE OR REPLACE FUNCTION audit_trail.end_own_write() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT set_config('audit_trail.own_write', '', true);
END;

-- Trigger of a staging table for a plain DELETE. No delete of the source arrives like this: a conflict policy of DMS
-- puts the row in again with the next statement. The tombstone keeps the row until then; a row that stays away is
-- recorded as a gap at commit.
CREATE OR REPLACE FUNCTION audit_trail.keep_removed_row() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    removed_key jsonb;
    removed_image jsonb;
BEGIN
    SELECT * INTO STRICT audited FROM audit_trail.trail_of_staging(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    removed_image := audit_trail.row_image(
        CAST(OLD AS text), audited.table_schema, audited.table_name, OLD.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
    );
    SELECT jsonb_object_agg(k, removed_image -> k) INTO removed_key FROM unnest(audited.primary_key) AS k;
    EXECUTE format(
        'INSERT INTO audit_trail.%I AS t (row_key, stream_position, kind, removed_record, removed_image)
            VALUES ($1, coalesce($2, ''''), ''removed'', $3, $4)
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = excluded.removed_record,
                removed_image = excluded.removed_image,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at',
        audited.tombstone
    ) USING removed_key, OLD.audit_trail_stream_position, CAST(OLD AS text), removed_image;
    RETURN NULL;
END
$function$;

-- Deferred trigger of a tombstone table, with the source's schema and table as arguments: at commit, a row that was
-- removed by a plain DELETE and not put in again was deleted without anyone saying when the source deleted it. What
-- cannot be recorded fails the commit: better a task that stops than a row that is gone without a trace.
CREATE OR REPLACE FUNCTION audit_trail.record_unflagged_delete() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    still_removed boolean;
BEGIN
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %I.%I WHERE row_key = $1 AND removed_record = $2)', TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO still_removed USING NEW.row_key, NEW.removed_record;
    IF still_removed THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                TG_ARGV[0],
                TG_ARGV[1],
                'unflagged delete',
                NULL,
                clock_timestamp(),
                jsonb_build_object('row_key', NEW.row_key, 'row', NEW.removed_image)
            );
    END IF;
    RETURN NULL;
END
$function$;

-- Keeps a change that cannot be logged, with the place in the log that is its own: see audit_trail.bring_back().
CREATE OR REPLACE FUNCTION audit_trail.keep_unlogged(
    source_schema text,
    source_table text,
    statement text,
    operation text,
    committed_at timestamptz,
    stream_position text,
    change_seq text,
    old_row json,
    new_row json,
    old_image jsonb,
    new_image jsonb,
    error_code text,
    error_message text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    log text;
BEGIN
    SELECT format('%I.%I', a.table_schema, a.audit_log) INTO STRICT log
        FROM audit_trail.audited_table AS a
        WHERE a.table_schema = source_schema AND a.table_name = source_table;
    INSERT INTO audit_trail.unlogged_change (
        table_schema, table_name, statement, operation, commit_timestamp, stream_position, change_seq, old_row, new_row,
        old_image, new_image, sqlstate, message, audit_id
    )
    VALUES (
        source_schema, source_table, statement, operation, committed_at, stream_position, change_seq, old_row, new_row,
        old_image, new_image, error_code, error_message, nextval(pg_get_serial_sequence(log, 'audit_id'))
    );
END
$function$;

RESET ROLE;

--> sql/audit/reload.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Reloads: what happens when DMS loads a table again that has a log already.
SET LOCAL ROLE audit_trail_owner;

-- Notes that a reload begins, and returns the commit time of the last change that was applied before it: DMS may skip
-- later ones, whose rows the load brings. A reload that begins while another one is under way, because that failed, takes its
-- place: what the other one has loaded may have gone from the source since.
CREATE OR REPLACE FUNCTION audit_trail.note_reload(audited audit_trail.audited_table) RETURNS timestamptz
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    last_change timestamptz;
BEGIN
    EXECUTE format(
        'SELECT max(s.audit_trail_commit_timestamp) AT TIME ZONE ''UTC'' FROM %I.%I AS s',
        audited.table_schema, audited.staging
    ) INTO last_change;
    UPDATE audit_trail.audited_table AS t
        SET reload_began_at = clock_timestamp(), reload_from = coalesce(t.reload_from, last_change)
        WHERE t.table_schema = audited.table_schema AND t.table_name = audited.table_name;
    RETURN last_change;
END
$function$;

-- Statement trigger of a staging table, before a TRUNCATE. The greatest position of each key outlives it, so that a replay
-- of what was logged before is known as one.
CREATE OR REPLACE FUNCTION audit_trail.record_reload() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    something_logged boolean;
    last_change timestamptz;
BEGIN
    SELECT * INTO STRICT audited FROM audit_trail.trail_of_staging(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', audited.table_schema, audited.audit_log)
        INTO something_logged;
    IF NOT something_logged THEN
        RETURN NULL;
    END IF;
    last_change := audit_trail.note_reload(audited);
    EXECUTE format(
        'INSERT INTO audit_trail.%I (row_key, stream_position, kind)
            SELECT %s, coalesce(s.audit_trail_stream_position, ''''), ''emptied'' FROM %I.%I AS s
            ON CONFLICT (row_key) DO NOTHING',
        audited.tombstone,
        audit_trail.key_expression(audited.primary_key),
        TG_TABLE_SCHEMA,
        TG_TABLE_NAME
    );
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp)
        VALUES (
            audited.table_schema,
            audited.table_name,
            'reload',
            last_change,
            clock_timestamp()
        );
    RETURN NULL;
END
$function$;

-- The row key of a staging row that is read as s, as SQL.
CREATE OR REPLACE FUNCTION audit_trail.key_expression(key_columns text[]) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    -- One object for each column: a call of a function takes no more than a hundred arguments.
    SELECT string_agg(format('jsonb_build_object(%L, s.%I)', k.name, k.name), ' || ' ORDER BY k.ordinality)
    FROM unnest(key_columns) WITH ORDINALITY AS k (name, ordinality);
END;

-- Row trigger of a staging table while a reload is under way: a row of the load takes the place of the one that is there.
CREATE OR REPLACE FUNCTION audit_trail.make_room() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    own_key jsonb;
    removed_position text;
BEGIN
    IF NEW.audit_trail_change_seq <> '' THEN
        RETURN NEW;
    END IF;
    SELECT * INTO STRICT audited FROM audit_trail.trail_of_staging(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    EXECUTE format('SELECT %s FROM (SELECT ($1).*) AS s', audit_trail.key_expression(audited.primary_key))
        INTO own_key USING NEW;
    EXECUTE format(
        'DELETE FROM %I.%I AS s WHERE (%s) = (%s) RETURNING s.audit_trail_stream_position',
        TG_TABLE_SCHEMA,
        TG_TABLE_NAME,
        (SELECT string_agg(format('s.%I', k), ', ') FROM unnest(audited.primary_key) AS k),
        (SELECT string_agg(format('($1).%I', k), ', ') FROM unnest(audited.primary_key) AS k)
    ) INTO removed_position USING NEW;
    IF removed_position IS NOT NULL THEN
        EXECUTE format(
            'INSERT INTO audit_trail.%I (row_key, stream_position, kind) VALUES ($1, $2, ''emptied'')
                ON CONFLICT (row_key) DO NOTHING',
            audited.tombstone
        ) USING own_key, removed_position;
    END IF;
    RETURN NEW;
END
$function$;

-- To be called before each load by which DMS loads a table again. Staging keeps its rows until those of the load take their
-- places, so that changes find the rows that they belong to all the time. Returns a time: rows that are recorded after it
-- count as loaded.
CREATE OR REPLACE FUNCTION audit_trail.begin_reload(source_schema text, source_table text) RETURNS timestamptz
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    staging text;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    staging := format('%I.%I', audited.table_schema, audited.staging);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', staging);
    PERFORM audit_trail.put_trigger(
        staging::regclass,
        'make_room',
        '%1$I BEFORE INSERT ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.make_room()'
    );
    PERFORM audit_trail.note_reload(audited);
    audited := audit_trail.trail_of(source_schema, source_table);
    RETURN audited.reload_began_at;
END
$function$;

-- To be called once DMS has loaded the table. Rows that the load did not bring have gone from the source in between: each
-- gets a closing row in the log, a D at the time when the reload began (or at that of its last change, where the source's
-- clock is ahead), with a remark. Returns their number.
CREATE OR REPLACE FUNCTION audit_trail.end_reload(
    source_schema text,
    source_table text,
    source_is_empty boolean DEFAULT false
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
SET lock_timeout = '5s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    staging text;
    log text;
    tombstone text;
    began_at timestamptz;
    is_loaded boolean;
    unloaded text;
    vanished bigint;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    staging := format('%I.%I', audited.table_schema, audited.staging);
    log := format('%I.%I', audited.table_schema, audited.audit_log);
    tombstone := format('audit_trail.%I', audited.tombstone);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', staging);
    audited := audit_trail.trail_of(source_schema, source_table);
    began_at := audited.reload_began_at;
    IF began_at IS NULL THEN
        RAISE EXCEPTION 'No reload of %.% is under way.', source_schema, source_table
            USING HINT = 'audit_trail.begin_reload() begins one, and so does a TRUNCATE of staging.';
    END IF;
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %s AS l WHERE l.operation = ''B'' AND l.recorded_at >= $1)', log
    ) INTO is_loaded USING began_at;
    IF NOT is_loaded AND NOT source_is_empty THEN
        RAISE EXCEPTION 'DMS has loaded no row of %.% since %.', source_schema, source_table, began_at
            USING HINT = 'Wait until the table''s load is complete; where the source''s table is empty, say so with a third argument true.';
    END IF;

    -- DMS loads each partition by itself: the rows of one that it has not loaded have not vanished.
    IF NOT source_is_empty AND EXISTS (
        SELECT FROM audit_trail.audited_partition AS p
        WHERE p.table_schema = source_schema AND p.table_name = source_table
    ) THEN
        EXECUTE format(
            'SELECT string_agg(p.label, '', '' ORDER BY p.label)
             FROM audit_trail.audited_partition AS p
             WHERE p.table_schema = $1
                 AND p.table_name = $2
                 AND EXISTS (SELECT FROM %s AS s WHERE s.audit_trail_partition = p.label)
                 AND NOT EXISTS (
                     SELECT FROM %s AS l
                     WHERE l.source_partition = p.label AND l.operation = ''B'' AND l.recorded_at >= $3
                 )',
            staging, log
        ) INTO unloaded USING source_schema, source_table, began_at;
        IF unloaded IS NOT NULL THEN
            RAISE EXCEPTION 'DMS has loaded no row of these partitions of %.% since %: %.',
                source_schema, source_table, began_at, unloaded
                USING HINT = 'Reload every partition and wait until that is complete; where those are empty in the source, say so with a third argument true.';
        END IF;
    END IF;

    -- Rows of staging that neither the load nor a change has written since. A DELETE does not call the log's function.
    EXECUTE format(
        'WITH stale AS (
            SELECT s.tableoid AS part, s.ctid AS place, k.row_key,
                coalesce(s.audit_trail_stream_position, '''') AS stream_position,
                audit_trail.row_image(CAST(s.* AS text), $2, $3, $1) AS image,
                s.audit_trail_commit_timestamp AT TIME ZONE ''UTC'' AS changed_at
            FROM %1$s AS s
            CROSS JOIN LATERAL (SELECT %4$s AS row_key) AS k
            WHERE NOT EXISTS (
                SELECT FROM %2$s AS l
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
                    AND l.row_key = k.row_key
                    AND l.recorded_at >= $1
            )
        ),
        gone AS (
            DELETE FROM %1$s AS s USING stale AS v WHERE s.tableoid = v.part AND s.ctid = v.place
            RETURNING v.row_key, v.stream_position, v.image, v.changed_at
        ),
        buried AS (
            INSERT INTO %3$s AS t (row_key, stream_position, kind)
            SELECT g.row_key, g.stream_position, ''deleted'' FROM gone AS g
            ON CONFLICT (row_key) DO UPDATE SET kind = excluded.kind
        ),
        emptied AS (
            UPDATE %3$s AS t SET kind = ''deleted'' WHERE t.kind = ''emptied'' RETURNING t.row_key
        ),
        closed AS (
            INSERT INTO %2$s (
                operation, row_key, old_row_data, commit_timestamp, stream_position, change_seq, remarks
            )
            SELECT ''D'', c.row_key, c.image, greatest($1, c.changed_at), '''', '''', ARRAY[''vanished in reload'']
            FROM (
                SELECT g.row_key, g.image, g.changed_at FROM gone AS g
                UNION ALL
                SELECT e.row_key, last.new_row_data, last.commit_timestamp
                FROM emptied AS e
                CROSS JOIN LATERAL (
                    SELECT l.operation, l.new_row_data, l.commit_timestamp
                    FROM %2$s AS l
                    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(e.row_key, 0) AND l.row_key = e.row_key
                    ORDER BY l.audit_id DESC
                    LIMIT 1
                ) AS last
                WHERE last.operation <> ''D''
            ) AS c
            RETURNING 1
        )
        SELECT count(*) FROM closed',
        staging, log, tombstone, audit_trail.key_expression(audited.primary_key)
    ) INTO vanished USING began_at, source_schema, source_table;

    EXECUTE format('DROP TRIGGER IF EXISTS make_room ON %s', staging);
    UPDATE audit_trail.audited_table AS t
        SET reload_began_at = NULL, reload_from = NULL
        WHERE t.table_schema = audited.table_schema AND t.table_name = audited.table_name;
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        VALUES (
            audited.table_schema,
            audited.table_name,
            'reload',
            least(audited.reload_from, began_at),
            clock_timestamp(),
            jsonb_build_object('vanished', vanished)
        );
    RETURN vanished;
END
$function$;

-- The trail of a source table, or an error.
CREATE OR REPLACE FUNCTION audit_trail.trail_of(source_schema text, source_table text)
RETURNS audit_trail.audited_table
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited audit_trail.audited_table;
BEGIN
    SELECT * INTO audited
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%.% is not audited.', source_schema, source_table
            USING HINT = 'audit_trail.audited_table lists the tables that are.';
    END IF;
    RETURN audited;
END
$function$;

RESET ROLE;

--> sql/audit/control_tables.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- How the tables are read in which DMS reports what it does. They belong to DMS's user, who may put anything under their
-- names, a view or a row policy that runs code of its own among them. Nothing is read that is more than a plain table.
SET LOCAL ROLE audit_trail_owner;

-- Why a relation is not read, as the end of a sentence; null for a plain table. To be asked under a lock. What runs when
-- a relation is read or the reading is planned: a view, a rule, a policy, a child, a virtual column, a type of the
-- owner's, an expression in an index, a constraint or a statistic.
CREATE OR REPLACE FUNCTION audit_trail.control_table_problem(relation oid, expected_owner name, wanted text[])
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE
        WHEN c.relkind <> 'r' THEN 'is no table'
        WHEN pg_get_userbyid(c.relowner) <> expected_owner THEN format('belongs to %s', pg_get_userbyid(c.relowner))
        WHEN c.relrowsecurity OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
            THEN 'has row security'
        WHEN EXISTS (SELECT FROM pg_rewrite AS r WHERE r.ev_class = c.oid) THEN 'has a rule'
        WHEN c.relispartition OR EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent))
            THEN 'inherits or is inherited'
        WHEN EXISTS (
            SELECT FROM pg_index AS x
            WHERE x.indrelid = c.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
        ) THEN 'has an index with an expression'
        WHEN EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'c')
            THEN 'has a check constraint'
        WHEN EXISTS (SELECT FROM pg_statistic_ext AS s WHERE s.stxrelid = c.oid) THEN 'has extended statistics'
        WHEN EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
        ) THEN 'has a generated column'
        WHEN EXISTS (
            SELECT FROM pg_attribute AS a
            JOIN pg_type AS t ON t.oid = a.atttypid
            WHERE a.attrelid = c.oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND t.typnamespace <> 'pg_catalog'::regnamespace
        ) THEN 'has a column of a type that is not PostgreSQL''s own'
        ELSE (
            -- DMS writes the names in upper or in lower case.
            SELECT format('has no column %s', min(w.name))
            FROM unnest(wanted) AS w (name)
            WHERE NOT EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND lower(a.attname) = w.name
            )
            HAVING count(*) > 0
        )
    END
    FROM pg_class AS c
    WHERE c.oid = relation;
END;
REVOKE ALL ON FUNCTION audit_trail.control_table_problem(oid, name, text[]) FROM PUBLIC;

-- The rows of one of DMS's control tables, under column names in lower case; none before DMS has made the table. What is
-- no plain table is an error of the class of a wrong object. The lock keeps it what it was when it was looked at, but for
-- an index or a statistic, which could be added meanwhile: one more reason to ask only as audit_trail_collector.
CREATE OR REPLACE FUNCTION audit_trail.control_rows(control_table text, wanted text[]) RETURNS SETOF jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $function$
DECLARE
    relation CONSTANT text := format('awsdms_control.%I', control_table);
    problem text;
BEGIN
    -- An older snapshot shows the relation as it was before the lock.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'DMS''s control tables are read in a transaction of the isolation level read committed only.'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF to_regclass(relation) IS NULL THEN
        RETURN;
    END IF;
    -- Not every kind of relation can be locked.
    problem := audit_trail.control_table_problem(relation::regclass, 'audit_trail_dms_target', wanted);
    IF problem IS NULL THEN
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', relation);
        problem := audit_trail.control_table_problem(relation::regclass, 'audit_trail_dms_target', wanted);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '% is not read, because it %.', relation, problem USING ERRCODE = 'wrong_object_type';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT (SELECT jsonb_object_agg(lower(c.key), c.value) FROM jsonb_each(to_jsonb(t.*)) AS c) FROM ONLY %s AS t',
        relation
    );
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.control_rows(text, text[]) FROM PUBLIC;

RESET ROLE;

--> sql/audit/new_columns.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Columns that DMS added to staging after the source got them. The trail's own tables and the catalog are all that is read.
SET LOCAL ROLE audit_trail_owner;

-- Brings the registry up to date, and enters a gap for each table; returns how many.
CREATE OR REPLACE FUNCTION audit_trail.register_new_columns() RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    registered audit_trail.audited_table;
    added jsonb;
    this_time timestamptz;
    new_gaps integer := 0;
BEGIN
    FOR registered IN SELECT * FROM audit_trail.audited_table LOOP
        SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
            INTO added
            FROM pg_attribute AS a
            JOIN pg_class AS c ON c.oid = a.attrelid
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            -- By the catalog: the name of a schema that the owner may not enter would be an error.
            WHERE (n.nspname, c.relname) = (registered.table_schema, registered.staging)
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attname <> ALL (CAST('{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq,audit_trail_partition}' AS text[]))
                AND NOT EXISTS (
                    SELECT
                    FROM audit_trail.audited_column AS k
                    WHERE k.table_schema = registered.table_schema
                        AND k.table_name = registered.table_name
                        AND k.name = a.attname
                );
        CONTINUE WHEN added IS NULL;
        this_time := clock_timestamp();
        INSERT INTO audit_trail.audited_column (table_schema, table_name, name, type, present_from)
            SELECT registered.table_schema, registered.table_name, n.key, n.value, this_time
            FROM jsonb_each_text(added) AS n;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                registered.table_schema,
                registered.table_name,
                'shape change',
                this_time,
                jsonb_build_object('added', added, 'added_by', 'DMS')
            );
        new_gaps := new_gaps + 1;
    END LOOP;
    RETURN new_gaps;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.register_new_columns() FROM PUBLIC;

RESET ROLE;

--> sql/audit/collect_gaps.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Enters into the gap ledger what DMS wrote into its control tables, and what it changed in staging. To be run from
-- time to time (npm run verify does); what is in the ledger already is not entered again.
SET LOCAL ROLE audit_trail_owner;

-- Enters one gap unless it is there, under the name of the source table behind a staging table.
CREATE OR REPLACE FUNCTION audit_trail.record_once(
    staging_schema text,
    staging_table text,
    gap_kind text,
    gap_from timestamptz,
    gap_to timestamptz,
    gap_detail jsonb
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited audit_trail.audited_table;
    source_schema text;
    source_table text;
BEGIN
    SELECT * INTO audited FROM audit_trail.trail_of_staging(staging_schema, staging_table);
    source_schema := coalesce(audited.table_schema, staging_schema);
    source_table := coalesce(audited.table_name, staging_table);
    -- DMS may say the same of two tables at the same moment.
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        SELECT source_schema, source_table, gap_kind, gap_from, gap_to, gap_detail
        WHERE NOT EXISTS (
            SELECT FROM audit_trail.gap AS g
            WHERE g.kind = gap_kind
                AND g.table_schema IS NOT DISTINCT FROM source_schema
                AND g.table_name IS NOT DISTINCT FROM source_table
                AND g.detail = gap_detail
                AND g.to_timestamp IS NOT DISTINCT FROM gap_to
        );
    RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_once(text, text, text, timestamptz, timestamptz, jsonb) FROM PUBLIC;

-- The gaps that the rows of a control table report.
CREATE OR REPLACE FUNCTION audit_trail.gaps_told_by(control_table text)
RETURNS TABLE (
    staging_schema text,
    staging_table text,
    kind text,
    from_timestamp timestamptz,
    to_timestamp timestamptz,
    detail jsonb
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
AS $function$
BEGIN
    CASE control_table
        WHEN 'awsdms_apply_exceptions' THEN
            RETURN QUERY
                SELECT
                    c ->> 'table_owner',
                    c ->> 'table_name',
                    'apply exception',
                    (c ->> 'error_time')::timestamptz,
                    (c ->> 'error_time')::timestamptz,
                    jsonb_build_object('task', c -> 'task_name', 'error', c -> 'error', 'statement', c -> 'statement')
                FROM audit_trail.control_rows(
                    control_table, '{task_name,table_owner,table_name,error_time,statement,error}'
                ) AS c;
        WHEN 'awsdms_suspended_tables' THEN
            RETURN QUERY
                SELECT
                    c ->> 'table_owner',
                    c ->> 'table_name',
                    'table suspended',
                    (c ->> 'suspend_timestamp')::timestamptz,
                    (c ->> 'suspend_timestamp')::timestamptz,
                    jsonb_build_object('task', c -> 'task_name', 'reason', c -> 'suspend_reason')
                FROM audit_trail.control_rows(
                    control_table, '{task_name,table_owner,table_name,suspend_reason,suspend_timestamp}'
                ) AS c;
        WHEN 'awsdms_history' THEN
            -- A task that runs writes a row for every time slot, also when nothing happens. Where one slot's end and the
            -- next one's start are more than a slot apart, the task did not run. A marker may have recorded that already.
            RETURN QUERY
                SELECT NULL, NULL, 'task stopped', h.ended, h.next_start, jsonb_build_object('task', h.task)
                FROM (
                    SELECT
                        s.task,
                        s.duration,
                        s.start + s.duration AS ended,
                        lead(s.start) OVER (PARTITION BY s.task ORDER BY s.start) AS next_start
                    FROM (
                        SELECT
                            c -> 'task_name' AS task,
                            (c ->> 'timeslot')::timestamptz AS start,
                            make_interval(mins => (c ->> 'timeslot_duration')::integer) AS duration
                        FROM audit_trail.control_rows(control_table, '{task_name,timeslot,timeslot_duration}') AS c
                    ) AS s
                ) AS h
                WHERE h.next_start > h.ended + h.duration
                    AND NOT EXISTS (
                        SELECT FROM audit_trail.gap AS g
                        WHERE g.kind = 'task stopped' AND g.detail ? 'found_by'
                            AND g.from_timestamp <= h.ended AND g.to_timestamp >= h.next_start
                    );
    END CASE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.gaps_told_by(text) FROM PUBLIC;

-- Lets one collector in at a time: two at once would both enter the same gap. This is a table lock, because anybody could
-- take an advisory lock and hold it. It takes the right to write the ledger, and does not hold up those who write.
CREATE OR REPLACE FUNCTION audit_trail.wait_for_collectors() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    LOCK TABLE audit_trail.gap IN SHARE UPDATE EXCLUSIVE MODE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.wait_for_collectors() FROM PUBLIC;

RESET ROLE;

-- Returns how many gaps were new. It runs as a role that can read the control tables, write gaps, and do nothing else: code
-- that DMS's user may have put there must find no rights worth stealing. The same role owns this function, so that such code
-- could have altered it: the first question looks for that. A control table that cannot be read is a gap of its own, because
-- nobody knows what it would have reported.
CREATE OR REPLACE FUNCTION audit_trail.collect_gaps() RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    control_table text;
    recorded integer;
    new_gaps integer := 0;
BEGIN
    IF current_user <> 'audit_trail_collector' THEN
        RAISE EXCEPTION 'audit_trail.collect_gaps() would read DMS''s tables as %; run the update again.', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM audit_trail.wait_for_collectors();

    FOREACH control_table IN ARRAY ARRAY['awsdms_apply_exceptions', 'awsdms_suspended_tables', 'awsdms_history'] LOOP
        BEGIN
            SELECT coalesce(
                sum(
                    audit_trail.record_once(
                        t.staging_schema, t.staging_table, t.kind, t.from_timestamp, t.to_timestamp, t.detail
                    )
                ),
                0
            )
                INTO recorded
                FROM audit_trail.gaps_told_by(control_table) AS t;
            new_gaps := new_gaps + recorded;
        EXCEPTION
            WHEN lock_not_available THEN
                RAISE EXCEPTION 'awsdms_control.% is locked by another session; try again when that one has ended.',
                    control_table
                    USING ERRCODE = 'lock_not_available';
            WHEN wrong_object_type THEN
                new_gaps := new_gaps + audit_trail.record_once(
                    NULL, NULL, 'unreadable control table', NULL, NULL, jsonb_build_object('problem', SQLERRM)
                );
            -- The texts of other errors may hold values, so that each time would be another gap.
            WHEN data_exception OR insufficient_privilege THEN
                new_gaps := new_gaps + audit_trail.record_once(
                    NULL, NULL, 'unreadable control table', NULL, NULL,
                    jsonb_build_object(
                        'problem',
                        format('awsdms_control.%s cannot be read (SQLSTATE %s).', control_table, SQLSTATE)
                    )
                );
        END;
    END LOOP;
    RETURN new_gaps + audit_trail.register_new_columns();
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.collect_gaps() FROM PUBLIC;

-- An owner must be able to create in the schema, for as long as it takes to become one.
GRANT CREATE ON SCHEMA audit_trail TO audit_trail_collector;
ALTER FUNCTION audit_trail.collect_gaps() OWNER TO audit_trail_collector;
REVOKE CREATE ON SCHEMA audit_trail FROM audit_trail_collector;

--> sql/audit/set_aside.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- A new log under a name that had one: for a table that got another key, became partitioned, or is no longer partitioned.
SET LOCAL ROLE audit_trail_owner;

-- A name and a suffix as an identifier that PostgreSQL keeps whole, made as the program makes its own.
CREATE OR REPLACE FUNCTION audit_trail.fit_identifier(base text, suffix text) RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    cut text := base;
    ending CONSTANT text := '_' || left(encode(sha256(convert_to(base, 'UTF8')), 'hex'), 8) || suffix;
BEGIN
    IF octet_length(base || suffix) <= 63 THEN
        RETURN base || suffix;
    END IF;
    WHILE cut <> '' AND octet_length(cut || ending) > 63 LOOP
        cut := left(cut, -1);
    END LOOP;
    RETURN cut || ending;
END
$function$;

-- The trail that a change was recorded for at a given time: it may have been set aside since.
CREATE OR REPLACE FUNCTION audit_trail.trail_at(source_schema text, source_table text, at timestamptz)
RETURNS audit_trail.audited_table
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aside audit_trail.audited_table;
BEGIN
    SELECT * INTO aside
        FROM audit_trail.audited_table AS t
        WHERE (t.table_schema, t.former_name) = (source_schema, source_table) AND t.set_aside_at >= at
        ORDER BY t.set_aside_at
        LIMIT 1;
    IF FOUND THEN
        RETURN aside;
    END IF;
    RETURN audit_trail.trail_of(source_schema, source_table);
END
$function$;

-- What to do where a staging table cannot become what the source's table is now.
CREATE OR REPLACE FUNCTION audit_trail.begin_anew(staging regclass) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT concat(
        'To keep the log and begin a new one under the same name, take the table from the list and deploy, then run ',
        coalesce(
            (
                SELECT format('SELECT audit_trail.set_aside(%L, %L)', t.table_schema, t.table_name)
                FROM pg_class AS c
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
                CROSS JOIN LATERAL audit_trail.trail_of_staging(n.nspname, c.relname) AS t
                WHERE c.oid = begin_anew.staging
            ),
            'audit_trail.set_aside()'
        ),
        ' on the audit database, list the table again and deploy: docs/tables.md, "A new log under the same name".'
    );
END;

-- Gives the trail of a table that has left the list another name, and returns it: the table's name, _until_ and the day at
-- which it left. Nothing of it is lost: log, staging, tombstones and registry go on under the new name, and the functions
-- for readers find them by it. The table can be listed again then, and gets a new trail.
CREATE OR REPLACE FUNCTION audit_trail.set_aside(source_schema text, source_table text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    addition text;
    aside text;
    times integer := 1;
    names jsonb;
    log regclass;
    part record;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    IF audited.left_at IS NULL THEN
        RAISE EXCEPTION '%.% is still audited.', source_schema, source_table
            USING HINT = 'Take the table from the list and deploy: then its log can be set aside.';
    END IF;
    -- Whoever deploys it again meanwhile waits, and so does a second caller.
    EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', audited.table_schema, audited.staging);
    SELECT * INTO audited
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table AND t.left_at IS NOT NULL
        FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%.% was set aside or listed again a moment ago.', source_schema, source_table
            USING HINT = 'audit_trail.audited_table lists the tables and what became of them.';
    END IF;

    addition := '_until_' || to_char(audited.left_at AT TIME ZONE 'UTC', 'YYYYMMDD');
    LOOP
        aside := audit_trail.fit_identifier(source_table, addition || CASE times WHEN 1 THEN '' ELSE '_' || times END);
        EXIT WHEN NOT EXISTS (
            SELECT FROM audit_trail.audited_table AS t WHERE (t.table_schema, t.table_name) = (source_schema, aside)
        );
        times := times + 1;
    END LOOP;
    names := jsonb_build_object(
        'staging', audit_trail.fit_identifier(aside, '_staging'),
        'audit_log', audit_trail.fit_identifier(aside, '_audit_log'),
        'tombstone', audit_trail.fit_identifier(source_schema || '_' || aside, '_tombstone'),
        'partition_prefix', left(audit_trail.fit_identifier(aside, '_audit_log_y0000m00'), -8)
    );

    log := format('%I.%I', audited.table_schema, audited.audit_log)::regclass;
    -- Also what a new trail would take for its own under the names that it will have: indexes, partitions of the log, and
    -- the staging tables of the source's partitions.
    FOR part IN
        WITH parts AS (
            SELECT t.relid, t.relid = log AS is_log FROM pg_partition_tree(log) AS t
        )
        SELECT format('%I.%I', audited.table_schema, audited.staging)::regclass AS relation, 'TABLE' AS kind,
            names ->> 'staging' AS new_name
        UNION ALL
        SELECT format('audit_trail.%I', audited.tombstone)::regclass, 'TABLE', names ->> 'tombstone'
        UNION ALL
        SELECT
            p.relid,
            'TABLE',
            CASE
                WHEN p.is_log THEN names ->> 'audit_log'
                ELSE (names ->> 'partition_prefix') || substr(c.relname, length(audited.partition_prefix) + 1)
            END
        FROM parts AS p
        JOIN pg_class AS c ON c.oid = p.relid
        UNION ALL
        SELECT
            i.indexrelid,
            'INDEX',
            audit_trail.fit_identifier(aside, coalesce(substring(c.relname FROM '^.*(_audit_log_[a-z_]+)$'), '_' || c.relname))
        FROM parts AS p
        JOIN pg_index AS i ON i.indrelid = p.relid
        JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE p.is_log
        UNION ALL
        SELECT
            to_regclass(format('%I.%I', l.partition_schema, l.staging)),
            'TABLE',
            audit_trail.fit_identifier(audit_trail.fit_identifier(l.partition_name, addition), '_staging')
        FROM audit_trail.audited_partition AS l
        WHERE (l.table_schema, l.table_name) = (source_schema, source_table)
            AND to_regclass(format('%I.%I', l.partition_schema, l.staging)) IS NOT NULL
    LOOP
        EXECUTE format('ALTER %s %s RENAME TO %I', part.kind, part.relation, part.new_name);
    END LOOP;

    INSERT INTO audit_trail.audited_table AS t
        SELECT (
            jsonb_populate_record(
                audited,
                names || jsonb_build_object(
                    'table_name', aside, 'former_name', source_table, 'set_aside_at', clock_timestamp()
                )
            )
        ).*;
    UPDATE audit_trail.audited_column AS c
        SET table_name = aside
        WHERE (c.table_schema, c.table_name) = (source_schema, source_table);
    DELETE FROM audit_trail.audited_partition AS l WHERE (l.table_schema, l.table_name) = (source_schema, source_table);
    DELETE FROM audit_trail.audited_table AS t WHERE (t.table_schema, t.table_name) = (source_schema, source_table);
    RETURN aside;
END
$function$;

RESET ROLE;

--> sql/audit/bring_back.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Brings a change that could not be logged back into its log, once what stood in the way is gone.
SET LOCAL ROLE audit_trail_owner;

-- Makes an explicit log row of an unlogged change, at the place in the log that was set aside for it, with the remark
-- 'brought back'. What jsonb cannot hold is kept as text. Returns its audit_id. It is no gap from then on.
CREATE OR REPLACE FUNCTION audit_trail.bring_back(unlogged bigint) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    change audit_trail.unlogged_change;
    audited audit_trail.audited_table;
    own_key jsonb;
    staged json;
    carried_columns text;
    carried_values text;
BEGIN
    SELECT * INTO change FROM audit_trail.unlogged_change AS u WHERE u.unlogged_id = unlogged;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no unlogged change %.', unlogged
            USING HINT = 'audit_trail.unlogged_change lists them.';
    END IF;
    audited := audit_trail.trail_at(change.table_schema, change.table_name, change.recorded_at);
    SELECT jsonb_object_agg(k, change.new_image -> k) INTO own_key FROM unnest(audited.primary_key) AS k;
    IF change.operation IS NULL OR change.operation NOT IN ('I', 'U', 'D') THEN
        RAISE EXCEPTION 'Unlogged change % has the operation %, and not I, U or D.',
            unlogged, coalesce(quote_literal(change.operation), 'null')
            USING HINT = 'audit_trail.unlogged_change has the row; what it was, the source alone can tell.';
    END IF;
    IF change.new_image IS NULL THEN
        RAISE EXCEPTION 'The row of unlogged change % cannot be held by jsonb.', unlogged
            USING HINT = 'audit_trail.unlogged_change has it as json, in new_row.';
    END IF;
    -- The second of two callers waits here for the first.
    INSERT INTO audit_trail.brought_back (unlogged_id) VALUES (unlogged) ON CONFLICT (unlogged_id) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Unlogged change % has been brought back already.', unlogged;
    END IF;
    -- What the log takes over from staging as it is, out of the row that DMS wrote.
    SELECT
        string_agg(format(', %I', c.log), '' ORDER BY a.attnum),
        string_agg(
            format(', CAST($11 ->> %L AS %s)', c.staging, format_type(a.atttypid, a.atttypmod)), '' ORDER BY a.attnum
        )
        INTO carried_columns, carried_values
        FROM (VALUES ('audit_trail_partition', 'source_partition')) AS c (staging, log)
        JOIN pg_attribute AS a ON a.attname = c.log
        WHERE a.attrelid = format('%I.%I', audited.table_schema, audited.audit_log)::regclass
            AND NOT a.attisdropped;
    staged := change.new_row;
    BEGIN
        PERFORM staged ->> 'audit_trail_operation';
    EXCEPTION
        -- A json value with \u0000, in whatever column: then nothing of the row can be read.
        WHEN untranslatable_character THEN
            staged := NULL;
    END;
    EXECUTE format(
        'INSERT INTO %I.%I (
            audit_id, operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position,
            change_seq, remarks%s
        )
        OVERRIDING SYSTEM VALUE
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10%s)',
        audited.table_schema,
        audited.audit_log,
        coalesce(carried_columns, ''),
        coalesce(carried_values, '')
    ) USING
        change.audit_id,
        change.operation,
        own_key,
        CASE WHEN change.operation <> 'I' THEN change.old_image END,
        CASE WHEN change.operation <> 'D' THEN change.new_image END,
        coalesce(change.commit_timestamp, change.recorded_at),
        audit_trail.microseconds(change.commit_timestamp),
        coalesce(change.stream_position, ''),
        coalesce(change.change_seq, ''),
        ARRAY['brought back'],
        staged;
    IF change.operation = 'D' THEN
        -- What a logged delete would have left, unless the key came again since.
        BEGIN
            EXECUTE format(
                'INSERT INTO audit_trail.%1$I (row_key, stream_position, kind)
                    SELECT $1, $2, ''deleted''
                    WHERE NOT EXISTS (
                        SELECT FROM %2$I.%3$I AS l
                        WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($1, 0)
                            AND l.row_key = $1
                            AND l.audit_id > $3
                    )
                    ON CONFLICT (row_key) DO NOTHING',
                audited.tombstone, audited.table_schema, audited.audit_log
            ) USING own_key, coalesce(change.stream_position, ''), change.audit_id;
        EXCEPTION
            -- A key that does not fit the index: without a tombstone a replay of the row is logged again.
            WHEN program_limit_exceeded THEN
                NULL;
        END;
    END IF;
    RETURN change.audit_id;
END
$function$;

RESET ROLE;

--> sql/audit/count_log.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- Counts of a log that nobody has to verify for: audit_trail.maintain() makes them, and verify compares the log with them as with
-- its own. So what is taken out of a log shows, although nobody verified since it was written.
SET LOCAL ROLE audit_trail_owner;

-- Enters how many rows the log of a table has got since it was counted last, and the sum of their hashes, as verify does. Rows
-- count by the transactions that wrote them, up to the oldest one that is running: those before it have ended, and bring
-- nothing more. It reads the whole log, which has no index by these transactions, and hashes the new rows only. Returns how
-- many rows were counted.
CREATE OR REPLACE FUNCTION audit_trail.count_log(source_schema text, source_table text) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    log regclass;
    since CONSTANT xid8 := coalesce(
        (
            SELECT c.below_xid
            FROM audit_trail.log_count AS c
            WHERE c.table_schema = source_schema AND c.table_name = source_table
            ORDER BY c.below_xid DESC
            LIMIT 1
        ),
        '0'
    );
    below xid8;
    counted_at timestamptz;
    log_rows bigint;
    hash_sum numeric;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    log := format('%I.%I', audited.table_schema, audited.audit_log);
    below := pg_snapshot_xmin(pg_current_snapshot());
    -- After the snapshot: of a transaction that it sees as ended, every row was recorded before.
    counted_at := clock_timestamp();
    IF below <= since THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'SELECT count(*), sum(%s) FROM %s AS l
         WHERE l.applied_xid >= $1 AND l.applied_xid < $2 AND l.recorded_at <= $3',
        format(
            'hashtextextended(
            l.stream_position || l.change_seq || CASE WHEN l.remarks IS NULL THEN '''' ELSE l.remarks::text END%s,
            hashfloat8extended(
                date_part(''epoch'', l.commit_timestamp),
                hashfloat8extended(
                    date_part(''epoch'', l.recorded_at),
                    jsonb_hash_extended(
                        coalesce(l.new_row_data, ''null''),
                        jsonb_hash_extended(
                            coalesce(l.old_row_data, ''null''),
                            jsonb_hash_extended(
                                l.row_key,
                                hashint8extended(
                                    coalesce(l.transaction_id, 0), hashcharextended(l.operation::"char", l.audit_id)
                                )
                            )
                        )
                    )
                )
            )
        )',
            (
                SELECT string_agg(c.expression, '' ORDER BY c.at)
                FROM (VALUES (0, 'source_partition', ' || coalesce('' '' || CAST(l."source_partition" AS text), '''')')) AS c (at, name, expression)
                JOIN pg_attribute AS a ON a.attrelid = log AND a.attname = c.name AND NOT a.attisdropped
            )
        ),
        log
    ) INTO log_rows, hash_sum USING since, below, counted_at;
    IF log_rows > 0 THEN
        PERFORM audit_trail.enter_count(
            source_schema, source_table, since, below, counted_at, log_rows, hash_sum
        );
    END IF;
    RETURN log_rows;
END
$function$;

RESET ROLE;

--> sql/audit/maintain.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What an operator does from time to time: a scheduler (pg_cron) may too.
SET LOCAL ROLE audit_trail_owner;

-- Adds the partitions of the coming months to a log (rows of a month without one go to the default partition), and forgets
-- what only a replay needs: the tombstones of keys that were deleted longer ago than DMS can go back. That is as far as its
-- slot keeps the WAL, so the retention has to be longer than the longest stop of the task. The log keeps everything.
-- Returns how many tombstones were forgotten.
CREATE OR REPLACE FUNCTION audit_trail.maintain_table(source_schema text, source_table text, retention interval)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '2s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    -- Intervals are not compared: '-12 months 361 days' counts as a day, and ends in the future.
    horizon CONSTANT timestamptz := clock_timestamp() - retention;
    forgotten bigint;
BEGIN
    IF horizon IS NULL OR horizon > clock_timestamp() - interval '1 day' THEN
        RAISE EXCEPTION 'A retention of % is too short: a replay of what was deleted within it would be logged again.',
            coalesce(retention::text, 'null')
            USING HINT = 'Give at least 1 day, better more than the longest stop of the task.';
    END IF;
    audited := audit_trail.trail_of(source_schema, source_table);
    PERFORM audit_trail.add_partitions(
        format('%I.%I', audited.table_schema, audited.audit_log)::regclass,
        audited.partition_prefix
    );
    EXECUTE format(
        'DELETE FROM audit_trail.%I AS t WHERE t.kind = ''deleted'' AND t.removed_at < $1',
        audited.tombstone
    ) USING horizon;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    UPDATE audit_trail.audited_table AS t
        SET tombstones_from = greatest(t.tombstones_from, horizon)
        WHERE t.table_schema = audited.table_schema AND t.table_name = audited.table_name;
    RETURN forgotten;
END
$function$;

-- All tables, each in a transaction of its own, so that nobody waits for more than one, and in another one the count of its
-- log. A table that somebody keeps locked is tried again, and then left for the next time with a warning. A procedure that
-- commits can have neither settings nor the rights of its owner, so every name has its schema.
CREATE OR REPLACE PROCEDURE audit_trail.maintain(retention interval DEFAULT '35 days')
LANGUAGE plpgsql
AS $procedure$
DECLARE
    audited record;
    is_counting boolean;
    is_done boolean;
BEGIN
    FOR audited IN
        SELECT t.table_schema, t.table_name FROM audit_trail.audited_table AS t ORDER BY 1, 2
    LOOP
        FOREACH is_counting IN ARRAY ARRAY[false, true] LOOP
            is_done := false;
            FOR attempt IN 1 .. 3 LOOP
                BEGIN
                    IF is_counting THEN
                        PERFORM audit_trail.count_log(audited.table_schema, audited.table_name);
                    ELSE
                        PERFORM audit_trail.maintain_table(audited.table_schema, audited.table_name, retention);
                    END IF;
                    is_done := true;
                EXCEPTION
                    WHEN lock_not_available OR deadlock_detected THEN
                        NULL;
                END;
                COMMIT;
                EXIT WHEN is_done;
            END LOOP;
            IF NOT is_done THEN
                RAISE WARNING 'The trail of %.% was not %: somebody has kept it locked.',
                    audited.table_schema,
                    audited.table_name,
                    CASE WHEN is_counting THEN 'counted' ELSE 'maintained' END
                    USING HINT = 'Call audit_trail.maintain() again once long transactions on its log have ended.';
            END IF;
        END LOOP;
    END LOOP;
END
$procedure$;

REVOKE ALL ON PROCEDURE audit_trail.maintain(interval) FROM PUBLIC;

RESET ROLE;

--> sql/audit/queries.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- For people who read the trail. Each answer says how many known gaps touch it. The functions run with the rights of
-- who calls them.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE VIEW audit_trail.known_gap AS
    SELECT
        f.table_schema,
        f.table_name,
        f.kind,
        f.from_timestamp,
        f.to_timestamp,
        f.detail,
        f.recorded_at,
        -- A kind that nobody knows may hide anything.
        coalesce(k.hides_changes, true) AS hides_changes
    FROM (
        SELECT g.table_schema, g.table_name, g.kind, g.from_timestamp, g.to_timestamp, g.detail, g.recorded_at
        FROM audit_trail.gap AS g
        UNION ALL
        SELECT
            u.table_schema,
            u.table_name,
            'unlogged change',
            u.commit_timestamp,
            u.commit_timestamp,
            jsonb_build_object('unlogged_id', u.unlogged_id, 'sqlstate', u.sqlstate, 'message', u.message),
            u.recorded_at
        FROM audit_trail.unlogged_change AS u
        WHERE NOT EXISTS (SELECT FROM audit_trail.brought_back AS b WHERE b.unlogged_id = u.unlogged_id)
    ) AS f
    LEFT JOIN audit_trail.gap_kind AS k ON k.kind = f.kind;
COMMENT ON VIEW audit_trail.known_gap IS
    'All that is known of what the logs lack: the gap ledger, and the changes that reached staging but no log.';

-- The gaps of one table in a span of commit times. A gap that names no table concerns all, one without an end is open. A log
-- that was set aside has the gaps that were recorded under its table's name before; so has the log that took its place.
CREATE OR REPLACE FUNCTION audit_trail.gaps_between(
    source_schema text,
    source_table text,
    span_start timestamptz,
    span_end timestamptz
) RETURNS SETOF audit_trail.known_gap
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT g.*
    FROM audit_trail.known_gap AS g
    WHERE (
            g.table_schema IS NULL
            OR (g.table_schema, g.table_name) = (source_schema, source_table)
            OR EXISTS (
                SELECT
                FROM audit_trail.audited_table AS a
                WHERE (a.table_schema, a.table_name) = (source_schema, source_table)
                    AND (a.table_schema, a.former_name) = (g.table_schema, g.table_name)
                    AND g.recorded_at <= a.set_aside_at
            )
        )
        AND coalesce(g.from_timestamp, g.to_timestamp, '-infinity') <= span_end
        AND coalesce(g.to_timestamp, 'infinity') >= span_start
    ORDER BY g.to_timestamp, g.recorded_at;
END;

-- All changes of one row, oldest first, with the number of known gaps since the change before.
CREATE OR REPLACE FUNCTION audit_trail.row_history(source_schema text, source_table text, key jsonb)
RETURNS TABLE (
    audit_id bigint,
    operation "char",
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz,
    transaction_id bigint,
    stream_position text,
    remarks text[],
    known_gaps bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    staging CONSTANT text := format('%I.%I', audited.table_schema, audited.staging);
    given text[];
    own_key jsonb := key;
BEGIN
    -- A key that can have no history must not look like one that never changed.
    IF jsonb_typeof(key) = 'object' THEN
        SELECT array_agg(k ORDER BY k) INTO given FROM jsonb_object_keys(key) AS k;
    END IF;
    IF given IS DISTINCT FROM ARRAY(SELECT k FROM unnest(audited.primary_key) AS k ORDER BY k) THEN
        RAISE EXCEPTION '% is not a key of %.%.', coalesce(key::text, 'null'), source_schema, source_table
            USING HINT = format(
                'Give an object with the primary key''s columns: %s.', array_to_string(audited.primary_key, ', ')
            );
    END IF;
    -- As the log has it: a number may have been given as a text, a time in another zone. A value that the column's type does
    -- not take is an error.
    IF to_regclass(staging) IS NOT NULL THEN
        EXECUTE format(
            'SELECT %s FROM jsonb_populate_record(CAST(NULL AS %s), $1) AS s',
            (
                SELECT string_agg(format('jsonb_build_object(%L, s.%I)', k, k), ' || ')
                FROM unnest(audited.primary_key) AS k
            ),
            staging
        ) INTO own_key USING key;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT c.audit_id, c.operation::"char", c.old_row_data, c.new_row_data, c.commit_timestamp, c.transaction_id,
             c.stream_position, c.remarks,
             (SELECT count(*) FROM audit_trail.gaps_between($1, $2, c.since, c.commit_timestamp))
         FROM (
             SELECT l.*, coalesce(lag(l.commit_timestamp) OVER (ORDER BY l.audit_id), l.commit_timestamp) AS since
             FROM %I.%I AS l
             WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($3, 0) AND l.row_key = $3
         ) AS c
         ORDER BY c.audit_id',
        audited.table_schema, audited.audit_log
    ) USING source_schema, source_table, own_key;
END
$function$;

-- The table as it was at a commit time: the rows that every reader saw who began after that commit and before the
-- next one, and the number of known gaps up to then. A time before the full load of a table with rows is an error. Of
-- a column that has come since a row's last change the row knows nothing; one that had gone by then is left out.
CREATE OR REPLACE FUNCTION audit_trail.as_of(source_schema text, source_table text, at timestamptz)
RETURNS TABLE (row_key jsonb, row_data jsonb, known_gaps bigint)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    log CONSTANT text := format('%I.%I', audited.table_schema, audited.audit_log);
    gaps bigint;
    known_from timestamptz;
    is_known boolean;
    gone text[];
BEGIN
    SELECT coalesce(array_agg(f.name), '{}') INTO gone
        FROM audit_trail.former_column AS f
        WHERE f.table_schema = source_schema AND f.table_name = source_table AND at > f.gone_since;
    -- No log row up to then: either the table was empty or its trail had not begun, which must not look alike.
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS l WHERE l.commit_timestamp <= $1)', log) INTO is_known USING at;
    IF NOT is_known THEN
        EXECUTE format('SELECT min(l.commit_timestamp) FROM %s AS l WHERE l.operation = $1', log)
            INTO known_from
            USING 'B'::char(1);
        IF at < known_from THEN
            RAISE EXCEPTION 'The trail of %.% begins at %; it knows nothing of %.',
                source_schema, source_table, known_from, at
                USING HINT = 'The rows of the full load are the first that it knows.';
        END IF;
    END IF;
    SELECT count(*) INTO gaps FROM audit_trail.gaps_between(source_schema, source_table, '-infinity', at);
    RETURN QUERY EXECUTE format(
        'SELECT s.row_key, s.new_row_data - $3, $2
         FROM (
             SELECT DISTINCT ON (l.row_key) l.row_key, l.new_row_data
             FROM %s AS l
             WHERE l.commit_timestamp <= $1
             ORDER BY l.row_key, l.audit_id DESC
         ) AS s
         WHERE s.new_row_data IS NOT NULL',
        log
    ) USING at, gaps, gone;
END
$function$;

RESET ROLE;

--> sql/audit/acknowledge.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one
-- What somebody has looked into and explained: a gap, or a difference that verify has found. Nothing goes away by it and
-- nothing is mended; verify says so beside its verdict.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.acknowledgement (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gap_id bigint,
    table_schema text,
    table_name text,
    row_key jsonb,
    kind text,
    -- What verify has printed beside the difference: a hash of all that makes it this one. Another difference of the same
    -- key and kind has another.
    finding text CHECK (finding ~ '^[0-9a-f]{16}$'),
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    acknowledged_by text NOT NULL DEFAULT session_user,
    acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (num_nonnulls(gap_id, finding) = 1),
    CHECK ((finding IS NULL) = (table_schema IS NULL OR table_name IS NULL OR row_key IS NULL OR kind IS NULL))
);
COMMENT ON TABLE audit_trail.acknowledgement IS
    'Gaps and differences that somebody has explained: who, when and why. Append-only.';
CREATE INDEX IF NOT EXISTS acknowledgement_gap_id_idx ON audit_trail.acknowledgement (gap_id);

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.acknowledgement
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.acknowledgement ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.acknowledgement ENABLE ALWAYS TRIGGER append_only_truncate;

-- Explains one row of the gap ledger. Returns the acknowledgement's number.
CREATE OR REPLACE FUNCTION audit_trail.acknowledge(gap_id bigint, reason text) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    wanted_gap CONSTANT bigint := acknowledge.gap_id;
    made bigint;
BEGIN
    IF btrim(coalesce(acknowledge.reason, '')) = '' THEN
        RAISE EXCEPTION 'An acknowledgement needs a reason.' USING ERRCODE = 'not_null_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM audit_trail.gap AS g WHERE g.gap_id = wanted_gap) THEN
        RAISE EXCEPTION 'There is no gap %.', wanted_gap
            USING ERRCODE = 'no_data_found', HINT = 'audit_trail.gap lists them.';
    END IF;
    INSERT INTO audit_trail.acknowledgement AS k (gap_id, reason)
        VALUES (wanted_gap, acknowledge.reason)
        RETURNING k.acknowledgement_id INTO made;
    RETURN made;
END
$function$;

-- Explains one difference as verify has printed it. It holds for this difference as it is now, and for no later one
-- of the same key and kind. Returns the acknowledgement's number.
CREATE OR REPLACE FUNCTION audit_trail.acknowledge(
    source_schema text,
    source_table text,
    key jsonb,
    difference_kind text,
    finding text,
    reason text
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    made bigint;
BEGIN
    IF btrim(coalesce(acknowledge.reason, '')) = '' THEN
        RAISE EXCEPTION 'An acknowledgement needs a reason.' USING ERRCODE = 'not_null_violation';
    END IF;
    IF acknowledge.finding IS NULL OR acknowledge.finding !~ '^[0-9a-f]{16}$' THEN
        RAISE EXCEPTION '% is not what verify prints beside a difference.', coalesce(quote_literal(acknowledge.finding), 'Null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Run verify and copy the 16 digits in brackets.';
    END IF;
    IF key IS NULL OR difference_kind IS NULL OR NOT EXISTS (
        SELECT FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table
    ) THEN
        RAISE EXCEPTION '%.% is not audited, or key or kind is missing.', source_schema, source_table
            USING ERRCODE = 'invalid_parameter_value', HINT = 'audit_trail.audited_table lists the tables that are.';
    END IF;
    INSERT INTO audit_trail.acknowledgement AS k (table_schema, table_name, row_key, kind, finding, reason)
        VALUES (source_schema, source_table, key, difference_kind, acknowledge.finding, acknowledge.reason)
        RETURNING k.acknowledgement_id INTO made;
    RETURN made;
END
$function$;

REVOKE ALL ON FUNCTION
    audit_trail.acknowledge(bigint, text),
    audit_trail.acknowledge(text, text, jsonb, text, text, text)
    FROM PUBLIC;

RESET ROLE;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/dms/session.sql | audit cluster | as the master user | script audit-database-foundation, when its text is another one | the sessions of DMS's user
-- The settings of DMS's sessions in this database, by its user: what a value looks like as text, what a session sees, and how
-- long it may live. They outrank what the database, the role in general, the server or a parameter group say. A server that
-- does not know one goes without it.
DO $do$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.name, w.value
        FROM (VALUES ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('xmloption', 'content'), ('xmlbinary', 'base64'), ('lc_monetary', 'C'), ('array_nulls', 'on'), ('quote_all_identifiers', 'off'), ('standard_conforming_strings', 'on'), ('transform_null_equals', 'off'), ('default_transaction_isolation', 'read committed'), ('default_transaction_read_only', 'off'), ('default_transaction_deferrable', 'off'), ('synchronous_commit', 'on'), ('statement_timeout', '0'), ('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('search_path', '"$user", public'), ('client_encoding', 'UTF8'), ('DateStyle', 'ISO, MDY'), ('row_security', 'off'), ('wal_sender_timeout', '0')) AS w (name, value)
        JOIN pg_catalog.pg_settings AS s ON s.name = w.name
    LOOP
        -- From this session, which has the value for a moment, because a list of names cannot be written as one literal.
        PERFORM pg_catalog.set_config(wanted.name, wanted.value, true);
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I IN DATABASE %I SET %s FROM CURRENT', 'audit_trail_dms_target', pg_catalog.current_database(), wanted.name
        );
    END LOOP;
END
$do$;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-foundation, whenever another batch of the script runs
-- Who may do what on the audit cluster, all of it on this page. Runs as the user who deploys, before the other scripts and
-- after them: each time it gives what is missing on what is there. It takes away nothing that it gave, because the logs of
-- tables that left the list stay. Owners' own rights need no grant.

-- The scripts act as the owner, and hand the collector its function. From PostgreSQL 16 on, whoever creates a role may grant
-- it and cannot yet act as it.
GRANT audit_trail_owner, audit_trail_collector TO CURRENT_USER;

-- What the owner makes is nobody else's until this page says so.
ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $do$
DECLARE
    -- Of the tables that are listed, the trail's own among them, and of those that once were.
    source_schemas text[] := ARRAY['audit_trail', 'public']::text[];
    wanted record;
    is_member boolean;
    -- Of the partitions of audited tables.
    partition_staging jsonb := '[]';
    -- Staging and logs.
    own_tables jsonb := '[]';
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_partition')
    ) THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', p.partition_schema, 'name', p.staging)), '[]')
            INTO partition_staging
            FROM audit_trail.audited_partition AS p;
        source_schemas := source_schemas || ARRAY(SELECT DISTINCT p.partition_schema FROM audit_trail.audited_partition AS p);
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_table')
    ) THEN
        source_schemas := source_schemas || ARRAY(SELECT t.table_schema FROM audit_trail.audited_table AS t);
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', t.table_schema, 'name', o.name)), '[]')
            INTO own_tables
            FROM audit_trail.audited_table AS t
            CROSS JOIN LATERAL (VALUES (t.staging), (t.audit_log)) AS o (name);
        FOR wanted IN
            SELECT r.privilege, format('%I.%I', n.nspname, c.relname) AS relation, r.grantee
            FROM (
                SELECT t.table_schema AS schema_name, t.staging AS name, 'audit_trail_dms_target' AS grantee, p.privilege
                FROM audit_trail.audited_table AS t
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
                UNION ALL
                SELECT t.table_schema, t.audit_log, 'audit_trail_auditor', 'SELECT' FROM audit_trail.audited_table AS t
                UNION ALL
                SELECT s.schema_name, s.name, 'audit_trail_dms_target', p.privilege
                FROM jsonb_to_recordset(partition_staging) AS s (schema_name text, name text)
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
            ) AS r
            JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.schema_name
            JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
            WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
        LOOP
            EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
        END LOOP;
    END IF;

    FOR wanted IN
        SELECT n.nspname, o.rolname
        FROM pg_catalog.pg_namespace AS n
        JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
        WHERE (n.nspname = ANY (source_schemas) OR n.nspname IN ('audit_trail', 'awsdms_control'))
            AND NOT o.rolsuper
            AND o.rolname NOT IN (current_user, session_user, 'pg_database_owner', 'audit_trail_owner')
            AND o.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_roles AS s
                WHERE s.rolname = 'rds_superuser' AND pg_has_role(o.oid, s.oid, 'MEMBER')
            )
    LOOP
        RAISE EXCEPTION 'The schema % of the audit database belongs to %, who could drop the logs in it.',
            wanted.nspname, wanted.rolname
            USING HINT = format('Run there: ALTER SCHEMA %I OWNER TO %I.', wanted.nspname, current_user);
    END LOOP;
    FOR wanted IN
        SELECT DISTINCT r.privilege, n.nspname, r.grantee
        FROM (
            -- The owner makes staging and logs there; DMS and the auditors find theirs.
            SELECT s.name, g.grantee, g.privilege
            FROM unnest(source_schemas) AS s (name)
            CROSS JOIN (
                VALUES
                    ('audit_trail_owner', 'CREATE'),
                    ('audit_trail_owner', 'USAGE'),
                    ('audit_trail_dms_target', 'USAGE'),
                    ('audit_trail_auditor', 'USAGE')
            ) AS g (grantee, privilege)
            UNION ALL
            VALUES
                ('audit_trail', 'audit_trail_collector', 'USAGE'),
                -- DMS makes its control tables there, which the collector reads and nobody else with rights worth stealing.
                ('awsdms_control', 'audit_trail_dms_target', 'CREATE'),
                ('awsdms_control', 'audit_trail_dms_target', 'USAGE'),
                ('awsdms_control', 'audit_trail_collector', 'USAGE')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.name
        WHERE NOT has_schema_privilege(r.grantee, n.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON SCHEMA %I TO %I', wanted.privilege, wanted.nspname, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT r.privilege, c.oid::regclass AS relation, r.grantee
        FROM (
            VALUES
                ('acknowledgement', 'audit_trail_auditor', 'SELECT'),
                ('audited_column', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_auditor', 'SELECT'),
                ('audited_table', 'audit_trail_auditor', 'SELECT'),
                ('brought_back', 'audit_trail_auditor', 'SELECT'),
                ('database_user', 'audit_trail_auditor', 'SELECT'),
                ('former_column', 'audit_trail_auditor', 'SELECT'),
                ('gap', 'audit_trail_auditor', 'SELECT'),
                ('gap_kind', 'audit_trail_auditor', 'SELECT'),
                ('known_gap', 'audit_trail_auditor', 'SELECT'),
                ('log_count', 'audit_trail_auditor', 'SELECT'),
                ('schema_version', 'audit_trail_auditor', 'SELECT'),
                ('unlogged_change', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_collector', 'SELECT'),
                ('audited_table', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'INSERT')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
        WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT p.oid::regprocedure AS routine, r.grantee
        FROM (
            VALUES
                ('as_of', 'audit_trail_auditor'),
                ('gaps_between', 'audit_trail_auditor'),
                ('is_key', 'audit_trail_auditor'),
                ('row_history', 'audit_trail_auditor'),
                ('trail_of', 'audit_trail_auditor'),
                ('acknowledge', 'audit_trail_operator'),
                ('begin_reload', 'audit_trail_operator'),
                ('bring_back', 'audit_trail_operator'),
                ('collect_gaps', 'audit_trail_operator'),
                ('end_reload', 'audit_trail_operator'),
                ('maintain', 'audit_trail_operator'),
                ('maintain_table', 'audit_trail_operator'),
                ('count_log', 'audit_trail_operator'),
                ('set_aside', 'audit_trail_operator'),
                ('control_rows', 'audit_trail_collector'),
                ('control_table_problem', 'audit_trail_collector'),
                ('gaps_told_by', 'audit_trail_collector'),
                ('record_once', 'audit_trail_collector'),
                ('register_new_columns', 'audit_trail_collector'),
                ('trail_of_staging', 'audit_trail_collector'),
                ('wait_for_collectors', 'audit_trail_collector')
        ) AS r (name, grantee)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = r.name
        WHERE NOT has_function_privilege(r.grantee, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', wanted.routine, wanted.grantee);
    END LOOP;

    -- Whoever may use the type that a table's rows have can make a table or a function of it, and PostgreSQL then refuses to
    -- change the columns' types or to drop the table.
    FOR wanted IN
        SELECT c.reltype::regtype AS row_type
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN jsonb_to_recordset(own_tables || partition_staging) AS o (schema_name text, name text)
            ON (o.schema_name, o.name) = (n.nspname, c.relname)
        WHERE c.relkind IN ('r', 'p', 'v')
            AND (o.name IS NOT NULL OR n.nspname = 'audit_trail' AND NOT c.relispartition)
            AND pg_get_userbyid(c.relowner) = 'audit_trail_owner'
            AND has_type_privilege('public', c.reltype, 'USAGE')
    LOOP
        EXECUTE format('REVOKE USAGE ON TYPE %s FROM PUBLIC', wanted.row_type);
    END LOOP;

    -- What DMS's user makes is given by DMS's user: as a member of it, for no longer than that takes.
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname = 'awsdms_control'
            AND (
                NOT EXISTS (
                    SELECT FROM pg_catalog.pg_default_acl AS d
                    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
                    WHERE d.defaclnamespace = n.oid
                        AND d.defaclobjtype = 'r'
                        AND pg_get_userbyid(d.defaclrole) = 'audit_trail_dms_target'
                        AND pg_get_userbyid(a.grantee) = 'audit_trail_collector'
                        AND a.privilege_type = 'SELECT'
                )
                OR EXISTS (
                    SELECT FROM pg_catalog.pg_class AS c
                    WHERE c.relnamespace = n.oid
                        AND c.relkind = 'r'
                        AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
                        AND NOT has_table_privilege('audit_trail_collector', c.oid, 'SELECT')
                )
            )
    ) THEN
        is_member := pg_has_role(current_user, 'audit_trail_dms_target', 'USAGE');
        IF NOT is_member THEN
            GRANT audit_trail_dms_target TO CURRENT_USER;
        END IF;
        ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_dms_target IN SCHEMA awsdms_control
            GRANT SELECT ON TABLES TO audit_trail_collector;
        FOR wanted IN
            SELECT c.oid::regclass AS relation
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'awsdms_control'
                AND c.relkind = 'r'
                AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO audit_trail_collector', wanted.relation);
        END LOOP;
        IF NOT is_member THEN
            REVOKE audit_trail_dms_target FROM CURRENT_USER;
        END IF;
    END IF;
END
$do$;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-users, whenever another batch of the script runs
-- Who may do what on the audit cluster, all of it on this page. Runs as the user who deploys, before the other scripts and
-- after them: each time it gives what is missing on what is there. It takes away nothing that it gave, because the logs of
-- tables that left the list stay. Owners' own rights need no grant.

-- The scripts act as the owner, and hand the collector its function. From PostgreSQL 16 on, whoever creates a role may grant
-- it and cannot yet act as it.
GRANT audit_trail_owner, audit_trail_collector TO CURRENT_USER;

-- What the owner makes is nobody else's until this page says so.
ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $do$
DECLARE
    -- Of the tables that are listed, the trail's own among them, and of those that once were.
    source_schemas text[] := ARRAY['audit_trail', 'public']::text[];
    wanted record;
    is_member boolean;
    -- Of the partitions of audited tables.
    partition_staging jsonb := '[]';
    -- Staging and logs.
    own_tables jsonb := '[]';
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_partition')
    ) THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', p.partition_schema, 'name', p.staging)), '[]')
            INTO partition_staging
            FROM audit_trail.audited_partition AS p;
        source_schemas := source_schemas || ARRAY(SELECT DISTINCT p.partition_schema FROM audit_trail.audited_partition AS p);
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_table')
    ) THEN
        source_schemas := source_schemas || ARRAY(SELECT t.table_schema FROM audit_trail.audited_table AS t);
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', t.table_schema, 'name', o.name)), '[]')
            INTO own_tables
            FROM audit_trail.audited_table AS t
            CROSS JOIN LATERAL (VALUES (t.staging), (t.audit_log)) AS o (name);
        FOR wanted IN
            SELECT r.privilege, format('%I.%I', n.nspname, c.relname) AS relation, r.grantee
            FROM (
                SELECT t.table_schema AS schema_name, t.staging AS name, 'audit_trail_dms_target' AS grantee, p.privilege
                FROM audit_trail.audited_table AS t
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
                UNION ALL
                SELECT t.table_schema, t.audit_log, 'audit_trail_auditor', 'SELECT' FROM audit_trail.audited_table AS t
                UNION ALL
                SELECT s.schema_name, s.name, 'audit_trail_dms_target', p.privilege
                FROM jsonb_to_recordset(partition_staging) AS s (schema_name text, name text)
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
            ) AS r
            JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.schema_name
            JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
            WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
        LOOP
            EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
        END LOOP;
    END IF;

    FOR wanted IN
        SELECT n.nspname, o.rolname
        FROM pg_catalog.pg_namespace AS n
        JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
        WHERE (n.nspname = ANY (source_schemas) OR n.nspname IN ('audit_trail', 'awsdms_control'))
            AND NOT o.rolsuper
            AND o.rolname NOT IN (current_user, session_user, 'pg_database_owner', 'audit_trail_owner')
            AND o.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_roles AS s
                WHERE s.rolname = 'rds_superuser' AND pg_has_role(o.oid, s.oid, 'MEMBER')
            )
    LOOP
        RAISE EXCEPTION 'The schema % of the audit database belongs to %, who could drop the logs in it.',
            wanted.nspname, wanted.rolname
            USING HINT = format('Run there: ALTER SCHEMA %I OWNER TO %I.', wanted.nspname, current_user);
    END LOOP;
    FOR wanted IN
        SELECT DISTINCT r.privilege, n.nspname, r.grantee
        FROM (
            -- The owner makes staging and logs there; DMS and the auditors find theirs.
            SELECT s.name, g.grantee, g.privilege
            FROM unnest(source_schemas) AS s (name)
            CROSS JOIN (
                VALUES
                    ('audit_trail_owner', 'CREATE'),
                    ('audit_trail_owner', 'USAGE'),
                    ('audit_trail_dms_target', 'USAGE'),
                    ('audit_trail_auditor', 'USAGE')
            ) AS g (grantee, privilege)
            UNION ALL
            VALUES
                ('audit_trail', 'audit_trail_collector', 'USAGE'),
                -- DMS makes its control tables there, which the collector reads and nobody else with rights worth stealing.
                ('awsdms_control', 'audit_trail_dms_target', 'CREATE'),
                ('awsdms_control', 'audit_trail_dms_target', 'USAGE'),
                ('awsdms_control', 'audit_trail_collector', 'USAGE')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.name
        WHERE NOT has_schema_privilege(r.grantee, n.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON SCHEMA %I TO %I', wanted.privilege, wanted.nspname, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT r.privilege, c.oid::regclass AS relation, r.grantee
        FROM (
            VALUES
                ('acknowledgement', 'audit_trail_auditor', 'SELECT'),
                ('audited_column', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_auditor', 'SELECT'),
                ('audited_table', 'audit_trail_auditor', 'SELECT'),
                ('brought_back', 'audit_trail_auditor', 'SELECT'),
                ('database_user', 'audit_trail_auditor', 'SELECT'),
                ('former_column', 'audit_trail_auditor', 'SELECT'),
                ('gap', 'audit_trail_auditor', 'SELECT'),
                ('gap_kind', 'audit_trail_auditor', 'SELECT'),
                ('known_gap', 'audit_trail_auditor', 'SELECT'),
                ('log_count', 'audit_trail_auditor', 'SELECT'),
                ('schema_version', 'audit_trail_auditor', 'SELECT'),
                ('unlogged_change', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_collector', 'SELECT'),
                ('audited_table', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'INSERT')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
        WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT p.oid::regprocedure AS routine, r.grantee
        FROM (
            VALUES
                ('as_of', 'audit_trail_auditor'),
                ('gaps_between', 'audit_trail_auditor'),
                ('is_key', 'audit_trail_auditor'),
                ('row_history', 'audit_trail_auditor'),
                ('trail_of', 'audit_trail_auditor'),
                ('acknowledge', 'audit_trail_operator'),
                ('begin_reload', 'audit_trail_operator'),
                ('bring_back', 'audit_trail_operator'),
                ('collect_gaps', 'audit_trail_operator'),
                ('end_reload', 'audit_trail_operator'),
                ('maintain', 'audit_trail_operator'),
                ('maintain_table', 'audit_trail_operator'),
                ('count_log', 'audit_trail_operator'),
                ('set_aside', 'audit_trail_operator'),
                ('control_rows', 'audit_trail_collector'),
                ('control_table_problem', 'audit_trail_collector'),
                ('gaps_told_by', 'audit_trail_collector'),
                ('record_once', 'audit_trail_collector'),
                ('register_new_columns', 'audit_trail_collector'),
                ('trail_of_staging', 'audit_trail_collector'),
                ('wait_for_collectors', 'audit_trail_collector')
        ) AS r (name, grantee)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = r.name
        WHERE NOT has_function_privilege(r.grantee, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', wanted.routine, wanted.grantee);
    END LOOP;

    -- Whoever may use the type that a table's rows have can make a table or a function of it, and PostgreSQL then refuses to
    -- change the columns' types or to drop the table.
    FOR wanted IN
        SELECT c.reltype::regtype AS row_type
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN jsonb_to_recordset(own_tables || partition_staging) AS o (schema_name text, name text)
            ON (o.schema_name, o.name) = (n.nspname, c.relname)
        WHERE c.relkind IN ('r', 'p', 'v')
            AND (o.name IS NOT NULL OR n.nspname = 'audit_trail' AND NOT c.relispartition)
            AND pg_get_userbyid(c.relowner) = 'audit_trail_owner'
            AND has_type_privilege('public', c.reltype, 'USAGE')
    LOOP
        EXECUTE format('REVOKE USAGE ON TYPE %s FROM PUBLIC', wanted.row_type);
    END LOOP;

    -- What DMS's user makes is given by DMS's user: as a member of it, for no longer than that takes.
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname = 'awsdms_control'
            AND (
                NOT EXISTS (
                    SELECT FROM pg_catalog.pg_default_acl AS d
                    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
                    WHERE d.defaclnamespace = n.oid
                        AND d.defaclobjtype = 'r'
                        AND pg_get_userbyid(d.defaclrole) = 'audit_trail_dms_target'
                        AND pg_get_userbyid(a.grantee) = 'audit_trail_collector'
                        AND a.privilege_type = 'SELECT'
                )
                OR EXISTS (
                    SELECT FROM pg_catalog.pg_class AS c
                    WHERE c.relnamespace = n.oid
                        AND c.relkind = 'r'
                        AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
                        AND NOT has_table_privilege('audit_trail_collector', c.oid, 'SELECT')
                )
            )
    ) THEN
        is_member := pg_has_role(current_user, 'audit_trail_dms_target', 'USAGE');
        IF NOT is_member THEN
            GRANT audit_trail_dms_target TO CURRENT_USER;
        END IF;
        ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_dms_target IN SCHEMA awsdms_control
            GRANT SELECT ON TABLES TO audit_trail_collector;
        FOR wanted IN
            SELECT c.oid::regclass AS relation
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'awsdms_control'
                AND c.relkind = 'r'
                AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO audit_trail_collector', wanted.relation);
        END LOOP;
        IF NOT is_member THEN
            REVOKE audit_trail_dms_target FROM CURRENT_USER;
        END IF;
    END IF;
END
$do$;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/database_users.sql | audit cluster | as the master user | script audit-database-users, when its text is another one | databaseUsers
-- The people's logins that the config lists. Each is a member of one of the trail's two roles for people, and of nothing else by
-- this script, which runs as the user who deploys. A login of the kind iam is made here, with rds_iam and without a password. Any
-- other login is somebody else's: it gets the membership, unless it has it already, and loses what it was given; it is neither
-- altered nor dropped. audit_trail.database_user has what was given, so that no more than that is taken.
DO $do$
DECLARE
    users jsonb := '[]';
    known record;
    wanted record;
    current_name name;
BEGIN
    -- First what is not listed any more, or as something else.
    FOR known IN
        SELECT d.login, d.login_oid, d.member_of, d.is_made, d.is_given, w.is_made IS DISTINCT FROM d.is_made OR r.rolname <> d.login AS goes
        FROM audit_trail.database_user AS d
        LEFT JOIN jsonb_to_recordset(users) AS w (login text, member_of text, is_made boolean) ON w.login = d.login
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = d.login_oid
        WHERE (w.member_of, w.is_made, r.rolname) IS DISTINCT FROM (d.member_of, d.is_made, d.login::name)
    LOOP
        SELECT r.rolname INTO current_name FROM pg_catalog.pg_roles AS r WHERE r.oid = known.login_oid;
        IF current_name IS NULL THEN
            DELETE FROM audit_trail.database_user AS d WHERE d.login = known.login;
            CONTINUE;
        END IF;
        IF known.is_given AND EXISTS (
            SELECT
            FROM pg_catalog.pg_auth_members AS m
            WHERE m.member = known.login_oid AND pg_get_userbyid(m.roleid) = known.member_of
        ) THEN
            EXECUTE format('REVOKE %I FROM %I', known.member_of, current_name);
        END IF;
        IF NOT known.goes THEN
            CONTINUE;
        END IF;
        IF known.is_made THEN
            BEGIN
                EXECUTE format('DROP ROLE %I', current_name);
            EXCEPTION WHEN dependent_objects_still_exist THEN
                -- Nobody comes in as it any more. The look tells what is left to do.
                EXECUTE format('ALTER ROLE %I NOLOGIN', current_name);
                CONTINUE;
            END;
        END IF;
        DELETE FROM audit_trail.database_user AS d WHERE d.login = known.login;
    END LOOP;

    FOR wanted IN
        SELECT
            w.login,
            w.member_of,
            w.is_made,
            r.oid,
            r.rolcanlogin,
            d.login IS NOT NULL AS is_known,
            EXISTS (
                SELECT
                FROM pg_catalog.pg_auth_members AS m
                WHERE m.member = r.oid AND pg_get_userbyid(m.roleid) = w.member_of
            ) AS is_member
        FROM jsonb_to_recordset(users) AS w (login text, member_of text, is_made boolean)
        LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = w.login
        LEFT JOIN audit_trail.database_user AS d ON d.login = w.login AND d.login_oid = r.oid AND d.is_made
        ORDER BY w.login
    LOOP
        IF NOT wanted.is_made AND wanted.oid IS NULL THEN
            RAISE EXCEPTION 'the config key databaseUsers lists the login "%" as one that exists, and the audit server has none', wanted.login
                USING HINT = 'create it there, or give it the authentication iam';
        ELSIF wanted.is_made AND wanted.oid IS NOT NULL AND NOT wanted.is_known THEN
            RAISE EXCEPTION 'the login "%" of the config key databaseUsers exists on the audit server, and this program did not make it', wanted.login
                USING HINT = 'give it the authentication existing, or drop it there';
        ELSIF wanted.is_made AND wanted.oid IS NULL THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted.login);
        ELSIF wanted.is_made AND NOT wanted.rolcanlogin THEN
            EXECUTE format('ALTER ROLE %I LOGIN', wanted.login);
        END IF;
        IF wanted.is_made THEN
            EXECUTE format('GRANT rds_iam TO %I', wanted.login);
        END IF;
        IF NOT wanted.is_member THEN
            EXECUTE format('GRANT %I TO %I', wanted.member_of, wanted.login);
        END IF;
        INSERT INTO audit_trail.database_user AS d (login, login_oid, member_of, is_made, is_given)
        SELECT wanted.login, r.oid, wanted.member_of, wanted.is_made, NOT wanted.is_member
        FROM pg_catalog.pg_roles AS r
        WHERE r.rolname = wanted.login
        ON CONFLICT (login) DO UPDATE
            SET login_oid = excluded.login_oid,
                member_of = excluded.member_of,
                is_made = excluded.is_made,
                -- What was given with an earlier list stays given.
                is_given = excluded.is_given
                    OR d.is_given AND d.login_oid = excluded.login_oid AND d.member_of = excluded.member_of;
    END LOOP;
END
$do$;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-users, whenever another batch of the script runs
-- Who may do what on the audit cluster, all of it on this page. Runs as the user who deploys, before the other scripts and
-- after them: each time it gives what is missing on what is there. It takes away nothing that it gave, because the logs of
-- tables that left the list stay. Owners' own rights need no grant.

-- The scripts act as the owner, and hand the collector its function. From PostgreSQL 16 on, whoever creates a role may grant
-- it and cannot yet act as it.
GRANT audit_trail_owner, audit_trail_collector TO CURRENT_USER;

-- What the owner makes is nobody else's until this page says so.
ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $do$
DECLARE
    -- Of the tables that are listed, the trail's own among them, and of those that once were.
    source_schemas text[] := ARRAY['audit_trail', 'public']::text[];
    wanted record;
    is_member boolean;
    -- Of the partitions of audited tables.
    partition_staging jsonb := '[]';
    -- Staging and logs.
    own_tables jsonb := '[]';
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_partition')
    ) THEN
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', p.partition_schema, 'name', p.staging)), '[]')
            INTO partition_staging
            FROM audit_trail.audited_partition AS p;
        source_schemas := source_schemas || ARRAY(SELECT DISTINCT p.partition_schema FROM audit_trail.audited_partition AS p);
    END IF;
    IF EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (n.nspname, c.relname) = ('audit_trail', 'audited_table')
    ) THEN
        source_schemas := source_schemas || ARRAY(SELECT t.table_schema FROM audit_trail.audited_table AS t);
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema_name', t.table_schema, 'name', o.name)), '[]')
            INTO own_tables
            FROM audit_trail.audited_table AS t
            CROSS JOIN LATERAL (VALUES (t.staging), (t.audit_log)) AS o (name);
        FOR wanted IN
            SELECT r.privilege, format('%I.%I', n.nspname, c.relname) AS relation, r.grantee
            FROM (
                SELECT t.table_schema AS schema_name, t.staging AS name, 'audit_trail_dms_target' AS grantee, p.privilege
                FROM audit_trail.audited_table AS t
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
                UNION ALL
                SELECT t.table_schema, t.audit_log, 'audit_trail_auditor', 'SELECT' FROM audit_trail.audited_table AS t
                UNION ALL
                SELECT s.schema_name, s.name, 'audit_trail_dms_target', p.privilege
                FROM jsonb_to_recordset(partition_staging) AS s (schema_name text, name text)
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
            ) AS r
            JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.schema_name
            JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
            WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
        LOOP
            EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
        END LOOP;
    END IF;

    FOR wanted IN
        SELECT n.nspname, o.rolname
        FROM pg_catalog.pg_namespace AS n
        JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
        WHERE (n.nspname = ANY (source_schemas) OR n.nspname IN ('audit_trail', 'awsdms_control'))
            AND NOT o.rolsuper
            AND o.rolname NOT IN (current_user, session_user, 'pg_database_owner', 'audit_trail_owner')
            AND o.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_roles AS s
                WHERE s.rolname = 'rds_superuser' AND pg_has_role(o.oid, s.oid, 'MEMBER')
            )
    LOOP
        RAISE EXCEPTION 'The schema % of the audit database belongs to %, who could drop the logs in it.',
            wanted.nspname, wanted.rolname
            USING HINT = format('Run there: ALTER SCHEMA %I OWNER TO %I.', wanted.nspname, current_user);
    END LOOP;
    FOR wanted IN
        SELECT DISTINCT r.privilege, n.nspname, r.grantee
        FROM (
            -- The owner makes staging and logs there; DMS and the auditors find theirs.
            SELECT s.name, g.grantee, g.privilege
            FROM unnest(source_schemas) AS s (name)
            CROSS JOIN (
                VALUES
                    ('audit_trail_owner', 'CREATE'),
                    ('audit_trail_owner', 'USAGE'),
                    ('audit_trail_dms_target', 'USAGE'),
                    ('audit_trail_auditor', 'USAGE')
            ) AS g (grantee, privilege)
            UNION ALL
            VALUES
                ('audit_trail', 'audit_trail_collector', 'USAGE'),
                -- DMS makes its control tables there, which the collector reads and nobody else with rights worth stealing.
                ('awsdms_control', 'audit_trail_dms_target', 'CREATE'),
                ('awsdms_control', 'audit_trail_dms_target', 'USAGE'),
                ('awsdms_control', 'audit_trail_collector', 'USAGE')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.name
        WHERE NOT has_schema_privilege(r.grantee, n.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON SCHEMA %I TO %I', wanted.privilege, wanted.nspname, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT r.privilege, c.oid::regclass AS relation, r.grantee
        FROM (
            VALUES
                ('acknowledgement', 'audit_trail_auditor', 'SELECT'),
                ('audited_column', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_auditor', 'SELECT'),
                ('audited_table', 'audit_trail_auditor', 'SELECT'),
                ('brought_back', 'audit_trail_auditor', 'SELECT'),
                ('database_user', 'audit_trail_auditor', 'SELECT'),
                ('former_column', 'audit_trail_auditor', 'SELECT'),
                ('gap', 'audit_trail_auditor', 'SELECT'),
                ('gap_kind', 'audit_trail_auditor', 'SELECT'),
                ('known_gap', 'audit_trail_auditor', 'SELECT'),
                ('log_count', 'audit_trail_auditor', 'SELECT'),
                ('schema_version', 'audit_trail_auditor', 'SELECT'),
                ('unlogged_change', 'audit_trail_auditor', 'SELECT'),
                ('audited_partition', 'audit_trail_collector', 'SELECT'),
                ('audited_table', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'SELECT'),
                ('gap', 'audit_trail_collector', 'INSERT')
        ) AS r (name, grantee, privilege)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name
        WHERE NOT has_table_privilege(r.grantee, c.oid, r.privilege)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.relation, wanted.grantee);
    END LOOP;

    FOR wanted IN
        SELECT p.oid::regprocedure AS routine, r.grantee
        FROM (
            VALUES
                ('as_of', 'audit_trail_auditor'),
                ('gaps_between', 'audit_trail_auditor'),
                ('is_key', 'audit_trail_auditor'),
                ('row_history', 'audit_trail_auditor'),
                ('trail_of', 'audit_trail_auditor'),
                ('acknowledge', 'audit_trail_operator'),
                ('begin_reload', 'audit_trail_operator'),
                ('bring_back', 'audit_trail_operator'),
                ('collect_gaps', 'audit_trail_operator'),
                ('end_reload', 'audit_trail_operator'),
                ('maintain', 'audit_trail_operator'),
                ('maintain_table', 'audit_trail_operator'),
                ('count_log', 'audit_trail_operator'),
                ('set_aside', 'audit_trail_operator'),
                ('control_rows', 'audit_trail_collector'),
                ('control_table_problem', 'audit_trail_collector'),
                ('gaps_told_by', 'audit_trail_collector'),
                ('record_once', 'audit_trail_collector'),
                ('register_new_columns', 'audit_trail_collector'),
                ('trail_of_staging', 'audit_trail_collector'),
                ('wait_for_collectors', 'audit_trail_collector')
        ) AS r (name, grantee)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'audit_trail'
        JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = r.name
        WHERE NOT has_function_privilege(r.grantee, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', wanted.routine, wanted.grantee);
    END LOOP;

    -- Whoever may use the type that a table's rows have can make a table or a function of it, and PostgreSQL then refuses to
    -- change the columns' types or to drop the table.
    FOR wanted IN
        SELECT c.reltype::regtype AS row_type
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN jsonb_to_recordset(own_tables || partition_staging) AS o (schema_name text, name text)
            ON (o.schema_name, o.name) = (n.nspname, c.relname)
        WHERE c.relkind IN ('r', 'p', 'v')
            AND (o.name IS NOT NULL OR n.nspname = 'audit_trail' AND NOT c.relispartition)
            AND pg_get_userbyid(c.relowner) = 'audit_trail_owner'
            AND has_type_privilege('public', c.reltype, 'USAGE')
    LOOP
        EXECUTE format('REVOKE USAGE ON TYPE %s FROM PUBLIC', wanted.row_type);
    END LOOP;

    -- What DMS's user makes is given by DMS's user: as a member of it, for no longer than that takes.
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname = 'awsdms_control'
            AND (
                NOT EXISTS (
                    SELECT FROM pg_catalog.pg_default_acl AS d
                    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
                    WHERE d.defaclnamespace = n.oid
                        AND d.defaclobjtype = 'r'
                        AND pg_get_userbyid(d.defaclrole) = 'audit_trail_dms_target'
                        AND pg_get_userbyid(a.grantee) = 'audit_trail_collector'
                        AND a.privilege_type = 'SELECT'
                )
                OR EXISTS (
                    SELECT FROM pg_catalog.pg_class AS c
                    WHERE c.relnamespace = n.oid
                        AND c.relkind = 'r'
                        AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
                        AND NOT has_table_privilege('audit_trail_collector', c.oid, 'SELECT')
                )
            )
    ) THEN
        is_member := pg_has_role(current_user, 'audit_trail_dms_target', 'USAGE');
        IF NOT is_member THEN
            GRANT audit_trail_dms_target TO CURRENT_USER;
        END IF;
        ALTER DEFAULT PRIVILEGES FOR ROLE audit_trail_dms_target IN SCHEMA awsdms_control
            GRANT SELECT ON TABLES TO audit_trail_collector;
        FOR wanted IN
            SELECT c.oid::regclass AS relation
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'awsdms_control'
                AND c.relkind = 'r'
                AND pg_get_userbyid(c.relowner) = 'audit_trail_dms_target'
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO audit_trail_collector', wanted.relation);
        END LOOP;
        IF NOT is_member THEN
            REVOKE audit_trail_dms_target FROM CURRENT_USER;
        END IF;
    END IF;
END
$do$;

COMMIT;
