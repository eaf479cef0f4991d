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
