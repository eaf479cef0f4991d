-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What a deployment then runs on the audit cluster for the tables.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"0","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"on"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> sql/audit/log_change.sql, by the postgresql plugin of Pulumi | audit cluster | as the master user | when its text is another one, under another name
CREATE FUNCTION "audit_trail"."public_items_cbe447f6_log_change"() RETURNS trigger LANGUAGE plpgsql AS $function$-- The body of one table's log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- This is the fast path: the change's position is beyond all that is known of its key (the greatest one is in the key's
-- staging row, or in its tombstone once the row is deleted), the key is unchanged, and the row is there or not as the
-- operation says. Everything else goes to the function of sql/audit/log_uncommon.sql, which takes a transaction id each time. So
-- what a table has many of is logged here too: the rows of the full load, and second steps of large columns.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table's own columns would fail in DMS's session once that type changes.
#variable_conflict use_variable
DECLARE
    before_image jsonb;
    after_image jsonb;
    changed_key jsonb;
    has_images boolean;
    committed_at timestamptz(6);
    commit_microseconds bigint;
    change_position text;
    known_position text;
    is_common boolean;
    has_tombstone boolean;
    this_change text;
    remarks text[];
BEGIN
    -- The functions' own writes to staging.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    -- An error that a value causes (22, 23, 54, 0A, P0) would make DMS drop the change or stop. All that can fail because of a
    -- value is in this block, for every type that DMS may give a new column. Nothing in it writes: a block that writes takes a
    -- transaction id of its own for each change.
    BEGIN
        committed_at := NEW.audit_trail_commit_timestamp AT TIME ZONE 'UTC';
        after_image := to_jsonb(NEW) - CAST('{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}' AS text[]);
        changed_key := jsonb_build_object('item_id', after_image -> 'item_id');
        IF TG_OP = 'UPDATE' THEN
            before_image := to_jsonb(OLD) - CAST('{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}' AS text[]);
            known_position := right(OLD.audit_trail_stream_position, 17);
            is_common := NEW.audit_trail_operation IN ('U', 'D')
                AND before_image @> changed_key
                -- A row of the full load may be younger than a change that was captured while it ran.
                AND (
                    OLD.audit_trail_change_seq <> ''
                    OR NEW.audit_trail_commit_timestamp > OLD.audit_trail_commit_timestamp + interval '1 second'
                );
        ELSE
            SELECT right(t.stream_position, 17), t.kind = 'deleted'
                INTO known_position, is_common
                FROM audit_trail."public_items_tombstone" AS t
                WHERE t.row_key = changed_key;
            has_tombstone := FOUND;
            is_common := NEW.audit_trail_operation = 'I' AND is_common IS NOT FALSE;
        END IF;
        -- Columns that the source no longer has: staging keeps their last values.
        IF TG_NARGS > 0 THEN
            FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
                IF committed_at > CAST(TG_ARGV[i + 1] AS timestamptz) THEN
                    before_image := before_image - TG_ARGV[i];
                    after_image := after_image - TG_ARGV[i];
                END IF;
            END LOOP;
        END IF;
        has_images := true;

        -- The LSN in which a position ends. The last change, below, is compared as text: small letters are uncommon.
        change_position := right(NEW.audit_trail_stream_position, 17);
        commit_microseconds := audit_trail.microseconds(committed_at);
        is_common := is_common
            AND commit_microseconds IS NOT NULL
            AND NEW.audit_trail_change_seq <> ''
            AND change_position LIKE '________/________'
            AND change_position = upper(change_position COLLATE "C")
            AND CASE
                WHEN coalesce(known_position, '') = '' THEN CAST(change_position AS pg_lsn) IS NOT NULL
                ELSE known_position LIKE '________/________'
                    AND CAST(change_position AS pg_lsn) > CAST(known_position AS pg_lsn)
            END
            -- The index of deleted keys takes 2,704 bytes.
            AND (NEW.audit_trail_operation <> 'D' OR pg_column_size(changed_key) < 2000);
    EXCEPTION
        WHEN OTHERS THEN
            -- Every other error says nothing about the change: DMS tries again.
            IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
                RAISE;
            END IF;
            is_common := false;
    END;

    IF is_common IS NOT TRUE THEN
        -- A row of the full load, of a key that nothing is known of.
        IF TG_OP = 'INSERT'
            AND has_images
            AND NOT has_tombstone
            AND coalesce(NEW.audit_trail_change_seq, '') = ''
            AND (coalesce(NEW.audit_trail_stream_position, '') = '' OR NEW.audit_trail_operation = 'I')
        THEN
            INSERT INTO "public"."items_audit_log" (
                operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq
            )
            VALUES (
                'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', ''
            );
            RETURN NULL;
        END IF;
        -- The second step of a large column, right after the first one.
        IF TG_OP = 'UPDATE'
            AND has_images
            AND NEW.audit_trail_operation IN ('I', 'U')
            AND NEW.audit_trail_change_seq <> ''
            AND NEW.audit_trail_stream_position <> ''
            AND NEW.audit_trail_change_seq = OLD.audit_trail_change_seq
            AND NEW.audit_trail_stream_position = OLD.audit_trail_stream_position
        THEN
            UPDATE "public"."items_audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = committed_at
                    AND l.change_seq = NEW.audit_trail_change_seq
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        PERFORM audit_trail."public_items_cbe447f6_log_uncommon"(TG_OP, OLD, NEW, NEW.ctid, before_image, after_image, has_images IS NULL);
        RETURN NULL;
    END IF;

    -- DMS hands over the transactions one after the other, in the order of their commits. Nearly always the last change sorts
    -- before this one.
    this_change := commit_microseconds || ' ' || change_position;
    IF (current_setting('audit_trail.last_change', true) COLLATE "C" BETWEEN '0' AND this_change) IS NOT TRUE THEN
        remarks := audit_trail.remark_step_back(this_change);
    END IF;
    -- An assignment costs less than a PERFORM.
    this_change := set_config('audit_trail.last_change', this_change, false);

    IF NEW.audit_trail_operation = 'D' THEN
        after_image := NULL;
    END IF;
    -- Plain values cost less than expressions, which are prepared anew for each row.
    INSERT INTO "public"."items_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks
    )
    VALUES (
        NEW.audit_trail_operation,
        changed_key,
        before_image,
        after_image,
        committed_at,
        commit_microseconds,
        NEW.audit_trail_stream_position,
        NEW.audit_trail_change_seq,
        remarks
    );

    IF NEW.audit_trail_operation = 'D' THEN
        INSERT INTO audit_trail."public_items_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, NEW.audit_trail_stream_position, 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "public"."items_staging" AS s WHERE s.ctid = NEW.ctid;
    ELSIF has_tombstone THEN
        DELETE FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
END;
$function$;

--> sql/audit/log_change.sql, by the postgresql plugin of Pulumi | audit cluster | as the master user | when its text is another one, under another name
CREATE FUNCTION "audit_trail"."audit_trail_marker_09bea71c_log_change"() RETURNS trigger LANGUAGE plpgsql AS $function$-- The body of one table's log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- This is the fast path: the change's position is beyond all that is known of its key (the greatest one is in the key's
-- staging row, or in its tombstone once the row is deleted), the key is unchanged, and the row is there or not as the
-- operation says. Everything else goes to the function of sql/audit/log_uncommon.sql, which takes a transaction id each time. So
-- what a table has many of is logged here too: the rows of the full load, and second steps of large columns.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table's own columns would fail in DMS's session once that type changes.
#variable_conflict use_variable
DECLARE
    before_image jsonb;
    after_image jsonb;
    changed_key jsonb;
    has_images boolean;
    committed_at timestamptz(6);
    commit_microseconds bigint;
    change_position text;
    known_position text;
    is_common boolean;
    has_tombstone boolean;
    this_change text;
    remarks text[];
BEGIN
    -- The functions' own writes to staging.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    -- An error that a value causes (22, 23, 54, 0A, P0) would make DMS drop the change or stop. All that can fail because of a
    -- value is in this block, for every type that DMS may give a new column. Nothing in it writes: a block that writes takes a
    -- transaction id of its own for each change.
    BEGIN
        committed_at := NEW.audit_trail_commit_timestamp AT TIME ZONE 'UTC';
        after_image := to_jsonb(NEW) - CAST('{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}' AS text[]);
        changed_key := jsonb_build_object('marker_id', after_image -> 'marker_id');
        IF TG_OP = 'UPDATE' THEN
            before_image := to_jsonb(OLD) - CAST('{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}' AS text[]);
            known_position := right(OLD.audit_trail_stream_position, 17);
            is_common := NEW.audit_trail_operation IN ('U', 'D')
                AND before_image @> changed_key
                -- A row of the full load may be younger than a change that was captured while it ran.
                AND (
                    OLD.audit_trail_change_seq <> ''
                    OR NEW.audit_trail_commit_timestamp > OLD.audit_trail_commit_timestamp + interval '1 second'
                );
        ELSE
            SELECT right(t.stream_position, 17), t.kind = 'deleted'
                INTO known_position, is_common
                FROM audit_trail."audit_trail_marker_tombstone" AS t
                WHERE t.row_key = changed_key;
            has_tombstone := FOUND;
            is_common := NEW.audit_trail_operation = 'I' AND is_common IS NOT FALSE;
        END IF;
        -- Columns that the source no longer has: staging keeps their last values.
        IF TG_NARGS > 0 THEN
            FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
                IF committed_at > CAST(TG_ARGV[i + 1] AS timestamptz) THEN
                    before_image := before_image - TG_ARGV[i];
                    after_image := after_image - TG_ARGV[i];
                END IF;
            END LOOP;
        END IF;
        has_images := true;

        -- The LSN in which a position ends. The last change, below, is compared as text: small letters are uncommon.
        change_position := right(NEW.audit_trail_stream_position, 17);
        commit_microseconds := audit_trail.microseconds(committed_at);
        is_common := is_common
            AND commit_microseconds IS NOT NULL
            AND NEW.audit_trail_change_seq <> ''
            AND change_position LIKE '________/________'
            AND change_position = upper(change_position COLLATE "C")
            AND CASE
                WHEN coalesce(known_position, '') = '' THEN CAST(change_position AS pg_lsn) IS NOT NULL
                ELSE known_position LIKE '________/________'
                    AND CAST(change_position AS pg_lsn) > CAST(known_position AS pg_lsn)
            END
            -- The index of deleted keys takes 2,704 bytes.
            AND (NEW.audit_trail_operation <> 'D' OR pg_column_size(changed_key) < 2000);
    EXCEPTION
        WHEN OTHERS THEN
            -- Every other error says nothing about the change: DMS tries again.
            IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
                RAISE;
            END IF;
            is_common := false;
    END;

    IF is_common IS NOT TRUE THEN
        -- A row of the full load, of a key that nothing is known of.
        IF TG_OP = 'INSERT'
            AND has_images
            AND NOT has_tombstone
            AND coalesce(NEW.audit_trail_change_seq, '') = ''
            AND (coalesce(NEW.audit_trail_stream_position, '') = '' OR NEW.audit_trail_operation = 'I')
        THEN
            INSERT INTO "audit_trail"."marker_audit_log" (
                operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq
            )
            VALUES (
                'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', ''
            );
            RETURN NULL;
        END IF;
        -- The second step of a large column, right after the first one.
        IF TG_OP = 'UPDATE'
            AND has_images
            AND NEW.audit_trail_operation IN ('I', 'U')
            AND NEW.audit_trail_change_seq <> ''
            AND NEW.audit_trail_stream_position <> ''
            AND NEW.audit_trail_change_seq = OLD.audit_trail_change_seq
            AND NEW.audit_trail_stream_position = OLD.audit_trail_stream_position
        THEN
            UPDATE "audit_trail"."marker_audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = committed_at
                    AND l.change_seq = NEW.audit_trail_change_seq
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        PERFORM audit_trail."audit_trail_marker_09bea71c_log_uncommon"(TG_OP, OLD, NEW, NEW.ctid, before_image, after_image, has_images IS NULL);
        RETURN NULL;
    END IF;

    -- DMS hands over the transactions one after the other, in the order of their commits. Nearly always the last change sorts
    -- before this one.
    this_change := commit_microseconds || ' ' || change_position;
    IF (current_setting('audit_trail.last_change', true) COLLATE "C" BETWEEN '0' AND this_change) IS NOT TRUE THEN
        remarks := audit_trail.remark_step_back(this_change);
    END IF;
    -- An assignment costs less than a PERFORM.
    this_change := set_config('audit_trail.last_change', this_change, false);

    IF NEW.audit_trail_operation = 'D' THEN
        after_image := NULL;
    END IF;
    -- Plain values cost less than expressions, which are prepared anew for each row.
    INSERT INTO "audit_trail"."marker_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks
    )
    VALUES (
        NEW.audit_trail_operation,
        changed_key,
        before_image,
        after_image,
        committed_at,
        commit_microseconds,
        NEW.audit_trail_stream_position,
        NEW.audit_trail_change_seq,
        remarks
    );

    IF NEW.audit_trail_operation = 'D' THEN
        INSERT INTO audit_trail."audit_trail_marker_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, NEW.audit_trail_stream_position, 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "audit_trail"."marker_staging" AS s WHERE s.ctid = NEW.ctid;
    ELSIF has_tombstone THEN
        DELETE FROM audit_trail."audit_trail_marker_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
END;
$function$;

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

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-tables, whenever another batch of the script runs
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

--> sql/audit/widths.sql | audit cluster | as the master user | script audit-database-tables, when its text is another one
-- Before anything is made of any table: each staging table must have room for the columns that it is to get.
SELECT audit_trail.check_width(w.about, to_regclass(w.staging_name), w.wanted)
FROM (VALUES
    ('public.items', '"public"."items_staging"', ARRAY['item_id', 'name', 'price', 'audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq']),
    ('audit_trail.marker', '"audit_trail"."marker_staging"', ARRAY['marker_id', 'kind', 'table_schema', 'table_name', 'detail', 'created_at', 'audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq'])
) AS w (about, staging_name, wanted);

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

--> sql/audit/staging.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.items
-- Staging: the source's columns as plain columns, then the header columns that DMS adds. DMS writes every column. So there is
-- no default, no identity, no generated column, and no constraint but the key.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS "public"."items_staging" (
    "item_id" integer,
    "name" character varying(100),
    "price" numeric(10,2),
    "audit_trail_operation" character varying(50),
    "audit_trail_commit_timestamp" timestamp(6) without time zone,
    "audit_trail_stream_position" character varying(50),
    "audit_trail_change_seq" character varying(50),
    PRIMARY KEY ("item_id")
);
-- DMS locks staging first, and the log and everything else after it. So does whoever changes a trail.
LOCK TABLE "public"."items_staging" IN SHARE ROW EXCLUSIVE MODE;
COMMENT ON TABLE "public"."items_staging" IS 'Current rows of public.items, written by AWS DMS alone.';

SELECT audit_trail.check_partitioning('"public"."items_staging"'::regclass, false);
SELECT audit_trail.check_key('"public"."items_staging"'::regclass, ARRAY['item_id']);
SELECT audit_trail.fit_column('"public"."items_staging"'::regclass, c.name, c.type, c.in_key, c.missing)
FROM (
    VALUES
        ('item_id', 'integer', true, NULL),
        ('name', 'character varying(100)', false, NULL),
        ('price', 'numeric(10,2)', false, NULL),
        ('audit_trail_operation', 'character varying(50)', false, NULL),
        ('audit_trail_commit_timestamp', 'timestamp(6) without time zone', false, NULL),
        ('audit_trail_stream_position', 'character varying(50)', false, NULL),
        ('audit_trail_change_seq', 'character varying(50)', false, NULL)
) AS c (name, type, in_key, missing);

RESET ROLE;

--> sql/audit/audit_log.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.items
-- The log of one table: append-only, partitioned by the month of the source's commit.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS "public"."items_audit_log" (
    -- Rises in the order in which changes were applied. A change that was brought back has the number that was set aside
    -- for it when it could not be logged.
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    -- B, I, U or D. The log's function sees to that: a check constraint here costs an eighth of the apply rate.
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL
) PARTITION BY RANGE (commit_timestamp);
COMMENT ON TABLE "public"."items_audit_log" IS 'Every change of public.items: old row, new row, the source''s commit time. Append-only.';

-- A log that is there already gets the columns that it lacks. Its rows are not rewritten.
SELECT audit_trail.fit_log_column('"public"."items_audit_log"'::regclass, c.name, c.definition)
FROM (
    VALUES
        -- The source's commit time in microseconds since 1970: the same for all rows of one source transaction, and
        -- another one for every transaction that did not commit in the same microsecond. Null for B.
        ('transaction_id', 'bigint'),
        -- As DMS gave them; empty for B.
        ('stream_position', 'text NOT NULL'),
        ('change_seq', 'text NOT NULL'),
        ('recorded_at', 'timestamptz NOT NULL DEFAULT clock_timestamp()'),
        -- The transaction on this side.
        ('applied_xid', 'xid8 NOT NULL DEFAULT pg_current_xact_id()'),
        -- What a reader must know of this row beyond its values, docs/guarantees.md; null for nearly all.
        ('remarks', 'text[]')
) AS c (name, definition);

-- The history of a row, and the look-up that tells a replayed change from a new one. A hash of the key, because comparing
-- jsonb is the largest single cost of a full log's index: audit_trail.is_key() asks by it. The other two columns keep the
-- changes of a key with very many in order.
CREATE INDEX IF NOT EXISTS "items_audit_log_row_key_idx" ON "public"."items_audit_log"
    (jsonb_hash_extended(row_key, 0), commit_timestamp, audit_id);
-- Windows of time, and transactions: rows arrive in commit order, so a block range index is enough.
CREATE INDEX IF NOT EXISTS "items_audit_log_time_idx" ON "public"."items_audit_log"
    USING brin (commit_timestamp, transaction_id) WITH (autosummarize = on);

SELECT audit_trail.put_trigger(
    '"public"."items_audit_log"'::regclass,
    'append_only',
    '%1$I BEFORE UPDATE OR DELETE ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change_of_log()'
);
SELECT audit_trail.refuse_truncate('"public"."items_audit_log"'::regclass);

SELECT audit_trail.add_partitions('"public"."items_audit_log"'::regclass, 'items_audit_log_');

RESET ROLE;

--> sql/audit/tombstone.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.items
-- Keys that staging does not hold at present. stream_position is the greatest one known of the key: what tells the replay
-- of an old change from the first insert of a key that is used again. The kinds:
--   deleted   the source deleted the row, and the log says so
--   removed   DMS removed the staging row by a plain DELETE, as its conflict policies do before they insert the row
--             again; the row is kept until then, as a record to put back and as an image for the log
--   emptied   staging was emptied for a reload; what the load does not bring back has gone from the source
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail."public_items_tombstone" (
    row_key jsonb PRIMARY KEY,
    stream_position text NOT NULL,
    kind text NOT NULL,
    -- The text of the whole staging row, its header columns included: it can be read back whatever the types are.
    removed_record text,
    removed_image jsonb,
    removed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A constraint trigger cannot be replaced, only be missing.
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = '"audit_trail"."public_items_tombstone"'::regclass AND t.tgname = 'unflagged_delete'
    ) THEN
        CREATE CONSTRAINT TRIGGER unflagged_delete AFTER INSERT OR UPDATE ON audit_trail."public_items_tombstone"
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'removed')
            EXECUTE FUNCTION audit_trail.record_unflagged_delete('public', 'items');
        ALTER TABLE audit_trail."public_items_tombstone" ENABLE ALWAYS TRIGGER unflagged_delete;
    END IF;
END
$do$;

RESET ROLE;

--> sql/audit/register.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.items
-- Enters the table and its columns into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_table(
    'public',
    'items',
    'items_staging',
    'items_audit_log',
    'public_items_tombstone',
    'items_audit_log_',
    ARRAY['item_id'],
    '0',
    to_jsonb(ARRAY[
        jsonb_build_object('attnum', 1, 'name', 'item_id', 'type', 'integer', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 2, 'name', 'name', 'type', 'character varying(100)', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 3, 'name', 'price', 'type', 'numeric(10,2)', 'missing', NULL, 'source_type', NULL)
    ])
);

RESET ROLE;

--> sql/audit/log_uncommon.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.items
-- What one table's log function does with a change that is not plainly the next one of its key: replays, rows of the full load
-- and second steps of large columns that are not plain either, rows that are missing or should not be there, values that jsonb
-- does not take. docs/guarantees.md says what is promised of each.
--
-- A change under a position that is known already is dropped only if it is a change that the log has: the same
-- operation and row, at the same commit time and position. Nothing promises that DMS keeps a source transaction inside
-- one target transaction.
--
-- before_image and after_image are the rows without header columns. In a second try, after an error that a value caused,
-- they count for nothing, and are made here of what each value allows.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE FUNCTION audit_trail."public_items_cbe447f6_log_uncommon"(
    statement text,
    old_row "public"."items_staging",
    new_row "public"."items_staging",
    new_ctid tid,
    before_image jsonb,
    after_image jsonb,
    is_second_try boolean
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
#variable_conflict use_variable
DECLARE
    operation CONSTANT text := new_row.audit_trail_operation;
    sequence CONSTANT text := coalesce(new_row.audit_trail_change_seq, '');
    change_position CONSTANT text := coalesce(new_row.audit_trail_stream_position, '');
    change_lsn CONSTANT pg_lsn := audit_trail.lsn_of(new_row.audit_trail_stream_position);
    -- The second step of a large column may leave the row's headers as the first one wrote them.
    has_same_headers CONSTANT boolean := statement = 'UPDATE' AND sequence <> '' AND change_position <> ''
        AND sequence = old_row.audit_trail_change_seq AND change_position = old_row.audit_trail_stream_position;
    committed_at timestamptz := new_row.audit_trail_commit_timestamp AT TIME ZONE 'UTC';
    known_position text;
    tombstone audit_trail."public_items_tombstone";
    changed_key jsonb;
    this_change text;
    is_new boolean;
    logged record;
    later record;
    verdict text := 'change';
    log_operation text := operation;
    gap_kind text;
    gap_detail jsonb := '{}';
    kept_position text;
    remarks text[];
    last_change text;
    is_interleaved boolean := false;
BEGIN
    IF is_second_try THEN
        after_image := audit_trail.row_image(CAST(new_row AS text), 'public', 'items', committed_at);
        before_image := CASE
            WHEN statement = 'UPDATE' THEN audit_trail.row_image(CAST(old_row AS text), 'public', 'items', committed_at)
        END;
        remarks := ARRAY['value kept as text'];
    END IF;
    changed_key := jsonb_build_object('item_id', after_image -> 'item_id');
    this_change := jsonb_hash_extended(changed_key, 0) || ' ' || change_position;
    IF statement = 'UPDATE' THEN
        known_position := coalesce(old_row.audit_trail_stream_position, '');
    ELSE
        SELECT * INTO tombstone FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = changed_key;
        known_position := coalesce(tombstone.stream_position, '');
        before_image := tombstone.removed_image;
        IF tombstone.kind = 'removed' THEN
            old_row := CAST(tombstone.removed_record AS "public"."items_staging");
        END IF;
    END IF;

    -- The full load gives its rows no sequence, and no position either.
    IF sequence = '' AND (change_position = '' OR operation = 'I') THEN
        IF statement = 'UPDATE' THEN
            UPDATE "public"."items_audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = old_row.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
                    AND l.operation = 'B'
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
        INSERT INTO "public"."items_audit_log" (
            operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq, remarks
        )
        VALUES (
            'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', '', remarks
        );
        IF tombstone.row_key IS NOT NULL THEN
            -- A load makes nothing that was logged before it unknown.
            DELETE FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = changed_key;
            PERFORM audit_trail.begin_own_write();
            UPDATE "public"."items_staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid;
            PERFORM audit_trail.end_own_write();
        END IF;
        RETURN;
    END IF;

    -- As in the fast path; what comes again counts as well, a second step only with headers of its own.
    IF committed_at IS NOT NULL AND change_lsn IS NOT NULL AND NOT has_same_headers THEN
        last_change := current_setting('audit_trail.last_change', true);
        is_interleaved := coalesce(
            starts_with(last_change, audit_trail.microseconds(committed_at) || ' ')
                AND change_lsn < audit_trail.lsn_of(split_part(last_change, ' ', 2)),
            false
        );
        -- In the form in which the fast path compares it.
        PERFORM set_config(
            'audit_trail.last_change',
            audit_trail.microseconds(committed_at) || ' ' || upper(right(change_position, 17)),
            false
        );
    END IF;
    IF coalesce(current_setting('audit_trail.session_start', true), '') = '' THEN
        PERFORM set_config('audit_trail.session_start', CAST(clock_timestamp() AS text), false);
    END IF;

    is_new := coalesce(change_lsn > audit_trail.lsn_of(known_position), false)
        OR change_lsn IS NOT NULL AND known_position = '';
    IF NOT is_new AND change_position <> '' THEN
        -- What the log has of this key at this commit time and position.
        SELECT
            count(*) AS rows,
            coalesce(bool_or(r.is_now AND r.change_seq = sequence), false) AS has_first_step,
            coalesce(bool_or(r.change_seq = sequence AND NOT r.is_now), false) AS has_sequence,
            coalesce(bool_or(r.is_this_session), false) AS is_this_session,
            coalesce(bool_or(r.is_same AND r.change_seq = sequence), false) AS is_same_change,
            coalesce(bool_or(r.is_same_but_large), false) AS is_same_but_large,
            coalesce(bool_or(r.has_operation), false) AS has_operation,
            coalesce(bool_or(r.has_operation AND r.change_seq = sequence), false) AS is_reread,
            (
                SELECT d.others = 0
                FROM audit_trail.count_differences('public', 'items', before_image, now(), after_image) AS d
            ) AS is_large_alone,
            coalesce(bool_or(r.has_image), false) AS has_image,
            EXISTS (
                SELECT
                FROM jsonb_each(after_image) AS e
                WHERE e.value = 'null' AND before_image -> e.key <> 'null'
            ) AS is_first_step,
            coalesce(max(r.change_seq), '') < sequence AS is_later,
            jsonb_agg(r.new_row_data) AS images
            INTO logged
            FROM (
                SELECT
                    trim(l.operation) = operation AS has_operation,
                    l.change_seq,
                    l.new_row_data,
                    l.applied_xid = pg_current_xact_id() AS is_now,
                    l.recorded_at > CAST(nullif(current_setting('audit_trail.session_start', true), '') AS timestamptz)
                        AS is_this_session,
                    trim(l.operation) = operation AND (operation = 'D' OR d.others = 0 AND d.large = 0) AS is_same,
                    trim(l.operation) = operation AND (operation = 'D' OR d.others = 0) AS is_same_but_large,
                    d.others = 0 AND d.large = 0 AS has_image
                FROM "public"."items_audit_log" AS l
                CROSS JOIN LATERAL audit_trail.count_differences(
                    'public', 'items', l.new_row_data, l.recorded_at, after_image
                ) AS d
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                    AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                    AND (
                        l.stream_position = change_position
                        OR audit_trail.lsn_of(l.stream_position) = change_lsn
                        OR has_same_headers AND l.change_seq = sequence
                    )
            ) AS r;

        -- What the log has of this key that was committed later.
        SELECT coalesce(max(l.commit_timestamp) > committed_at, false) AS is_overtaken,
            coalesce(max(l.commit_timestamp) FILTER (WHERE l.operation = 'B') > committed_at, false) AS is_in_baseline
            INTO later
            FROM "public"."items_audit_log" AS l
            WHERE logged.rows = 0
                AND change_lsn < audit_trail.lsn_of(known_position)
                AND jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                AND l.row_key = changed_key;

        -- Within one session the stream does not go back: what it logged before is another change, or the first step.
        verdict := CASE
            WHEN logged.has_first_step AND statement = 'UPDATE' AND operation <> 'D' AND sequence <> '' THEN 'second step'
            -- An older change than those that the log has, and none of them: a full load has read what it made, or it
            -- was lost when it came first.
            WHEN logged.rows = 0 AND later.is_in_baseline THEN 'replay'
            WHEN logged.rows = 0 AND later.is_overtaken THEN 'unexplained'
            WHEN logged.rows = 0 THEN 'change'
            WHEN logged.is_same_change THEN 'replay'
            WHEN logged.is_this_session THEN
                CASE
                    WHEN logged.has_sequence AND statement = 'UPDATE' AND operation <> 'D' AND sequence <> ''
                        THEN 'late second step'
                    ELSE 'change'
                END
            -- A stop came between the two steps: the first one has just come again, alone under its position, and the log
            -- lacks what the second one brings.
            WHEN logged.is_large_alone AND NOT logged.is_first_step AND NOT logged.has_image AND logged.rows = 1
                AND statement = 'UPDATE' AND operation <> 'D'
                AND (change_position = known_position OR change_lsn = audit_trail.lsn_of(known_position))
                AND current_setting('audit_trail.last_replay', true) = this_change
                THEN 'late second step'
            WHEN logged.is_same_but_large THEN 'replay'
            -- The second step of a change whose first one met the row of a later change.
            WHEN logged.has_operation AND statement = 'UPDATE' AND logged.is_large_alone THEN 'replay'
            WHEN logged.is_reread THEN 'reread'
            -- A part of a transaction whose other parts were applied before a stop. A sequence need not be the same
            -- when a change comes again, but what comes again is logged as it is.
            WHEN logged.is_later THEN 'change'
            ELSE 'unexplained'
        END;
    END IF;

    IF verdict = 'second step' THEN
        -- DMS writes a row with large columns in two steps; the second has the change sequence of the first, or leaves
        -- the row's headers as they are. No other change of this transaction has it.
        UPDATE "public"."items_audit_log" AS l
            SET new_row_data = after_image
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                AND l.row_key = changed_key
                AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                AND l.change_seq = sequence
                AND l.applied_xid = pg_current_xact_id();
    ELSIF verdict IN ('replay', 'reread', 'unexplained') THEN
        IF verdict <> 'replay' THEN
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
                VALUES (
                    'public',
                    'items',
                    CASE verdict WHEN 'reread' THEN 'replay with other values' ELSE 'unexplained replay' END,
                    committed_at,
                    committed_at,
                    jsonb_build_object(
                        'row_key', changed_key,
                        'stream_position', change_position,
                        'change_seq', sequence,
                        'operation', operation,
                        'row', after_image,
                        'logged_rows', logged.images
                    )
                );
        END IF;
        PERFORM audit_trail.begin_own_write();
        DELETE FROM "public"."items_staging" AS s WHERE s.ctid = new_ctid;
        IF statement = 'UPDATE' OR tombstone.kind = 'removed' THEN
            INSERT INTO "public"."items_staging" SELECT old_row.*;
        END IF;
        IF tombstone.kind = 'removed' THEN
            DELETE FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = changed_key;
        END IF;
        PERFORM audit_trail.end_own_write();
        PERFORM set_config('audit_trail.last_replay', this_change, false);
        RETURN;
    END IF;

    -- The known position may be ahead: the WAL of a re-insert can begin before that of the delete it waited for.
    -- Staging keeps the greater one; the log has the change's own.
    IF NOT is_new AND known_position <> ''
        AND (change_position = '' OR change_lsn IS NOT NULL AND change_lsn <> audit_trail.lsn_of(known_position))
    THEN
        kept_position := known_position;
        IF operation <> 'D' THEN
            PERFORM audit_trail.begin_own_write();
            UPDATE "public"."items_staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid;
            PERFORM audit_trail.end_own_write();
        END IF;
    END IF;
    IF verdict = 'second step' THEN
        RETURN;
    END IF;

    IF verdict = 'late second step' THEN
        -- The log row of the first step is committed and stays; what is new is said by a row of its own.
        log_operation := 'U';
        remarks := array_append(remarks, 'completes large column');
    ELSIF operation = 'I' AND before_image IS NOT NULL THEN
        gap_kind := 'insert over existing row';
    ELSIF operation = 'U' AND before_image IS NULL THEN
        gap_kind := 'row missing before update';
    ELSIF operation = 'D' AND before_image IS NULL THEN
        gap_kind := 'row missing before delete';
    ELSIF operation IS NULL OR operation NOT IN ('I', 'U', 'D') THEN
        RAISE EXCEPTION 'The operation is %, and not I, U or D.', coalesce(quote_literal(operation), 'null');
    END IF;
    IF tombstone.kind = 'emptied' AND before_image IS NULL THEN
        -- The gap of the reload tells it for all rows.
        gap_kind := NULL;
        remarks := array_append(remarks, 'overlaps baseline');
    END IF;
    IF before_image IS NOT NULL AND old_row.audit_trail_change_seq = ''
        AND new_row.audit_trail_commit_timestamp <= old_row.audit_trail_commit_timestamp + interval '1 second'
    THEN
        -- Captured while the table was loaded, and perhaps older than the row that the load has read.
        gap_kind := NULL;
        remarks := array_append(remarks, 'overlaps baseline');
    END IF;
    IF is_interleaved THEN
        remarks := array_append(remarks, 'shared commit time');
    END IF;
    IF statement = 'UPDATE' AND NOT before_image @> changed_key THEN
        -- DMS does not replicate these; should one arrive, the old key must not look as if it never was.
        gap_kind := 'primary key update';
        INSERT INTO audit_trail."public_items_tombstone" AS t (row_key, stream_position, kind)
            VALUES (jsonb_build_object('item_id', before_image -> 'item_id'), known_position, 'deleted')
            ON CONFLICT (row_key) DO NOTHING;
    END IF;
    gap_detail := jsonb_build_object('row_key', changed_key, 'stream_position', change_position);
    IF gap_kind IS NOT NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES ('public', 'items', gap_kind, committed_at, gap_detail);
    END IF;
    IF committed_at IS NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, detail)
            VALUES ('public', 'items', 'commit timestamp missing', gap_detail);
    END IF;

    INSERT INTO "public"."items_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks
    )
    VALUES (
        log_operation,
        changed_key,
        CASE WHEN log_operation <> 'I' THEN before_image END,
        CASE WHEN log_operation <> 'D' THEN after_image END,
        coalesce(committed_at, clock_timestamp()),
        audit_trail.microseconds(committed_at),
        change_position,
        sequence,
        remarks
    );

    IF operation = 'D' THEN
        INSERT INTO audit_trail."public_items_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, coalesce(kept_position, change_position), 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "public"."items_staging" AS s WHERE s.ctid = new_ctid;
    ELSIF tombstone.row_key IS NOT NULL THEN
        DELETE FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
EXCEPTION
    WHEN OTHERS THEN
        IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
            RAISE;
        END IF;
        IF NOT is_second_try THEN
            PERFORM audit_trail."public_items_cbe447f6_log_uncommon"(statement, old_row, new_row, new_ctid, NULL, NULL, true);
            RETURN;
        END IF;
        BEGIN
            PERFORM audit_trail.keep_unlogged(
                'public', 'items', statement, operation, committed_at, change_position, sequence,
                CASE WHEN statement = 'UPDATE' THEN row_to_json(old_row) END, row_to_json(new_row),
                before_image, after_image, SQLSTATE, SQLERRM
            );
            IF operation = 'D' THEN
                -- It stays deleted, though the log does not say so.
                PERFORM audit_trail.begin_own_write();
                DELETE FROM "public"."items_staging" AS s WHERE s.ctid = new_ctid;
                PERFORM audit_trail.end_own_write();
            END IF;
            RETURN;
        EXCEPTION
            WHEN OTHERS THEN
                -- Neither logged nor kept.
                NULL;
        END;
        -- Going on would lose the change without a trace. The first error, not the last.
        RAISE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail."public_items_cbe447f6_log_uncommon"(
    text, "public"."items_staging", "public"."items_staging", tid, jsonb, jsonb, boolean
) FROM PUBLIC;

RESET ROLE;

--> sql/audit/trigger.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.items
-- Puts the log's function on the staging table. A new one was made a moment ago, under a name that no function had before,
-- with the rights of whoever calls it: it gets its settings, its owner and then its rights before any change can run it.
-- One whose body somebody has changed gets its own back; it loses its settings by that, and has them again at the end of
-- the same transaction, before which no other session sees any of it.
CREATE OR REPLACE FUNCTION audit_trail."public_items_cbe447f6_log_change"() RETURNS trigger
LANGUAGE plpgsql
AS '-- The body of one table''s log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- This is the fast path: the change''s position is beyond all that is known of its key (the greatest one is in the key''s
-- staging row, or in its tombstone once the row is deleted), the key is unchanged, and the row is there or not as the
-- operation says. Everything else goes to the function of sql/audit/log_uncommon.sql, which takes a transaction id each time. So
-- what a table has many of is logged here too: the rows of the full load, and second steps of large columns.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table''s own columns would fail in DMS''s session once that type changes.
#variable_conflict use_variable
DECLARE
    before_image jsonb;
    after_image jsonb;
    changed_key jsonb;
    has_images boolean;
    committed_at timestamptz(6);
    commit_microseconds bigint;
    change_position text;
    known_position text;
    is_common boolean;
    has_tombstone boolean;
    this_change text;
    remarks text[];
BEGIN
    -- The functions'' own writes to staging.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    -- An error that a value causes (22, 23, 54, 0A, P0) would make DMS drop the change or stop. All that can fail because of a
    -- value is in this block, for every type that DMS may give a new column. Nothing in it writes: a block that writes takes a
    -- transaction id of its own for each change.
    BEGIN
        committed_at := NEW.audit_trail_commit_timestamp AT TIME ZONE ''UTC'';
        after_image := to_jsonb(NEW) - CAST(''{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}'' AS text[]);
        changed_key := jsonb_build_object(''item_id'', after_image -> ''item_id'');
        IF TG_OP = ''UPDATE'' THEN
            before_image := to_jsonb(OLD) - CAST(''{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}'' AS text[]);
            known_position := right(OLD.audit_trail_stream_position, 17);
            is_common := NEW.audit_trail_operation IN (''U'', ''D'')
                AND before_image @> changed_key
                -- A row of the full load may be younger than a change that was captured while it ran.
                AND (
                    OLD.audit_trail_change_seq <> ''''
                    OR NEW.audit_trail_commit_timestamp > OLD.audit_trail_commit_timestamp + interval ''1 second''
                );
        ELSE
            SELECT right(t.stream_position, 17), t.kind = ''deleted''
                INTO known_position, is_common
                FROM audit_trail."public_items_tombstone" AS t
                WHERE t.row_key = changed_key;
            has_tombstone := FOUND;
            is_common := NEW.audit_trail_operation = ''I'' AND is_common IS NOT FALSE;
        END IF;
        -- Columns that the source no longer has: staging keeps their last values.
        IF TG_NARGS > 0 THEN
            FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
                IF committed_at > CAST(TG_ARGV[i + 1] AS timestamptz) THEN
                    before_image := before_image - TG_ARGV[i];
                    after_image := after_image - TG_ARGV[i];
                END IF;
            END LOOP;
        END IF;
        has_images := true;

        -- The LSN in which a position ends. The last change, below, is compared as text: small letters are uncommon.
        change_position := right(NEW.audit_trail_stream_position, 17);
        commit_microseconds := audit_trail.microseconds(committed_at);
        is_common := is_common
            AND commit_microseconds IS NOT NULL
            AND NEW.audit_trail_change_seq <> ''''
            AND change_position LIKE ''________/________''
            AND change_position = upper(change_position COLLATE "C")
            AND CASE
                WHEN coalesce(known_position, '''') = '''' THEN CAST(change_position AS pg_lsn) IS NOT NULL
                ELSE known_position LIKE ''________/________''
                    AND CAST(change_position AS pg_lsn) > CAST(known_position AS pg_lsn)
            END
            -- The index of deleted keys takes 2,704 bytes.
            AND (NEW.audit_trail_operation <> ''D'' OR pg_column_size(changed_key) < 2000);
    EXCEPTION
        WHEN OTHERS THEN
            -- Every other error says nothing about the change: DMS tries again.
            IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
                RAISE;
            END IF;
            is_common := false;
    END;

    IF is_common IS NOT TRUE THEN
        -- A row of the full load, of a key that nothing is known of.
        IF TG_OP = ''INSERT''
            AND has_images
            AND NOT has_tombstone
            AND coalesce(NEW.audit_trail_change_seq, '''') = ''''
            AND (coalesce(NEW.audit_trail_stream_position, '''') = '''' OR NEW.audit_trail_operation = ''I'')
        THEN
            INSERT INTO "public"."items_audit_log" (
                operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq
            )
            VALUES (
                ''B'', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '''', ''''
            );
            RETURN NULL;
        END IF;
        -- The second step of a large column, right after the first one.
        IF TG_OP = ''UPDATE''
            AND has_images
            AND NEW.audit_trail_operation IN (''I'', ''U'')
            AND NEW.audit_trail_change_seq <> ''''
            AND NEW.audit_trail_stream_position <> ''''
            AND NEW.audit_trail_change_seq = OLD.audit_trail_change_seq
            AND NEW.audit_trail_stream_position = OLD.audit_trail_stream_position
        THEN
            UPDATE "public"."items_audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = committed_at
                    AND l.change_seq = NEW.audit_trail_change_seq
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        PERFORM audit_trail."public_items_cbe447f6_log_uncommon"(TG_OP, OLD, NEW, NEW.ctid, before_image, after_image, has_images IS NULL);
        RETURN NULL;
    END IF;

    -- DMS hands over the transactions one after the other, in the order of their commits. Nearly always the last change sorts
    -- before this one.
    this_change := commit_microseconds || '' '' || change_position;
    IF (current_setting(''audit_trail.last_change'', true) COLLATE "C" BETWEEN ''0'' AND this_change) IS NOT TRUE THEN
        remarks := audit_trail.remark_step_back(this_change);
    END IF;
    -- An assignment costs less than a PERFORM.
    this_change := set_config(''audit_trail.last_change'', this_change, false);

    IF NEW.audit_trail_operation = ''D'' THEN
        after_image := NULL;
    END IF;
    -- Plain values cost less than expressions, which are prepared anew for each row.
    INSERT INTO "public"."items_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks
    )
    VALUES (
        NEW.audit_trail_operation,
        changed_key,
        before_image,
        after_image,
        committed_at,
        commit_microseconds,
        NEW.audit_trail_stream_position,
        NEW.audit_trail_change_seq,
        remarks
    );

    IF NEW.audit_trail_operation = ''D'' THEN
        INSERT INTO audit_trail."public_items_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, NEW.audit_trail_stream_position, ''deleted'')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "public"."items_staging" AS s WHERE s.ctid = NEW.ctid;
    ELSIF has_tombstone THEN
        DELETE FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
END;
';

ALTER FUNCTION audit_trail."public_items_cbe447f6_log_change"() OWNER TO audit_trail_owner;

SET LOCAL ROLE audit_trail_owner;

ALTER FUNCTION audit_trail."public_items_cbe447f6_log_change"() SET search_path = pg_catalog, pg_temp;

ALTER FUNCTION audit_trail."public_items_cbe447f6_log_change"() SECURITY DEFINER;
REVOKE ALL ON FUNCTION audit_trail."public_items_cbe447f6_log_change"() FROM PUBLIC;

SELECT audit_trail.put_log_trigger('public', 'items', 'public_items_cbe447f6_log_change', 'public_items_cbe447f6_log_uncommon');
-- The trail's own functions delete as its owner; whoever deletes otherwise is another role.
SELECT audit_trail.put_trigger(
    '"public"."items_staging"'::regclass,
    'keep_removed_row',
    '%1$I AFTER DELETE ON %2$s FOR EACH ROW WHEN (current_user <> ''audit_trail_owner'')
        EXECUTE FUNCTION audit_trail.keep_removed_row()'
);
SELECT audit_trail.put_trigger(
    '"public"."items_staging"'::regclass,
    'log_reload',
    '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload()'
);

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

--> sql/audit/staging.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | audit_trail.marker
-- Staging: the source's columns as plain columns, then the header columns that DMS adds. DMS writes every column. So there is
-- no default, no identity, no generated column, and no constraint but the key.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS "audit_trail"."marker_staging" (
    "marker_id" bigint,
    "kind" character varying(30),
    "table_schema" character varying(63),
    "table_name" character varying(63),
    "detail" character varying(2000),
    "created_at" timestamp with time zone,
    "audit_trail_operation" character varying(50),
    "audit_trail_commit_timestamp" timestamp(6) without time zone,
    "audit_trail_stream_position" character varying(50),
    "audit_trail_change_seq" character varying(50),
    PRIMARY KEY ("marker_id")
);
-- DMS locks staging first, and the log and everything else after it. So does whoever changes a trail.
LOCK TABLE "audit_trail"."marker_staging" IN SHARE ROW EXCLUSIVE MODE;
COMMENT ON TABLE "audit_trail"."marker_staging" IS 'Current rows of audit_trail.marker, written by AWS DMS alone.';

SELECT audit_trail.check_partitioning('"audit_trail"."marker_staging"'::regclass, false);
SELECT audit_trail.check_key('"audit_trail"."marker_staging"'::regclass, ARRAY['marker_id']);
SELECT audit_trail.fit_column('"audit_trail"."marker_staging"'::regclass, c.name, c.type, c.in_key, c.missing)
FROM (
    VALUES
        ('marker_id', 'bigint', true, NULL),
        ('kind', 'character varying(30)', false, NULL),
        ('table_schema', 'character varying(63)', false, NULL),
        ('table_name', 'character varying(63)', false, NULL),
        ('detail', 'character varying(2000)', false, NULL),
        ('created_at', 'timestamp with time zone', false, NULL),
        ('audit_trail_operation', 'character varying(50)', false, NULL),
        ('audit_trail_commit_timestamp', 'timestamp(6) without time zone', false, NULL),
        ('audit_trail_stream_position', 'character varying(50)', false, NULL),
        ('audit_trail_change_seq', 'character varying(50)', false, NULL)
) AS c (name, type, in_key, missing);

RESET ROLE;

--> sql/audit/audit_log.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | audit_trail.marker
-- The log of one table: append-only, partitioned by the month of the source's commit.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS "audit_trail"."marker_audit_log" (
    -- Rises in the order in which changes were applied. A change that was brought back has the number that was set aside
    -- for it when it could not be logged.
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    -- B, I, U or D. The log's function sees to that: a check constraint here costs an eighth of the apply rate.
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL
) PARTITION BY RANGE (commit_timestamp);
COMMENT ON TABLE "audit_trail"."marker_audit_log" IS 'Every change of audit_trail.marker: old row, new row, the source''s commit time. Append-only.';

-- A log that is there already gets the columns that it lacks. Its rows are not rewritten.
SELECT audit_trail.fit_log_column('"audit_trail"."marker_audit_log"'::regclass, c.name, c.definition)
FROM (
    VALUES
        -- The source's commit time in microseconds since 1970: the same for all rows of one source transaction, and
        -- another one for every transaction that did not commit in the same microsecond. Null for B.
        ('transaction_id', 'bigint'),
        -- As DMS gave them; empty for B.
        ('stream_position', 'text NOT NULL'),
        ('change_seq', 'text NOT NULL'),
        ('recorded_at', 'timestamptz NOT NULL DEFAULT clock_timestamp()'),
        -- The transaction on this side.
        ('applied_xid', 'xid8 NOT NULL DEFAULT pg_current_xact_id()'),
        -- What a reader must know of this row beyond its values, docs/guarantees.md; null for nearly all.
        ('remarks', 'text[]')
) AS c (name, definition);

-- The history of a row, and the look-up that tells a replayed change from a new one. A hash of the key, because comparing
-- jsonb is the largest single cost of a full log's index: audit_trail.is_key() asks by it. The other two columns keep the
-- changes of a key with very many in order.
CREATE INDEX IF NOT EXISTS "marker_audit_log_row_key_idx" ON "audit_trail"."marker_audit_log"
    (jsonb_hash_extended(row_key, 0), commit_timestamp, audit_id);
-- Windows of time, and transactions: rows arrive in commit order, so a block range index is enough.
CREATE INDEX IF NOT EXISTS "marker_audit_log_time_idx" ON "audit_trail"."marker_audit_log"
    USING brin (commit_timestamp, transaction_id) WITH (autosummarize = on);

SELECT audit_trail.put_trigger(
    '"audit_trail"."marker_audit_log"'::regclass,
    'append_only',
    '%1$I BEFORE UPDATE OR DELETE ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change_of_log()'
);
SELECT audit_trail.refuse_truncate('"audit_trail"."marker_audit_log"'::regclass);

SELECT audit_trail.add_partitions('"audit_trail"."marker_audit_log"'::regclass, 'marker_audit_log_');

RESET ROLE;

--> sql/audit/tombstone.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | audit_trail.marker
-- Keys that staging does not hold at present. stream_position is the greatest one known of the key: what tells the replay
-- of an old change from the first insert of a key that is used again. The kinds:
--   deleted   the source deleted the row, and the log says so
--   removed   DMS removed the staging row by a plain DELETE, as its conflict policies do before they insert the row
--             again; the row is kept until then, as a record to put back and as an image for the log
--   emptied   staging was emptied for a reload; what the load does not bring back has gone from the source
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail."audit_trail_marker_tombstone" (
    row_key jsonb PRIMARY KEY,
    stream_position text NOT NULL,
    kind text NOT NULL,
    -- The text of the whole staging row, its header columns included: it can be read back whatever the types are.
    removed_record text,
    removed_image jsonb,
    removed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A constraint trigger cannot be replaced, only be missing.
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = '"audit_trail"."audit_trail_marker_tombstone"'::regclass AND t.tgname = 'unflagged_delete'
    ) THEN
        CREATE CONSTRAINT TRIGGER unflagged_delete AFTER INSERT OR UPDATE ON audit_trail."audit_trail_marker_tombstone"
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'removed')
            EXECUTE FUNCTION audit_trail.record_unflagged_delete('audit_trail', 'marker');
        ALTER TABLE audit_trail."audit_trail_marker_tombstone" ENABLE ALWAYS TRIGGER unflagged_delete;
    END IF;
END
$do$;

RESET ROLE;

--> sql/audit/register.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | audit_trail.marker
-- Enters the table and its columns into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_table(
    'audit_trail',
    'marker',
    'marker_staging',
    'marker_audit_log',
    'audit_trail_marker_tombstone',
    'marker_audit_log_',
    ARRAY['marker_id'],
    '0',
    to_jsonb(ARRAY[
        jsonb_build_object('attnum', 1, 'name', 'marker_id', 'type', 'bigint', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 2, 'name', 'kind', 'type', 'character varying(30)', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 3, 'name', 'table_schema', 'type', 'character varying(63)', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 4, 'name', 'table_name', 'type', 'character varying(63)', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 5, 'name', 'detail', 'type', 'character varying(2000)', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 6, 'name', 'created_at', 'type', 'timestamp with time zone', 'missing', NULL, 'source_type', NULL)
    ])
);

RESET ROLE;

--> sql/audit/log_uncommon.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | audit_trail.marker
-- What one table's log function does with a change that is not plainly the next one of its key: replays, rows of the full load
-- and second steps of large columns that are not plain either, rows that are missing or should not be there, values that jsonb
-- does not take. docs/guarantees.md says what is promised of each.
--
-- A change under a position that is known already is dropped only if it is a change that the log has: the same
-- operation and row, at the same commit time and position. Nothing promises that DMS keeps a source transaction inside
-- one target transaction.
--
-- before_image and after_image are the rows without header columns. In a second try, after an error that a value caused,
-- they count for nothing, and are made here of what each value allows.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE FUNCTION audit_trail."audit_trail_marker_09bea71c_log_uncommon"(
    statement text,
    old_row "audit_trail"."marker_staging",
    new_row "audit_trail"."marker_staging",
    new_ctid tid,
    before_image jsonb,
    after_image jsonb,
    is_second_try boolean
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
#variable_conflict use_variable
DECLARE
    operation CONSTANT text := new_row.audit_trail_operation;
    sequence CONSTANT text := coalesce(new_row.audit_trail_change_seq, '');
    change_position CONSTANT text := coalesce(new_row.audit_trail_stream_position, '');
    change_lsn CONSTANT pg_lsn := audit_trail.lsn_of(new_row.audit_trail_stream_position);
    -- The second step of a large column may leave the row's headers as the first one wrote them.
    has_same_headers CONSTANT boolean := statement = 'UPDATE' AND sequence <> '' AND change_position <> ''
        AND sequence = old_row.audit_trail_change_seq AND change_position = old_row.audit_trail_stream_position;
    committed_at timestamptz := new_row.audit_trail_commit_timestamp AT TIME ZONE 'UTC';
    known_position text;
    tombstone audit_trail."audit_trail_marker_tombstone";
    changed_key jsonb;
    this_change text;
    is_new boolean;
    logged record;
    later record;
    verdict text := 'change';
    log_operation text := operation;
    gap_kind text;
    gap_detail jsonb := '{}';
    kept_position text;
    remarks text[];
    last_change text;
    is_interleaved boolean := false;
BEGIN
    IF is_second_try THEN
        after_image := audit_trail.row_image(CAST(new_row AS text), 'audit_trail', 'marker', committed_at);
        before_image := CASE
            WHEN statement = 'UPDATE' THEN audit_trail.row_image(CAST(old_row AS text), 'audit_trail', 'marker', committed_at)
        END;
        remarks := ARRAY['value kept as text'];
    END IF;
    changed_key := jsonb_build_object('marker_id', after_image -> 'marker_id');
    this_change := jsonb_hash_extended(changed_key, 0) || ' ' || change_position;
    IF statement = 'UPDATE' THEN
        known_position := coalesce(old_row.audit_trail_stream_position, '');
    ELSE
        SELECT * INTO tombstone FROM audit_trail."audit_trail_marker_tombstone" AS t WHERE t.row_key = changed_key;
        known_position := coalesce(tombstone.stream_position, '');
        before_image := tombstone.removed_image;
        IF tombstone.kind = 'removed' THEN
            old_row := CAST(tombstone.removed_record AS "audit_trail"."marker_staging");
        END IF;
    END IF;

    -- The full load gives its rows no sequence, and no position either.
    IF sequence = '' AND (change_position = '' OR operation = 'I') THEN
        IF statement = 'UPDATE' THEN
            UPDATE "audit_trail"."marker_audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = old_row.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
                    AND l.operation = 'B'
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
        INSERT INTO "audit_trail"."marker_audit_log" (
            operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq, remarks
        )
        VALUES (
            'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', '', remarks
        );
        IF tombstone.row_key IS NOT NULL THEN
            -- A load makes nothing that was logged before it unknown.
            DELETE FROM audit_trail."audit_trail_marker_tombstone" AS t WHERE t.row_key = changed_key;
            PERFORM audit_trail.begin_own_write();
            UPDATE "audit_trail"."marker_staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid;
            PERFORM audit_trail.end_own_write();
        END IF;
        RETURN;
    END IF;

    -- As in the fast path; what comes again counts as well, a second step only with headers of its own.
    IF committed_at IS NOT NULL AND change_lsn IS NOT NULL AND NOT has_same_headers THEN
        last_change := current_setting('audit_trail.last_change', true);
        is_interleaved := coalesce(
            starts_with(last_change, audit_trail.microseconds(committed_at) || ' ')
                AND change_lsn < audit_trail.lsn_of(split_part(last_change, ' ', 2)),
            false
        );
        -- In the form in which the fast path compares it.
        PERFORM set_config(
            'audit_trail.last_change',
            audit_trail.microseconds(committed_at) || ' ' || upper(right(change_position, 17)),
            false
        );
    END IF;
    IF coalesce(current_setting('audit_trail.session_start', true), '') = '' THEN
        PERFORM set_config('audit_trail.session_start', CAST(clock_timestamp() AS text), false);
    END IF;

    is_new := coalesce(change_lsn > audit_trail.lsn_of(known_position), false)
        OR change_lsn IS NOT NULL AND known_position = '';
    IF NOT is_new AND change_position <> '' THEN
        -- What the log has of this key at this commit time and position.
        SELECT
            count(*) AS rows,
            coalesce(bool_or(r.is_now AND r.change_seq = sequence), false) AS has_first_step,
            coalesce(bool_or(r.change_seq = sequence AND NOT r.is_now), false) AS has_sequence,
            coalesce(bool_or(r.is_this_session), false) AS is_this_session,
            coalesce(bool_or(r.is_same AND r.change_seq = sequence), false) AS is_same_change,
            coalesce(bool_or(r.is_same_but_large), false) AS is_same_but_large,
            coalesce(bool_or(r.has_operation), false) AS has_operation,
            coalesce(bool_or(r.has_operation AND r.change_seq = sequence), false) AS is_reread,
            (
                SELECT d.others = 0
                FROM audit_trail.count_differences('audit_trail', 'marker', before_image, now(), after_image) AS d
            ) AS is_large_alone,
            coalesce(bool_or(r.has_image), false) AS has_image,
            EXISTS (
                SELECT
                FROM jsonb_each(after_image) AS e
                WHERE e.value = 'null' AND before_image -> e.key <> 'null'
            ) AS is_first_step,
            coalesce(max(r.change_seq), '') < sequence AS is_later,
            jsonb_agg(r.new_row_data) AS images
            INTO logged
            FROM (
                SELECT
                    trim(l.operation) = operation AS has_operation,
                    l.change_seq,
                    l.new_row_data,
                    l.applied_xid = pg_current_xact_id() AS is_now,
                    l.recorded_at > CAST(nullif(current_setting('audit_trail.session_start', true), '') AS timestamptz)
                        AS is_this_session,
                    trim(l.operation) = operation AND (operation = 'D' OR d.others = 0 AND d.large = 0) AS is_same,
                    trim(l.operation) = operation AND (operation = 'D' OR d.others = 0) AS is_same_but_large,
                    d.others = 0 AND d.large = 0 AS has_image
                FROM "audit_trail"."marker_audit_log" AS l
                CROSS JOIN LATERAL audit_trail.count_differences(
                    'audit_trail', 'marker', l.new_row_data, l.recorded_at, after_image
                ) AS d
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                    AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                    AND (
                        l.stream_position = change_position
                        OR audit_trail.lsn_of(l.stream_position) = change_lsn
                        OR has_same_headers AND l.change_seq = sequence
                    )
            ) AS r;

        -- What the log has of this key that was committed later.
        SELECT coalesce(max(l.commit_timestamp) > committed_at, false) AS is_overtaken,
            coalesce(max(l.commit_timestamp) FILTER (WHERE l.operation = 'B') > committed_at, false) AS is_in_baseline
            INTO later
            FROM "audit_trail"."marker_audit_log" AS l
            WHERE logged.rows = 0
                AND change_lsn < audit_trail.lsn_of(known_position)
                AND jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                AND l.row_key = changed_key;

        -- Within one session the stream does not go back: what it logged before is another change, or the first step.
        verdict := CASE
            WHEN logged.has_first_step AND statement = 'UPDATE' AND operation <> 'D' AND sequence <> '' THEN 'second step'
            -- An older change than those that the log has, and none of them: a full load has read what it made, or it
            -- was lost when it came first.
            WHEN logged.rows = 0 AND later.is_in_baseline THEN 'replay'
            WHEN logged.rows = 0 AND later.is_overtaken THEN 'unexplained'
            WHEN logged.rows = 0 THEN 'change'
            WHEN logged.is_same_change THEN 'replay'
            WHEN logged.is_this_session THEN
                CASE
                    WHEN logged.has_sequence AND statement = 'UPDATE' AND operation <> 'D' AND sequence <> ''
                        THEN 'late second step'
                    ELSE 'change'
                END
            -- A stop came between the two steps: the first one has just come again, alone under its position, and the log
            -- lacks what the second one brings.
            WHEN logged.is_large_alone AND NOT logged.is_first_step AND NOT logged.has_image AND logged.rows = 1
                AND statement = 'UPDATE' AND operation <> 'D'
                AND (change_position = known_position OR change_lsn = audit_trail.lsn_of(known_position))
                AND current_setting('audit_trail.last_replay', true) = this_change
                THEN 'late second step'
            WHEN logged.is_same_but_large THEN 'replay'
            -- The second step of a change whose first one met the row of a later change.
            WHEN logged.has_operation AND statement = 'UPDATE' AND logged.is_large_alone THEN 'replay'
            WHEN logged.is_reread THEN 'reread'
            -- A part of a transaction whose other parts were applied before a stop. A sequence need not be the same
            -- when a change comes again, but what comes again is logged as it is.
            WHEN logged.is_later THEN 'change'
            ELSE 'unexplained'
        END;
    END IF;

    IF verdict = 'second step' THEN
        -- DMS writes a row with large columns in two steps; the second has the change sequence of the first, or leaves
        -- the row's headers as they are. No other change of this transaction has it.
        UPDATE "audit_trail"."marker_audit_log" AS l
            SET new_row_data = after_image
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                AND l.row_key = changed_key
                AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                AND l.change_seq = sequence
                AND l.applied_xid = pg_current_xact_id();
    ELSIF verdict IN ('replay', 'reread', 'unexplained') THEN
        IF verdict <> 'replay' THEN
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
                VALUES (
                    'audit_trail',
                    'marker',
                    CASE verdict WHEN 'reread' THEN 'replay with other values' ELSE 'unexplained replay' END,
                    committed_at,
                    committed_at,
                    jsonb_build_object(
                        'row_key', changed_key,
                        'stream_position', change_position,
                        'change_seq', sequence,
                        'operation', operation,
                        'row', after_image,
                        'logged_rows', logged.images
                    )
                );
        END IF;
        PERFORM audit_trail.begin_own_write();
        DELETE FROM "audit_trail"."marker_staging" AS s WHERE s.ctid = new_ctid;
        IF statement = 'UPDATE' OR tombstone.kind = 'removed' THEN
            INSERT INTO "audit_trail"."marker_staging" SELECT old_row.*;
        END IF;
        IF tombstone.kind = 'removed' THEN
            DELETE FROM audit_trail."audit_trail_marker_tombstone" AS t WHERE t.row_key = changed_key;
        END IF;
        PERFORM audit_trail.end_own_write();
        PERFORM set_config('audit_trail.last_replay', this_change, false);
        RETURN;
    END IF;

    -- The known position may be ahead: the WAL of a re-insert can begin before that of the delete it waited for.
    -- Staging keeps the greater one; the log has the change's own.
    IF NOT is_new AND known_position <> ''
        AND (change_position = '' OR change_lsn IS NOT NULL AND change_lsn <> audit_trail.lsn_of(known_position))
    THEN
        kept_position := known_position;
        IF operation <> 'D' THEN
            PERFORM audit_trail.begin_own_write();
            UPDATE "audit_trail"."marker_staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid;
            PERFORM audit_trail.end_own_write();
        END IF;
    END IF;
    IF verdict = 'second step' THEN
        RETURN;
    END IF;

    IF verdict = 'late second step' THEN
        -- The log row of the first step is committed and stays; what is new is said by a row of its own.
        log_operation := 'U';
        remarks := array_append(remarks, 'completes large column');
    ELSIF operation = 'I' AND before_image IS NOT NULL THEN
        gap_kind := 'insert over existing row';
    ELSIF operation = 'U' AND before_image IS NULL THEN
        gap_kind := 'row missing before update';
    ELSIF operation = 'D' AND before_image IS NULL THEN
        gap_kind := 'row missing before delete';
    ELSIF operation IS NULL OR operation NOT IN ('I', 'U', 'D') THEN
        RAISE EXCEPTION 'The operation is %, and not I, U or D.', coalesce(quote_literal(operation), 'null');
    END IF;
    IF tombstone.kind = 'emptied' AND before_image IS NULL THEN
        -- The gap of the reload tells it for all rows.
        gap_kind := NULL;
        remarks := array_append(remarks, 'overlaps baseline');
    END IF;
    IF before_image IS NOT NULL AND old_row.audit_trail_change_seq = ''
        AND new_row.audit_trail_commit_timestamp <= old_row.audit_trail_commit_timestamp + interval '1 second'
    THEN
        -- Captured while the table was loaded, and perhaps older than the row that the load has read.
        gap_kind := NULL;
        remarks := array_append(remarks, 'overlaps baseline');
    END IF;
    IF is_interleaved THEN
        remarks := array_append(remarks, 'shared commit time');
    END IF;
    IF statement = 'UPDATE' AND NOT before_image @> changed_key THEN
        -- DMS does not replicate these; should one arrive, the old key must not look as if it never was.
        gap_kind := 'primary key update';
        INSERT INTO audit_trail."audit_trail_marker_tombstone" AS t (row_key, stream_position, kind)
            VALUES (jsonb_build_object('marker_id', before_image -> 'marker_id'), known_position, 'deleted')
            ON CONFLICT (row_key) DO NOTHING;
    END IF;
    gap_detail := jsonb_build_object('row_key', changed_key, 'stream_position', change_position);
    IF gap_kind IS NOT NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES ('audit_trail', 'marker', gap_kind, committed_at, gap_detail);
    END IF;
    IF committed_at IS NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, detail)
            VALUES ('audit_trail', 'marker', 'commit timestamp missing', gap_detail);
    END IF;

    INSERT INTO "audit_trail"."marker_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks
    )
    VALUES (
        log_operation,
        changed_key,
        CASE WHEN log_operation <> 'I' THEN before_image END,
        CASE WHEN log_operation <> 'D' THEN after_image END,
        coalesce(committed_at, clock_timestamp()),
        audit_trail.microseconds(committed_at),
        change_position,
        sequence,
        remarks
    );

    IF operation = 'D' THEN
        INSERT INTO audit_trail."audit_trail_marker_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, coalesce(kept_position, change_position), 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "audit_trail"."marker_staging" AS s WHERE s.ctid = new_ctid;
    ELSIF tombstone.row_key IS NOT NULL THEN
        DELETE FROM audit_trail."audit_trail_marker_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
EXCEPTION
    WHEN OTHERS THEN
        IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
            RAISE;
        END IF;
        IF NOT is_second_try THEN
            PERFORM audit_trail."audit_trail_marker_09bea71c_log_uncommon"(statement, old_row, new_row, new_ctid, NULL, NULL, true);
            RETURN;
        END IF;
        BEGIN
            PERFORM audit_trail.keep_unlogged(
                'audit_trail', 'marker', statement, operation, committed_at, change_position, sequence,
                CASE WHEN statement = 'UPDATE' THEN row_to_json(old_row) END, row_to_json(new_row),
                before_image, after_image, SQLSTATE, SQLERRM
            );
            IF operation = 'D' THEN
                -- It stays deleted, though the log does not say so.
                PERFORM audit_trail.begin_own_write();
                DELETE FROM "audit_trail"."marker_staging" AS s WHERE s.ctid = new_ctid;
                PERFORM audit_trail.end_own_write();
            END IF;
            RETURN;
        EXCEPTION
            WHEN OTHERS THEN
                -- Neither logged nor kept.
                NULL;
        END;
        -- Going on would lose the change without a trace. The first error, not the last.
        RAISE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail."audit_trail_marker_09bea71c_log_uncommon"(
    text, "audit_trail"."marker_staging", "audit_trail"."marker_staging", tid, jsonb, jsonb, boolean
) FROM PUBLIC;

RESET ROLE;

--> sql/audit/trigger.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | audit_trail.marker
-- Puts the log's function on the staging table. A new one was made a moment ago, under a name that no function had before,
-- with the rights of whoever calls it: it gets its settings, its owner and then its rights before any change can run it.
-- One whose body somebody has changed gets its own back; it loses its settings by that, and has them again at the end of
-- the same transaction, before which no other session sees any of it.
CREATE OR REPLACE FUNCTION audit_trail."audit_trail_marker_09bea71c_log_change"() RETURNS trigger
LANGUAGE plpgsql
AS '-- The body of one table''s log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- This is the fast path: the change''s position is beyond all that is known of its key (the greatest one is in the key''s
-- staging row, or in its tombstone once the row is deleted), the key is unchanged, and the row is there or not as the
-- operation says. Everything else goes to the function of sql/audit/log_uncommon.sql, which takes a transaction id each time. So
-- what a table has many of is logged here too: the rows of the full load, and second steps of large columns.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table''s own columns would fail in DMS''s session once that type changes.
#variable_conflict use_variable
DECLARE
    before_image jsonb;
    after_image jsonb;
    changed_key jsonb;
    has_images boolean;
    committed_at timestamptz(6);
    commit_microseconds bigint;
    change_position text;
    known_position text;
    is_common boolean;
    has_tombstone boolean;
    this_change text;
    remarks text[];
BEGIN
    -- The functions'' own writes to staging.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    -- An error that a value causes (22, 23, 54, 0A, P0) would make DMS drop the change or stop. All that can fail because of a
    -- value is in this block, for every type that DMS may give a new column. Nothing in it writes: a block that writes takes a
    -- transaction id of its own for each change.
    BEGIN
        committed_at := NEW.audit_trail_commit_timestamp AT TIME ZONE ''UTC'';
        after_image := to_jsonb(NEW) - CAST(''{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}'' AS text[]);
        changed_key := jsonb_build_object(''marker_id'', after_image -> ''marker_id'');
        IF TG_OP = ''UPDATE'' THEN
            before_image := to_jsonb(OLD) - CAST(''{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq}'' AS text[]);
            known_position := right(OLD.audit_trail_stream_position, 17);
            is_common := NEW.audit_trail_operation IN (''U'', ''D'')
                AND before_image @> changed_key
                -- A row of the full load may be younger than a change that was captured while it ran.
                AND (
                    OLD.audit_trail_change_seq <> ''''
                    OR NEW.audit_trail_commit_timestamp > OLD.audit_trail_commit_timestamp + interval ''1 second''
                );
        ELSE
            SELECT right(t.stream_position, 17), t.kind = ''deleted''
                INTO known_position, is_common
                FROM audit_trail."audit_trail_marker_tombstone" AS t
                WHERE t.row_key = changed_key;
            has_tombstone := FOUND;
            is_common := NEW.audit_trail_operation = ''I'' AND is_common IS NOT FALSE;
        END IF;
        -- Columns that the source no longer has: staging keeps their last values.
        IF TG_NARGS > 0 THEN
            FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
                IF committed_at > CAST(TG_ARGV[i + 1] AS timestamptz) THEN
                    before_image := before_image - TG_ARGV[i];
                    after_image := after_image - TG_ARGV[i];
                END IF;
            END LOOP;
        END IF;
        has_images := true;

        -- The LSN in which a position ends. The last change, below, is compared as text: small letters are uncommon.
        change_position := right(NEW.audit_trail_stream_position, 17);
        commit_microseconds := audit_trail.microseconds(committed_at);
        is_common := is_common
            AND commit_microseconds IS NOT NULL
            AND NEW.audit_trail_change_seq <> ''''
            AND change_position LIKE ''________/________''
            AND change_position = upper(change_position COLLATE "C")
            AND CASE
                WHEN coalesce(known_position, '''') = '''' THEN CAST(change_position AS pg_lsn) IS NOT NULL
                ELSE known_position LIKE ''________/________''
                    AND CAST(change_position AS pg_lsn) > CAST(known_position AS pg_lsn)
            END
            -- The index of deleted keys takes 2,704 bytes.
            AND (NEW.audit_trail_operation <> ''D'' OR pg_column_size(changed_key) < 2000);
    EXCEPTION
        WHEN OTHERS THEN
            -- Every other error says nothing about the change: DMS tries again.
            IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
                RAISE;
            END IF;
            is_common := false;
    END;

    IF is_common IS NOT TRUE THEN
        -- A row of the full load, of a key that nothing is known of.
        IF TG_OP = ''INSERT''
            AND has_images
            AND NOT has_tombstone
            AND coalesce(NEW.audit_trail_change_seq, '''') = ''''
            AND (coalesce(NEW.audit_trail_stream_position, '''') = '''' OR NEW.audit_trail_operation = ''I'')
        THEN
            INSERT INTO "audit_trail"."marker_audit_log" (
                operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq
            )
            VALUES (
                ''B'', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '''', ''''
            );
            RETURN NULL;
        END IF;
        -- The second step of a large column, right after the first one.
        IF TG_OP = ''UPDATE''
            AND has_images
            AND NEW.audit_trail_operation IN (''I'', ''U'')
            AND NEW.audit_trail_change_seq <> ''''
            AND NEW.audit_trail_stream_position <> ''''
            AND NEW.audit_trail_change_seq = OLD.audit_trail_change_seq
            AND NEW.audit_trail_stream_position = OLD.audit_trail_stream_position
        THEN
            UPDATE "audit_trail"."marker_audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = committed_at
                    AND l.change_seq = NEW.audit_trail_change_seq
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        PERFORM audit_trail."audit_trail_marker_09bea71c_log_uncommon"(TG_OP, OLD, NEW, NEW.ctid, before_image, after_image, has_images IS NULL);
        RETURN NULL;
    END IF;

    -- DMS hands over the transactions one after the other, in the order of their commits. Nearly always the last change sorts
    -- before this one.
    this_change := commit_microseconds || '' '' || change_position;
    IF (current_setting(''audit_trail.last_change'', true) COLLATE "C" BETWEEN ''0'' AND this_change) IS NOT TRUE THEN
        remarks := audit_trail.remark_step_back(this_change);
    END IF;
    -- An assignment costs less than a PERFORM.
    this_change := set_config(''audit_trail.last_change'', this_change, false);

    IF NEW.audit_trail_operation = ''D'' THEN
        after_image := NULL;
    END IF;
    -- Plain values cost less than expressions, which are prepared anew for each row.
    INSERT INTO "audit_trail"."marker_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks
    )
    VALUES (
        NEW.audit_trail_operation,
        changed_key,
        before_image,
        after_image,
        committed_at,
        commit_microseconds,
        NEW.audit_trail_stream_position,
        NEW.audit_trail_change_seq,
        remarks
    );

    IF NEW.audit_trail_operation = ''D'' THEN
        INSERT INTO audit_trail."audit_trail_marker_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, NEW.audit_trail_stream_position, ''deleted'')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "audit_trail"."marker_staging" AS s WHERE s.ctid = NEW.ctid;
    ELSIF has_tombstone THEN
        DELETE FROM audit_trail."audit_trail_marker_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
END;
';

ALTER FUNCTION audit_trail."audit_trail_marker_09bea71c_log_change"() OWNER TO audit_trail_owner;

SET LOCAL ROLE audit_trail_owner;

ALTER FUNCTION audit_trail."audit_trail_marker_09bea71c_log_change"() SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION audit_trail."audit_trail_marker_09bea71c_log_change"() SET "TimeZone" = 'UTC';
ALTER FUNCTION audit_trail."audit_trail_marker_09bea71c_log_change"() SECURITY DEFINER;
REVOKE ALL ON FUNCTION audit_trail."audit_trail_marker_09bea71c_log_change"() FROM PUBLIC;

SELECT audit_trail.put_log_trigger('audit_trail', 'marker', 'audit_trail_marker_09bea71c_log_change', 'audit_trail_marker_09bea71c_log_uncommon');
-- The trail's own functions delete as its owner; whoever deletes otherwise is another role.
SELECT audit_trail.put_trigger(
    '"audit_trail"."marker_staging"'::regclass,
    'keep_removed_row',
    '%1$I AFTER DELETE ON %2$s FOR EACH ROW WHEN (current_user <> ''audit_trail_owner'')
        EXECUTE FUNCTION audit_trail.keep_removed_row()'
);
SELECT audit_trail.put_trigger(
    '"audit_trail"."marker_staging"'::regclass,
    'log_reload',
    '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload()'
);

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

--> sql/audit/leave.sql | audit cluster | as the master user | script audit-database-tables, when its text is another one
-- Notes where the logs of tables end that have left the list, or the group where they were, and makes room for tables that are
-- listed again. To be run before DMS is told: what it has read and not applied by then will be in no log, and nothing afterwards
-- says how far it had come.
SET LOCAL ROLE audit_trail_owner;

UPDATE audit_trail.audited_table AS t
    SET table_group = w.table_group
    FROM (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
    WHERE (t.table_schema, t.table_name) = (w.table_schema, w.table_name) AND t.table_group IS NULL;

-- A task applies in commit order, so that a change of any of its tables tells of all. Not quite: a commit time is taken a
-- moment before the commit gets its place in the WAL, and a table that is being loaded gets what was captured meanwhile after
-- the load. So a table without any change may still be on its way.
UPDATE audit_trail.audited_table AS t
    SET left_after = CASE
        WHEN o.own IS NULL THEN t.registered_at
        ELSE greatest(
            o.own,
            (
                SELECT max(audit_trail.last_change(a, clock_timestamp() - interval '1 day')) - interval '1 second'
                FROM audit_trail.audited_table AS a
                WHERE coalesce(a.table_group, 'default') = coalesce(t.table_group, 'default')
            )
        )
    END
    FROM (
        SELECT
            l.table_schema,
            l.table_name,
            -- The second one reads the whole log.
            coalesce(
                audit_trail.last_change(l, clock_timestamp() - interval '1 day'),
                audit_trail.last_change(l, '-infinity')
            ) AS own
        FROM audit_trail.audited_table AS l
        WHERE l.left_after IS NULL
            AND NOT EXISTS (
                SELECT
                FROM (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
                WHERE (w.table_schema, w.table_name, w.table_group) = (l.table_schema, l.table_name, l.table_group)
            )
    ) AS o
    WHERE (o.table_schema, o.table_name) = (t.table_schema, t.table_name);

-- A table that is listed again finds its staging full. A task that has not carried it before loads it, and one that has may do so
-- or not: rows of a load then take the places of those that are there, whichever it is. No task writes it yet.
SELECT audit_trail.begin_reload(t.table_schema, t.table_name)
FROM audit_trail.audited_table AS t
JOIN (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
    ON (w.table_schema, w.table_name) = (t.table_schema, t.table_name)
WHERE t.left_at IS NOT NULL AND t.table_schema <> 'audit_trail';

-- The markers of a group that ended and is there again: its new task loads all that the source has, and nobody ends that reload.
DO $do$
DECLARE
    markers record;
BEGIN
    FOR markers IN
        SELECT t.table_schema, t.staging
        FROM audit_trail.audited_table AS t
        JOIN (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
            ON (w.table_schema, w.table_name) = (t.table_schema, t.table_name)
        WHERE t.left_at IS NOT NULL AND t.table_schema = 'audit_trail'
    LOOP
        EXECUTE format('DELETE FROM %I.%I', markers.table_schema, markers.staging);
    END LOOP;
END
$do$;

-- It comes from no other group: the task that carried it has let go of it long ago, and may be gone.
UPDATE audit_trail.audited_table AS t
    SET table_group = w.table_group, moved_from = NULL
    FROM (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
    WHERE (t.table_schema, t.table_name) = (w.table_schema, w.table_name)
        AND t.left_at IS NOT NULL
        AND t.table_group <> w.table_group;

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

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-tables, whenever another batch of the script runs
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

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-marker-gaps, whenever another batch of the script runs
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

--> sql/audit/marker_gaps.sql | audit cluster | as the master user | script audit-database-marker-gaps, when its text is another one
-- Events at the source that no row of the audited table shows. They are recorded as gaps when their markers arrive.
-- Every group's task brings all markers. The task that carries the table records the gap, because there the marker comes
-- after what was committed before it.
SET LOCAL ROLE audit_trail_owner;

-- A marker of a kind that is not known here must not stop DMS: it is recorded under a kind of its own.
CREATE OR REPLACE FUNCTION audit_trail.record_marker_gap() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- The trigger hands over the name of its group.
    own_group CONSTANT text := coalesce(TG_ARGV[0], 'default');
    known_kind CONSTANT text := coalesce(
        (SELECT k.kind FROM audit_trail.gap_kind AS k WHERE k.kind = NEW.new_row_data ->> 'kind'),
        'unknown marker'
    );
    -- A guard of a partition names the partition.
    partitioned CONSTANT audit_trail.audited_partition := (
        SELECT p
        FROM audit_trail.audited_partition AS p
        WHERE (p.partition_schema, p.partition_name)
            = (NEW.new_row_data ->> 'table_schema', NEW.new_row_data ->> 'table_name')
    );
    about_schema CONSTANT text := coalesce(partitioned.table_schema, NEW.new_row_data ->> 'table_schema');
    about_table CONSTANT text := coalesce(partitioned.table_name, NEW.new_row_data ->> 'table_name');
BEGIN
    IF NOT audit_trail.is_told_by(about_schema, about_table, own_group) THEN
        RETURN NULL;
    END IF;
    -- A marker that was written while its own table was loaded arrives with the load. One that is older than the trail says
    -- nothing of it, and one that is told already came with an earlier load, or before it.
    IF NEW.operation = 'B' AND (
        CAST(NEW.new_row_data ->> 'created_at' AS timestamptz) < (
            SELECT min(t.registered_at)
            FROM audit_trail.audited_table AS t
            WHERE t.table_schema = 'audit_trail' AND coalesce(t.table_group, 'default') = own_group
        )
        OR EXISTS (SELECT FROM audit_trail.gap AS g WHERE g.detail -> 'marker' = NEW.row_key)
    ) THEN
        RETURN NULL;
    END IF;
    -- Or it came by the group in which the table was before. A source that was set back gives numbers once more.
    IF EXISTS (
        SELECT
        FROM audit_trail.gap AS g
        WHERE g.detail -> 'marker' = NEW.row_key AND g.from_timestamp = NEW.commit_timestamp
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        VALUES (
            about_schema,
            about_table,
            known_kind,
            NEW.commit_timestamp,
            NEW.commit_timestamp,
            jsonb_build_object('marker', NEW.row_key, 'detail', NEW.new_row_data ->> 'detail')
            || CASE
                WHEN partitioned.label IS NULL THEN '{}'
                ELSE jsonb_build_object('partition', partitioned.label)
            END
            || CASE known_kind
                WHEN 'unknown marker' THEN jsonb_build_object('kind', NEW.new_row_data ->> 'kind')
                ELSE '{}'
            END
        );
    RETURN NULL;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_marker_gap() FROM PUBLIC;

-- The session of DMS that applied the last marker. Markers are rare, so that it costs the audited tables nothing to look
-- at the session here.
CREATE TABLE IF NOT EXISTS audit_trail.apply_session (
    table_group text PRIMARY KEY,
    session text NOT NULL,
    marker_committed_at timestamptz NOT NULL
);
COMMENT ON TABLE audit_trail.apply_session IS
    'For each group the session of DMS that applied its last marker, and when that was committed.';
-- Before there were groups it had one row.
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = 'audit_trail.apply_session'::regclass AND a.attname = 'table_group' AND NOT a.attisdropped
    ) THEN
        ALTER TABLE audit_trail.apply_session
            DROP CONSTRAINT apply_session_pkey,
            ALTER COLUMN session SET NOT NULL,
            ADD COLUMN table_group text DEFAULT 'default' PRIMARY KEY;
        ALTER TABLE audit_trail.apply_session ALTER COLUMN table_group DROP DEFAULT;
    END IF;
END
$do$;

-- Another session than last time: the task was stopped and resumed in between, or connected again. Nothing needs to be
-- missing, because DMS goes on from its slot.
CREATE OR REPLACE FUNCTION audit_trail.record_task_stop() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    -- The process number alone could come again after a restart of the server.
    this_session CONSTANT text := concat_ws(' of ', pg_backend_pid(), pg_postmaster_start_time());
    own_group CONSTANT text := coalesce(TG_ARGV[0], 'default');
    known audit_trail.apply_session;
BEGIN
    SELECT * INTO known FROM audit_trail.apply_session AS s WHERE s.table_group = own_group;
    IF NOT FOUND THEN
        INSERT INTO audit_trail.apply_session (table_group, session, marker_committed_at)
            VALUES (own_group, this_session, NEW.commit_timestamp);
        RETURN NULL;
    END IF;
    IF known.session <> this_session THEN
        INSERT INTO audit_trail.gap (kind, from_timestamp, to_timestamp, detail)
            VALUES (
                'task stopped',
                known.marker_committed_at,
                NEW.commit_timestamp,
                jsonb_build_object('found_by', 'another session of DMS applied the next marker')
                || CASE own_group WHEN 'default' THEN '{}' ELSE jsonb_build_object('group', own_group) END
            );
    END IF;
    UPDATE audit_trail.apply_session AS s
        SET session = this_session, marker_committed_at = NEW.commit_timestamp
        WHERE s.table_group = own_group;
    RETURN NULL;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_task_stop() FROM PUBLIC;

RESET ROLE;

--> sql/audit/marker_triggers.sql | audit cluster | as the master user | script audit-database-marker-gaps, when its text is another one
-- What looks at the markers that one group's task has brought.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE TRIGGER record_marker_gap AFTER INSERT ON audit_trail."marker_audit_log"
    FOR EACH ROW WHEN (NEW.operation IN ('B', 'I') AND NEW.new_row_data ->> 'kind' IS DISTINCT FROM 'verify')
    EXECUTE FUNCTION audit_trail.record_marker_gap('default');
ALTER TABLE audit_trail."marker_audit_log" ENABLE ALWAYS TRIGGER record_marker_gap;

CREATE OR REPLACE TRIGGER record_task_stop AFTER INSERT ON audit_trail."marker_audit_log"
    FOR EACH ROW WHEN (NEW.operation = 'I')
    EXECUTE FUNCTION audit_trail.record_task_stop('default');
ALTER TABLE audit_trail."marker_audit_log" ENABLE ALWAYS TRIGGER record_task_stop;

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

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-joined, where there are groups, before a task gets tables of another one, whenever another batch of the script runs
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

--> sql/audit/join_group.sql | audit cluster | as the master user | script audit-database-joined, where there are groups, before a task gets tables of another one, when its text is another one
-- Lets tables that come from another group into the one that the config puts them into. To be run when no task writes them, which
-- is after the tasks that gave them up were told and before those that get them: two tasks must never write one staging table.
-- The task that gets a table loads it, and finds its staging full.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.begin_reload(t.table_schema, t.table_name)
FROM audit_trail.audited_table AS t
JOIN (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
    ON (w.table_schema, w.table_name) = (t.table_schema, t.table_name)
WHERE t.left_after IS NOT NULL AND t.left_at IS NULL AND t.table_group <> w.table_group;

UPDATE audit_trail.audited_table AS t
    SET table_group = w.table_group, moved_from = t.table_group
    FROM (VALUES ('public', 'items', 'default'), ('audit_trail', 'marker', 'default')) AS w (table_schema, table_name, table_group)
    WHERE (t.table_schema, t.table_name) = (w.table_schema, w.table_name) AND t.table_group <> w.table_group;

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

--> sql/audit/grants.sql | audit cluster | as the master user | script audit-database-retired, once the task knows the tables, whenever another batch of the script runs
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

--> sql/audit/retire.sql | audit cluster | as the master user | script audit-database-retired, once the task knows the tables, when its text or its table is another one, or what it made is gone
-- Removes the triggers of tables that have left the list, and records a gap for tables that are back on it. It runs after
-- DMS's mapping has changed: until then their changes come, and are logged. Staging, log and ledgers stay.
SET LOCAL ROLE audit_trail_owner;

-- Its function can go when the trigger has.
DO $do$
DECLARE
    retired record;
BEGIN
    FOR retired IN
        SELECT c.oid::regclass AS staging
        FROM audit_trail.audited_table AS t
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.table_schema
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.staging
        JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid AND g.tgname = 'log_change' AND NOT g.tgisinternal
        WHERE (t.table_schema, t.table_name) NOT IN (VALUES ('public', 'items'), ('audit_trail', 'marker'))
    LOOP
        EXECUTE format('DROP TRIGGER log_change ON %s', retired.staging);
    END LOOP;
END
$do$;

WITH gone AS (
    UPDATE audit_trail.audited_table AS t
        SET left_at = clock_timestamp(),
            left_after = greatest(t.left_after, audit_trail.last_change(t, coalesce(t.left_after, '-infinity')))
        WHERE t.left_at IS NULL AND (t.table_schema, t.table_name) NOT IN (VALUES ('public', 'items'), ('audit_trail', 'marker'))
        RETURNING t.*
)
INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
SELECT
    g.table_schema,
    g.table_name,
    'left the list',
    g.left_after,
    g.left_after,
    -- The same table under another name has another log.
    coalesce(
        (
            SELECT jsonb_build_object('now', jsonb_build_object('schema', t.table_schema, 'table', t.table_name))
            FROM audit_trail.audited_table AS t
            WHERE t.source_oid = g.source_oid
                AND g.source_oid <> ''
                AND (t.table_schema, t.table_name) IN (VALUES ('public', 'items'), ('audit_trail', 'marker'))
        ),
        '{}'
    )
FROM gone AS g
WHERE g.table_schema <> 'audit_trail';

-- No log has what was committed before DMS read the table again, nor what DMS had read and not applied when the table left.
-- A table that went from one group to another never left the list. The trail's own markers are no table of anybody's.
WITH back AS (
    UPDATE audit_trail.audited_table AS t
        SET left_after = NULL, left_at = NULL
        FROM audit_trail.audited_table AS o
        WHERE o.table_schema = t.table_schema
            AND o.table_name = t.table_name
            AND t.left_after IS NOT NULL
            AND (t.table_schema, t.table_name) IN (VALUES ('public', 'items'), ('audit_trail', 'marker'))
        RETURNING t.table_schema, t.table_name, t.table_group, o.left_after, o.left_at IS NULL AS was_moved, o.moved_from
)
INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
SELECT
    b.table_schema,
    b.table_name,
    CASE WHEN b.was_moved AND b.moved_from IS NOT NULL THEN 'moved to another group' ELSE 'not audited' END,
    b.left_after,
    clock_timestamp(),
    CASE
        WHEN b.was_moved AND b.moved_from IS NOT NULL
            THEN jsonb_build_object('from_group', b.moved_from, 'to_group', b.table_group)
        ELSE '{}'
    END
FROM back AS b
WHERE b.table_schema <> 'audit_trail';

-- A renamed table has a new log, which begins where the other one has long ended; so has one whose log was set aside.
INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
SELECT t.table_schema, t.table_name, 'not audited', f.left_after, clock_timestamp(), w.detail
FROM audit_trail.audited_table AS t
JOIN audit_trail.audited_table AS f
    ON f.left_at IS NOT NULL
        AND (
            f.source_oid = t.source_oid AND t.source_oid <> ''
            OR (f.table_schema, f.former_name) = (t.table_schema, t.table_name)
        )
CROSS JOIN LATERAL (
    SELECT jsonb_build_object('before', jsonb_build_object('schema', f.table_schema, 'table', f.table_name))
) AS w (detail)
WHERE (t.table_schema, t.table_name) IN (VALUES ('public', 'items'), ('audit_trail', 'marker'))
    AND NOT EXISTS (
        SELECT FROM audit_trail.gap AS g
        WHERE (g.table_schema, g.table_name) = (t.table_schema, t.table_name)
            AND g.kind = 'not audited'
            AND g.from_timestamp = f.left_after
            AND g.detail = w.detail
    );

-- Partitions that are gone at the source.
SELECT audit_trail.close_partitions();

RESET ROLE;

COMMIT;
