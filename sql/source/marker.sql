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
            HINT = 'DELETE the row and INSERT it anew, or list the table in the stack''s config key allowKeyUpdates.';
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

-- Takes away the guards that a table has; a table without any is not locked.
CREATE OR REPLACE FUNCTION audit_trail.remove_guards(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    guard name;
BEGIN
    FOR guard IN
        SELECT t.tgname
        FROM pg_trigger AS t
        WHERE t.tgrelid = guarded AND t.tgname IN (
            'audit_trail_refuse_truncate',
            'audit_trail_record_truncate',
            'audit_trail_refuse_key_update',
            'audit_trail_record_key_update',
            'audit_trail_refuse_over_limit'
        )
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', guard, guarded);
    END LOOP;
END
$function$;

-- Takes the right to truncate from all but the owner, who cannot lose it.
CREATE OR REPLACE FUNCTION audit_trail.revoke_truncate(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    holder text;
BEGIN
    FOR holder IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        FROM pg_class AS c
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE c.oid = guarded AND a.privilege_type = 'TRUNCATE' AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE TRUNCATE ON %s FROM %s', guarded, holder);
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
