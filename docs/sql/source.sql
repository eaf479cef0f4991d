-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What a deployment runs on the source cluster, in this order.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"0","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"on"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> by the postgresql plugin of Pulumi | source cluster | as the master user | once
CREATE ROLE "audit_trail_dms_source" LOGIN IN ROLE "rds_replication", "rds_superuser";
CREATE SCHEMA "awsdms_heartbeat";
CREATE SCHEMA "audit_trail";

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

--> sql/source/items.sql | source cluster | as the master user | script source-database-items, when its text is another one
-- The demo table. A table that is already there stays as it is.
CREATE TABLE IF NOT EXISTS public.items (
    item_id integer PRIMARY KEY,
    name varchar(100) NOT NULL,
    price numeric(10, 2) NOT NULL
);

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

--> sql/source/marker.sql | source cluster | as the master user | script source-database-marker, when its text is another one
-- Events that the WAL does not carry for DMS, as ordinary rows: replicated like any audited table, so that each
-- arrives on the audit cluster in commit order, after everything that was committed before it.
CREATE TABLE IF NOT EXISTS audit_trail.marker (
    marker_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- 'truncate' and 'key update' become rows of the gap ledger; 'verify' marks a point to compare at.
    kind varchar(30) NOT NULL,
    table_schema varchar(63),
    table_name varchar(63),
    detail varchar(2000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.marker IS 'Events of the audit trail, replicated by DMS.';
REVOKE ALL ON audit_trail.marker FROM PUBLIC;

-- What a destroy needs that leaves a source as it was, if the stack did not make it: the slots that DMS's user was seen to
-- read, and the replica identities that are not what they were.
CREATE TABLE IF NOT EXISTS audit_trail.task_slot (
    slot_name name PRIMARY KEY
);
REVOKE ALL ON audit_trail.task_slot FROM PUBLIC;
CREATE TABLE IF NOT EXISTS audit_trail.identity_before (
    relation regclass PRIMARY KEY,
    replica_identity "char" NOT NULL
);
REVOKE ALL ON audit_trail.identity_before FROM PUBLIC;

-- The guards call these as whoever changes an audited table.
CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of %.% is refused, because the table is audited and DMS does not see it.',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
            HINT = 'DELETE the rows, or list the table in the stack''s config key allowTruncate.';
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.record_truncate() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO audit_trail.marker (kind, table_schema, table_name, detail)
        VALUES ('truncate', TG_TABLE_SCHEMA, TG_TABLE_NAME, 'by ' || session_user);
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.refuse_key_update() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'A change of the primary key of %.% is refused, because the table is audited and DMS ignores it.',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
            HINT = 'DELETE the row and INSERT it again, or list the table in the stack''s config key allowKeyUpdates.';
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.record_key_update() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key_column text;
    old_value text;
    new_value text;
    old_key jsonb := '{}';
    new_key jsonb := '{}';
BEGIN
    -- The trigger hands over the names of the key's columns. Their values as text, which a type's output function writes:
    -- a cast that the owner of some type has made would run with this function's rights. And -0 is another text than 0.
    FOREACH key_column IN ARRAY TG_ARGV LOOP
        EXECUTE format('SELECT format(''%%s'', ($1).%1$I), format(''%%s'', ($2).%1$I)', key_column)
            INTO old_value, new_value USING OLD, NEW;
        old_key := old_key || jsonb_build_object(key_column, old_value);
        new_key := new_key || jsonb_build_object(key_column, new_value);
    END LOOP;
    INSERT INTO audit_trail.marker (kind, table_schema, table_name, detail)
        VALUES (
            'key update',
            TG_TABLE_SCHEMA,
            TG_TABLE_NAME,
            left(jsonb_build_object('old_key', old_key, 'new_key', new_key)::text, 2000)
        );
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.refuse_over_limit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'A row of %.% is refused, because a value is beyond the limit with which the table is audited (%).',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, array_to_string(TG_ARGV, ', ')
        USING ERRCODE = 'check_violation',
            HINT = 'AWS DMS would round or cut the value. The limit is declared in the stack''s config key columns.';
END
$function$;

-- The table itself, and the tables that hold its rows where it is partitioned.
CREATE OR REPLACE FUNCTION audit_trail.guarded_relations(guarded regclass) RETURNS SETOF regclass
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT guarded
    UNION
    SELECT t.relid
    FROM pg_partition_tree(guarded) AS t
    WHERE t.isleaf AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = guarded AND c.relkind = 'p')
$function$;

-- Only an owner can change a table's triggers and replica identity: for the rest of the transaction this session becomes a
-- member of the owners of the table and its partitions, until return_owners() undoes that.
CREATE OR REPLACE FUNCTION audit_trail.borrow_owners(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    owner record;
BEGIN
    FOR owner IN
        SELECT DISTINCT c.relowner AS oid, pg_get_userbyid(c.relowner) AS name
        FROM audit_trail.guarded_relations(guarded) AS r (relation)
        JOIN pg_class AS c ON c.oid = r.relation
        WHERE NOT pg_has_role(c.relowner, 'USAGE')
    LOOP
        BEGIN
            -- A membership that is there and gives nothing would be lost with what is given back.
            IF EXISTS (
                SELECT
                FROM pg_auth_members AS m
                JOIN pg_roles AS me ON me.oid = m.member AND me.rolname = current_user
                WHERE m.roleid = owner.oid
                    AND (m.grantor = me.oid OR current_setting('server_version_num')::integer < 160000)
            ) THEN
                RAISE insufficient_privilege USING MESSAGE = 'the membership does not inherit';
            END IF;
            EXECUTE format('GRANT %I TO CURRENT_USER', owner.name);
        EXCEPTION
            WHEN insufficient_privilege OR invalid_grant_operation THEN
                RAISE EXCEPTION 'the guards of % are its owner''s to change, and % may not act for %: %',
                    guarded, current_user, owner.name, SQLERRM
                    USING ERRCODE = 'insufficient_privilege',
                        HINT = format('Run GRANT %I TO %I, with INHERIT.', owner.name, current_user);
        END;
        PERFORM set_config(
            'audit_trail.borrowed',
            (coalesce(nullif(current_setting('audit_trail.borrowed', true), ''), '[]')::jsonb
                || jsonb_build_array(owner.name))::text,
            true
        );
    END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.return_owners() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    borrowed text;
BEGIN
    FOR borrowed IN
        SELECT jsonb_array_elements_text(
            coalesce(nullif(current_setting('audit_trail.borrowed', true), ''), '[]')::jsonb
        )
    LOOP
        EXECUTE format('REVOKE %I FROM CURRENT_USER', borrowed);
    END LOOP;
    PERFORM set_config('audit_trail.borrowed', '', true);
END
$function$;

-- Takes away the guards that a table and its partitions have; a table without any is not locked.
CREATE OR REPLACE FUNCTION audit_trail.remove_guards(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    guard record;
BEGIN
    FOR guard IN
        SELECT t.tgname, t.tgrelid::regclass AS relation
        FROM pg_trigger AS t
        JOIN audit_trail.guarded_relations(guarded) AS r (relation) ON r.relation = t.tgrelid
        -- A partition's copy of its parent's trigger goes with that one.
        WHERE t.tgparentid = 0 AND t.tgname IN (
            'audit_trail_refuse_truncate',
            'audit_trail_record_truncate',
            'audit_trail_refuse_key_update',
            'audit_trail_record_key_update',
            'audit_trail_refuse_over_limit'
        )
    LOOP
        PERFORM audit_trail.borrow_owners(guarded);
        EXECUTE format('DROP TRIGGER %I ON %s', guard.tgname, guard.relation);
    END LOOP;
END
$function$;

-- Row triggers of a partitioned table reach its partitions, those of later ones too; statement triggers do not. So each
-- partition gets the table's guard against TRUNCATE.
CREATE OR REPLACE FUNCTION audit_trail.guard_partitions(guarded regclass, guard name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN SELECT r FROM audit_trail.guarded_relations(guarded) AS r WHERE r <> guarded LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.%I()',
            guard, leaf, substr(guard, length('audit_trail_') + 1)
        );
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', leaf, guard);
    END LOOP;
END
$function$;

-- The whole old row for every partition, of which a partitioned table tells them nothing.
CREATE OR REPLACE FUNCTION audit_trail.identify_by_all_columns(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT r
        FROM audit_trail.guarded_relations(guarded) AS r
        JOIN pg_class AS c ON c.oid = r
        WHERE c.relreplident <> 'f'
    LOOP
        INSERT INTO audit_trail.identity_before (relation, replica_identity)
            SELECT c.oid, c.relreplident FROM pg_class AS c WHERE c.oid = relation
            ON CONFLICT DO NOTHING;
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
    END LOOP;
END
$function$;

-- The replica identity that the table and its partitions had. One that somebody has changed since stays as it is. The trail
-- works with tables of the default identity and of the full one only.
CREATE OR REPLACE FUNCTION audit_trail.identify_as_before(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT b.relation
        FROM audit_trail.identity_before AS b
        JOIN audit_trail.guarded_relations(guarded) AS r (relation) ON r.relation = b.relation
        JOIN pg_class AS c ON c.oid = b.relation
        WHERE c.relreplident = 'f' AND b.replica_identity = 'd'
    LOOP
        PERFORM audit_trail.borrow_owners(guarded);
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', relation);
    END LOOP;
    DELETE FROM audit_trail.identity_before AS b
        USING audit_trail.guarded_relations(guarded) AS r (relation)
        WHERE r.relation = b.relation;
END
$function$;

-- Takes the right to truncate from all but the owner, who cannot lose it.
CREATE OR REPLACE FUNCTION audit_trail.revoke_truncate(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    holder record;
BEGIN
    FOR holder IN
        SELECT
            r AS relation,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
        FROM audit_trail.guarded_relations(guarded) AS r
        JOIN pg_class AS c ON c.oid = r
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE a.privilege_type = 'TRUNCATE' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE TRUNCATE ON %s FROM %s', holder.relation, holder.grantee);
    END LOOP;
END
$function$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit_trail FROM PUBLIC;

-- What the bodies were when they were made: another one is no guard.
DO $do$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT p.oid::regprocedure AS function, md5(p.prosrc) AS body
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'audit_trail'::regnamespace
            AND obj_description(p.oid, 'pg_proc') IS DISTINCT FROM md5(p.prosrc)
    LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', made.function, made.body);
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

--> sql/dms/session.sql | source cluster | as the master user | script source-database-grants, once the catalog is read, when its text is another one | the sessions of DMS's user
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
            'ALTER ROLE %I IN DATABASE %I SET %s FROM CURRENT', 'audit_trail_dms_source', pg_catalog.current_database(), wanted.name
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

--> sql/source/grants.sql | source cluster | as the master user | script source-database-grants, once the catalog is read, when its text or its table is another one, or what it made is gone
-- What DMS's user may do on the source cluster, all of it on this page: read the audited tables, and keep its heartbeat in a
-- schema of its own. What has left the list is found by its grants, so that a table that was renamed or dropped is in
-- nobody's way. Changes come from the WAL, which needs no right on a table; a load does.
DO $do$
DECLARE
    wanted record;
    is_member boolean;
BEGIN
    FOR wanted IN
        WITH listed AS (
            SELECT l.schema_name, l.table_name FROM (VALUES ('public', 'items'), ('audit_trail', 'marker')) AS l (schema_name, table_name)
        ),
        rights AS (
            SELECT
                format('SCHEMA %I', n.nspname) AS object,
                n.nspowner AS owner,
                n.nspacl AS acl,
                r.privilege,
                r.privilege IS NOT NULL AS is_wanted,
                coalesce(has_schema_privilege('audit_trail_dms_source', n.oid, r.privilege), false) AS is_there
            FROM pg_catalog.pg_namespace AS n
            LEFT JOIN (
                SELECT DISTINCT l.schema_name, 'USAGE' FROM listed AS l
                UNION
                VALUES ('awsdms_heartbeat', 'USAGE'), ('awsdms_heartbeat', 'CREATE')
            ) AS r (name, privilege) ON r.name = n.nspname
            UNION ALL
            SELECT
                format('TABLE %I.%I', n.nspname, c.relname),
                c.relowner,
                c.relacl,
                'SELECT',
                l.table_name IS NOT NULL,
                has_table_privilege('audit_trail_dms_source', c.oid, 'SELECT')
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            LEFT JOIN listed AS l ON (l.schema_name, l.table_name) = (n.nspname, c.relname)
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        )
        SELECT
            r.object,
            pg_get_userbyid(r.owner) AS owner,
            r.is_wanted,
            r.is_there,
            CASE
                WHEN r.is_wanted THEN format('GRANT %s ON %s TO audit_trail_dms_source', r.privilege, r.object)
                ELSE format('REVOKE ALL ON %s FROM audit_trail_dms_source', r.object)
            END AS statement
        FROM rights AS r
        WHERE pg_get_userbyid(r.owner) <> 'audit_trail_dms_source'
            AND r.is_wanted <> EXISTS (
                SELECT FROM aclexplode(r.acl) AS a
                WHERE pg_get_userbyid(a.grantee) = 'audit_trail_dms_source'
                    AND a.privilege_type = coalesce(r.privilege, a.privilege_type)
            )
    LOOP
        -- Only an object's owner can give or take: as a member of it, for no longer than that takes.
        BEGIN
            is_member := pg_has_role(current_user, wanted.owner, 'USAGE');
            IF NOT is_member THEN
                -- A membership that is there and gives nothing would be lost with what is given back.
                IF EXISTS (
                    SELECT
                    FROM pg_auth_members AS m
                    JOIN pg_roles AS o ON o.oid = m.roleid AND o.rolname = wanted.owner
                    JOIN pg_roles AS me ON me.oid = m.member AND me.rolname = current_user
                    WHERE m.grantor = me.oid OR current_setting('server_version_num')::integer < 160000
                ) THEN
                    RAISE insufficient_privilege USING MESSAGE = 'the membership does not inherit';
                END IF;
                EXECUTE format('GRANT %I TO CURRENT_USER', wanted.owner);
            END IF;
            EXECUTE wanted.statement;
            IF NOT is_member THEN
                EXECUTE format('REVOKE %I FROM CURRENT_USER', wanted.owner);
            END IF;
        EXCEPTION
            WHEN insufficient_privilege OR invalid_grant_operation THEN
                -- What DMS's user has anyway, as everybody or as a member, is enough where nobody lets this user give more.
                IF wanted.is_wanted AND wanted.is_there THEN
                    CONTINUE;
                END IF;
                IF wanted.is_wanted THEN
                    RAISE EXCEPTION '% may not %: %', current_user, wanted.statement, SQLERRM
                        USING HINT = format('Run it as %s, or make %s a member of it.', wanted.owner, current_user);
                END IF;
                -- A right to read too many is no reason to stop.
                RAISE WARNING '% may not %: %', current_user, wanted.statement, SQLERRM;
        END;
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

--> sql/source/marker.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone
-- Events that the WAL does not carry for DMS, as ordinary rows: replicated like any audited table, so that each
-- arrives on the audit cluster in commit order, after everything that was committed before it.
CREATE TABLE IF NOT EXISTS audit_trail.marker (
    marker_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- 'truncate' and 'key update' become rows of the gap ledger; 'verify' marks a point to compare at.
    kind varchar(30) NOT NULL,
    table_schema varchar(63),
    table_name varchar(63),
    detail varchar(2000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.marker IS 'Events of the audit trail, replicated by DMS.';
REVOKE ALL ON audit_trail.marker FROM PUBLIC;

-- What a destroy needs that leaves a source as it was, if the stack did not make it: the slots that DMS's user was seen to
-- read, and the replica identities that are not what they were.
CREATE TABLE IF NOT EXISTS audit_trail.task_slot (
    slot_name name PRIMARY KEY
);
REVOKE ALL ON audit_trail.task_slot FROM PUBLIC;
CREATE TABLE IF NOT EXISTS audit_trail.identity_before (
    relation regclass PRIMARY KEY,
    replica_identity "char" NOT NULL
);
REVOKE ALL ON audit_trail.identity_before FROM PUBLIC;

-- The guards call these as whoever changes an audited table.
CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of %.% is refused, because the table is audited and DMS does not see it.',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
            HINT = 'DELETE the rows, or list the table in the stack''s config key allowTruncate.';
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.record_truncate() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO audit_trail.marker (kind, table_schema, table_name, detail)
        VALUES ('truncate', TG_TABLE_SCHEMA, TG_TABLE_NAME, 'by ' || session_user);
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.refuse_key_update() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'A change of the primary key of %.% is refused, because the table is audited and DMS ignores it.',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
            HINT = 'DELETE the row and INSERT it again, or list the table in the stack''s config key allowKeyUpdates.';
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.record_key_update() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key_column text;
    old_value text;
    new_value text;
    old_key jsonb := '{}';
    new_key jsonb := '{}';
BEGIN
    -- The trigger hands over the names of the key's columns. Their values as text, which a type's output function writes:
    -- a cast that the owner of some type has made would run with this function's rights. And -0 is another text than 0.
    FOREACH key_column IN ARRAY TG_ARGV LOOP
        EXECUTE format('SELECT format(''%%s'', ($1).%1$I), format(''%%s'', ($2).%1$I)', key_column)
            INTO old_value, new_value USING OLD, NEW;
        old_key := old_key || jsonb_build_object(key_column, old_value);
        new_key := new_key || jsonb_build_object(key_column, new_value);
    END LOOP;
    INSERT INTO audit_trail.marker (kind, table_schema, table_name, detail)
        VALUES (
            'key update',
            TG_TABLE_SCHEMA,
            TG_TABLE_NAME,
            left(jsonb_build_object('old_key', old_key, 'new_key', new_key)::text, 2000)
        );
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.refuse_over_limit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'A row of %.% is refused, because a value is beyond the limit with which the table is audited (%).',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, array_to_string(TG_ARGV, ', ')
        USING ERRCODE = 'check_violation',
            HINT = 'AWS DMS would round or cut the value. The limit is declared in the stack''s config key columns.';
END
$function$;

-- The table itself, and the tables that hold its rows where it is partitioned.
CREATE OR REPLACE FUNCTION audit_trail.guarded_relations(guarded regclass) RETURNS SETOF regclass
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT guarded
    UNION
    SELECT t.relid
    FROM pg_partition_tree(guarded) AS t
    WHERE t.isleaf AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = guarded AND c.relkind = 'p')
$function$;

-- Only an owner can change a table's triggers and replica identity: for the rest of the transaction this session becomes a
-- member of the owners of the table and its partitions, until return_owners() undoes that.
CREATE OR REPLACE FUNCTION audit_trail.borrow_owners(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    owner record;
BEGIN
    FOR owner IN
        SELECT DISTINCT c.relowner AS oid, pg_get_userbyid(c.relowner) AS name
        FROM audit_trail.guarded_relations(guarded) AS r (relation)
        JOIN pg_class AS c ON c.oid = r.relation
        WHERE NOT pg_has_role(c.relowner, 'USAGE')
    LOOP
        BEGIN
            -- A membership that is there and gives nothing would be lost with what is given back.
            IF EXISTS (
                SELECT
                FROM pg_auth_members AS m
                JOIN pg_roles AS me ON me.oid = m.member AND me.rolname = current_user
                WHERE m.roleid = owner.oid
                    AND (m.grantor = me.oid OR current_setting('server_version_num')::integer < 160000)
            ) THEN
                RAISE insufficient_privilege USING MESSAGE = 'the membership does not inherit';
            END IF;
            EXECUTE format('GRANT %I TO CURRENT_USER', owner.name);
        EXCEPTION
            WHEN insufficient_privilege OR invalid_grant_operation THEN
                RAISE EXCEPTION 'the guards of % are its owner''s to change, and % may not act for %: %',
                    guarded, current_user, owner.name, SQLERRM
                    USING ERRCODE = 'insufficient_privilege',
                        HINT = format('Run GRANT %I TO %I, with INHERIT.', owner.name, current_user);
        END;
        PERFORM set_config(
            'audit_trail.borrowed',
            (coalesce(nullif(current_setting('audit_trail.borrowed', true), ''), '[]')::jsonb
                || jsonb_build_array(owner.name))::text,
            true
        );
    END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.return_owners() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    borrowed text;
BEGIN
    FOR borrowed IN
        SELECT jsonb_array_elements_text(
            coalesce(nullif(current_setting('audit_trail.borrowed', true), ''), '[]')::jsonb
        )
    LOOP
        EXECUTE format('REVOKE %I FROM CURRENT_USER', borrowed);
    END LOOP;
    PERFORM set_config('audit_trail.borrowed', '', true);
END
$function$;

-- Takes away the guards that a table and its partitions have; a table without any is not locked.
CREATE OR REPLACE FUNCTION audit_trail.remove_guards(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    guard record;
BEGIN
    FOR guard IN
        SELECT t.tgname, t.tgrelid::regclass AS relation
        FROM pg_trigger AS t
        JOIN audit_trail.guarded_relations(guarded) AS r (relation) ON r.relation = t.tgrelid
        -- A partition's copy of its parent's trigger goes with that one.
        WHERE t.tgparentid = 0 AND t.tgname IN (
            'audit_trail_refuse_truncate',
            'audit_trail_record_truncate',
            'audit_trail_refuse_key_update',
            'audit_trail_record_key_update',
            'audit_trail_refuse_over_limit'
        )
    LOOP
        PERFORM audit_trail.borrow_owners(guarded);
        EXECUTE format('DROP TRIGGER %I ON %s', guard.tgname, guard.relation);
    END LOOP;
END
$function$;

-- Row triggers of a partitioned table reach its partitions, those of later ones too; statement triggers do not. So each
-- partition gets the table's guard against TRUNCATE.
CREATE OR REPLACE FUNCTION audit_trail.guard_partitions(guarded regclass, guard name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN SELECT r FROM audit_trail.guarded_relations(guarded) AS r WHERE r <> guarded LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.%I()',
            guard, leaf, substr(guard, length('audit_trail_') + 1)
        );
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', leaf, guard);
    END LOOP;
END
$function$;

-- The whole old row for every partition, of which a partitioned table tells them nothing.
CREATE OR REPLACE FUNCTION audit_trail.identify_by_all_columns(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT r
        FROM audit_trail.guarded_relations(guarded) AS r
        JOIN pg_class AS c ON c.oid = r
        WHERE c.relreplident <> 'f'
    LOOP
        INSERT INTO audit_trail.identity_before (relation, replica_identity)
            SELECT c.oid, c.relreplident FROM pg_class AS c WHERE c.oid = relation
            ON CONFLICT DO NOTHING;
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
    END LOOP;
END
$function$;

-- The replica identity that the table and its partitions had. One that somebody has changed since stays as it is. The trail
-- works with tables of the default identity and of the full one only.
CREATE OR REPLACE FUNCTION audit_trail.identify_as_before(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT b.relation
        FROM audit_trail.identity_before AS b
        JOIN audit_trail.guarded_relations(guarded) AS r (relation) ON r.relation = b.relation
        JOIN pg_class AS c ON c.oid = b.relation
        WHERE c.relreplident = 'f' AND b.replica_identity = 'd'
    LOOP
        PERFORM audit_trail.borrow_owners(guarded);
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', relation);
    END LOOP;
    DELETE FROM audit_trail.identity_before AS b
        USING audit_trail.guarded_relations(guarded) AS r (relation)
        WHERE r.relation = b.relation;
END
$function$;

-- Takes the right to truncate from all but the owner, who cannot lose it.
CREATE OR REPLACE FUNCTION audit_trail.revoke_truncate(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    holder record;
BEGIN
    FOR holder IN
        SELECT
            r AS relation,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
        FROM audit_trail.guarded_relations(guarded) AS r
        JOIN pg_class AS c ON c.oid = r
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE a.privilege_type = 'TRUNCATE' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE TRUNCATE ON %s FROM %s', holder.relation, holder.grantee);
    END LOOP;
END
$function$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit_trail FROM PUBLIC;

-- What the bodies were when they were made: another one is no guard.
DO $do$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT p.oid::regprocedure AS function, md5(p.prosrc) AS body
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'audit_trail'::regnamespace
            AND obj_description(p.oid, 'pg_proc') IS DISTINCT FROM md5(p.prosrc)
    LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', made.function, made.body);
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

--> sql/source/guard_begin.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- Takes away the guards that the table has now; those it shall have follow.
-- Nobody shall wait behind a deployment that waits for a long transaction on the table.
SET LOCAL lock_timeout = '10s';

SELECT audit_trail.remove_guards(format('%I.%I', 'public', 'items')::regclass);

--> sql/source/guard_owners.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- What follows is for the owners of the table and its partitions to do.
SELECT audit_trail.borrow_owners(format('%I.%I', 'public', 'items')::regclass);

--> sql/source/guard_truncate.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- A statement trigger: no row of any INSERT, UPDATE or DELETE meets it.
CREATE TRIGGER "audit_trail_refuse_truncate" BEFORE TRUNCATE ON "public"."items"
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail."refuse_truncate"();
ALTER TABLE "public"."items" ENABLE ALWAYS TRIGGER "audit_trail_refuse_truncate";

--> sql/source/guard_key_update.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- AFTER: BEFORE would lock every updated row first, and write WAL for it. With a list of columns an UPDATE that does not
-- name them does nothing for this trigger; without one its condition is made ready for every UPDATE. The condition
-- compares bytes, as the WAL does: equal is not the same to an interval, a -0 or a text with a collation of its own. The
-- function and not the operator *<>, which pg_dump, and so pg_upgrade, writes as one of the columns and not of the rows.
CREATE TRIGGER "audit_trail_refuse_key_update" AFTER UPDATE OF "item_id" ON "public"."items"
    FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD."item_id"), ROW(NEW."item_id")))
    EXECUTE FUNCTION audit_trail."refuse_key_update"('item_id');
ALTER TABLE "public"."items" ENABLE ALWAYS TRIGGER "audit_trail_refuse_key_update";

--> sql/source/guard_revoke_truncate.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- Who is not the owner needs no right to truncate either.
SELECT audit_trail.revoke_truncate(format('%I.%I', 'public', 'items')::regclass);

--> sql/source/replica_identity_before.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- Takes back the replica identity that an earlier deployment has set for this table.
SELECT audit_trail.identify_as_before(format('%I.%I', 'public', 'items')::regclass);

--> sql/source/guard_end.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.items
-- The session is a member of nobody any more whom it became a member of.
SELECT audit_trail.return_owners();

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

--> sql/source/guard_others.sql | source cluster | as the master user | script source-database-unguarded, once the task knows the tables, when its text or its table is another one, or what it made is gone
-- Takes the guards from tables that have left the list, and the replica identity that they got. Rights to truncate that were
-- revoked stay so.
SET LOCAL lock_timeout = '10s';

SELECT audit_trail.remove_guards(guarded.relation), audit_trail.identify_as_before(guarded.relation)
FROM (
    SELECT t.tgrelid::regclass AS relation
    FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    WHERE p.pronamespace = 'audit_trail'::regnamespace
        -- A partition's copy of its parent's trigger goes with that one.
        AND t.tgparentid = 0
    UNION
    SELECT b.relation
    FROM audit_trail.identity_before AS b
    JOIN pg_catalog.pg_class AS c ON c.oid = b.relation
) AS guarded
WHERE NOT EXISTS (
    SELECT
    FROM (VALUES ('public', 'items')) AS a (schema_name, table_name)
    WHERE format('%I.%I', a.schema_name, a.table_name)::regclass = guarded.relation
        -- Of a partition the table counts that it is a part of.
        OR format('%I.%I', a.schema_name, a.table_name)::regclass
            IN (SELECT r FROM pg_catalog.pg_partition_ancestors(guarded.relation) AS r)
);

SELECT audit_trail.return_owners();

COMMIT;
