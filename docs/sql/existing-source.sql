-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What runs at a source that the stack did not make, beside what runs at every source. A destroy leaves it as it was.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"0","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"on"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> sql/source/claim.sql | source cluster | as the master user | before anything is made there
-- Whether a server that the stack did not make can be its source, as far as nothing may be touched before it is known: what
-- the login may do, and whose trail is there. $1 = the roles and $2 = the schemas that the trail will make.
SELECT
    current_setting('server_version') AS version,
    pg_is_in_recovery() AS is_standby,
    -- Where RDS's roles are, a membership is what replicates; elsewhere an attribute.
    (SELECT count(*) = 2 FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('rds_superuser', 'rds_replication')) AS has_rds_roles,
    me.rolsuper OR me.rolcreaterole AS may_create_roles,
    me.rolsuper OR me.rolreplication AS may_give_replication,
    has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
    ARRAY(SELECT s.slot_name::text FROM pg_catalog.pg_replication_slots AS s ORDER BY 1) AS slots,
    ARRAY(SELECT r.rolname::text FROM pg_catalog.pg_roles AS r WHERE r.rolname = ANY ($1::text[]) ORDER BY 1) AS roles,
    ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ANY ($2::text[]) ORDER BY 1) AS schemas
FROM pg_catalog.pg_roles AS me
WHERE me.rolname = current_user;

--> sql/source/undo_look.sql | source cluster | as the master user | before a destroy ends anything, and again before it takes anything away
-- What would keep a destroy from leaving the source as it was; no row when nothing would. A destroy asks before it ends
-- anything: what it has ended, the task above all, it cannot begin again.
WITH own_schema AS (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.nspname IN ('audit_trail', 'awsdms_heartbeat')
),
dms AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_dms_source'
),
-- The trail's own objects. The lists have those of older versions too.
own AS (
    SELECT 'pg_class'::regclass AS classid, c.oid AS objid
    FROM pg_catalog.pg_class AS c
    JOIN own_schema AS m ON m.oid = c.relnamespace
    WHERE c.relowner IN (SELECT d.oid FROM dms AS d)
        OR m.nspname = 'audit_trail' AND c.relname IN ('marker', 'task_slot', 'identity_before')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid
    FROM pg_catalog.pg_proc AS p
    JOIN own_schema AS m ON m.oid = p.pronamespace
    WHERE m.nspname = 'audit_trail' AND p.proname IN ('refuse_truncate', 'record_truncate', 'refuse_key_update', 'record_key_update', 'refuse_over_limit', 'guarded_relations', 'borrow_owners', 'return_owners', 'remove_guards', 'guard_partitions', 'identify_by_all_columns', 'identify_as_before', 'revoke_truncate')
),
-- With what goes along with them: indexes, sequences, row types, columns' defaults, constraints.
parts AS (
    SELECT o.classid, o.objid FROM own AS o
    UNION
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend AS d
    JOIN own AS o ON (o.classid, o.objid) = (d.refclassid, d.refobjid)
    WHERE d.deptype IN ('a', 'i') AND d.classid IN ('pg_class'::regclass, 'pg_type'::regclass)
),
guards AS (
    SELECT t.oid, t.tgrelid
    FROM pg_catalog.pg_trigger AS t
    JOIN own AS o ON o.classid = 'pg_proc'::regclass AND o.objid = t.tgfoid
    WHERE t.tgname LIKE 'audit\_trail\_%'
),
strangers AS (
    SELECT 'pg_class'::regclass AS classid, c.oid AS objid, m.nspname
    FROM pg_catalog.pg_class AS c
    JOIN own_schema AS m ON m.oid = c.relnamespace
    WHERE c.relkind NOT IN ('i', 'I', 't')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, m.nspname
    FROM pg_catalog.pg_proc AS p
    JOIN own_schema AS m ON m.oid = p.pronamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, m.nspname
    FROM pg_catalog.pg_type AS t
    JOIN own_schema AS m ON m.oid = t.typnamespace
    WHERE t.typrelid = 0 AND t.typelem = 0
)
SELECT format('%s is in the trail''s schema %s: move it, or drop it', pg_describe_object(s.classid, s.objid, 0), s.nspname)
    AS finding
FROM strangers AS s
WHERE NOT EXISTS (SELECT FROM parts AS p WHERE (p.classid, p.objid) = (s.classid, s.objid))
UNION ALL
SELECT DISTINCT format(
    '%s needs %s of the trail: drop the former, or change it',
    -- A view's rule stands for the view.
    regexp_replace(pg_describe_object(d.classid, d.objid, d.objsubid), '^rule "?_RETURN"? on ', ''),
    pg_describe_object(d.refclassid, d.refobjid, 0)
)
FROM pg_catalog.pg_depend AS d
JOIN parts AS p ON (p.classid, p.objid) = (d.refclassid, d.refobjid)
WHERE d.deptype = 'n'
    AND NOT EXISTS (SELECT FROM parts AS q WHERE (q.classid, q.objid) = (d.classid, d.objid))
    AND NOT (d.classid = 'pg_trigger'::regclass AND d.objid IN (SELECT g.oid FROM guards AS g))
    -- A default or a constraint of the trail's own table goes with it.
    AND NOT (
        d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_rewrite'::regclass)
        AND EXISTS (
            SELECT
            FROM pg_catalog.pg_depend AS i
            JOIN parts AS q ON (q.classid, q.objid) = (i.refclassid, i.refobjid)
            WHERE (i.classid, i.objid) = (d.classid, d.objid) AND i.deptype IN ('a', 'i')
        )
    )
UNION ALL
SELECT format('the database "%s" has objects or rights of the role audit_trail_dms_source: take them from it', b.datname)
FROM (
    SELECT DISTINCT s.dbid
    FROM pg_catalog.pg_shdepend AS s
    JOIN dms AS d ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = d.oid
) AS s
JOIN pg_catalog.pg_database AS b ON b.oid = s.dbid
WHERE b.datname <> current_database()
UNION ALL
-- Only an object's owner can take a trigger or a right from it: a superuser, a member, or who may become one.
SELECT format(
    '%s %s to %s, of which %s is not a member: run GRANT %s TO %s',
    string_agg(DISTINCT o.object, ', '), CASE count(DISTINCT o.object) WHEN 1 THEN 'belongs' ELSE 'belong' END,
    r.rolname, current_user, quote_ident(r.rolname), quote_ident(current_user)
)
FROM (
    SELECT format('the table %s', g.tgrelid::regclass) AS object, c.relowner AS owner
    FROM guards AS g
    JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
    UNION
    SELECT format('the table %s', c.oid::regclass), c.relowner
    FROM pg_catalog.pg_class AS c
    JOIN dms AS d ON EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = d.oid)
    UNION
    SELECT format('the schema %I', n.nspname), n.nspowner
    FROM pg_catalog.pg_namespace AS n
    JOIN dms AS d ON EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = d.oid)
) AS o
JOIN pg_catalog.pg_roles AS r ON r.oid = o.owner
WHERE NOT pg_has_role(r.oid, 'USAGE')
    -- The role's own heartbeat goes with the role.
    AND r.rolname <> 'audit_trail_dms_source'
    AND NOT pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION')
    AND NOT (
        current_setting('server_version_num')::integer < 160000
        AND (SELECT me.rolcreaterole FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user)
        AND NOT r.rolsuper
    )
GROUP BY r.rolname
ORDER BY 1;

--> sql/source/note_slots.sql | source cluster | as the master user | when the task runs, and before a destroy
-- Remembers the slots that DMS's user reads: AWS does not say what DMS calls its slot, and a slot has no owner.
INSERT INTO audit_trail.task_slot (slot_name)
SELECT s.slot_name
FROM pg_catalog.pg_replication_slots AS s
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
WHERE s.database = current_database() AND a.usename = 'audit_trail_dms_source' AND NOT s.temporary
ON CONFLICT DO NOTHING;

--> sql/source/undo_there.sql | source cluster | as the master user | before the slots are noted, and once the task is deleted
-- Whether the trail's tables are in the source's database, without which there is nothing to undo but the rest.
SELECT pg_catalog.to_regclass('audit_trail.task_slot') IS NOT NULL AS there;

--> sql/source/undo_guards.sql | source cluster | as the master user | once the task is deleted: a query for statements, which run one by one
-- The statements that give each table back as it was before the trail: without guards, and with its replica identity. Each is
-- a transaction of its own, so that no lock on one table waits for another.
SELECT
    format('%I.%I', n.nspname, c.relname) AS about,
    format(
        'SELECT audit_trail.remove_guards(%1$L::regclass), audit_trail.identify_as_before(%1$L::regclass), audit_trail.return_owners()',
        format('%I.%I', n.nspname, c.relname)
    ) AS statement
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT b.relation FROM audit_trail.identity_before AS b)
    OR c.oid IN (
        SELECT t.tgrelid
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
        -- A partition's copy of its parent's trigger goes with that one.
        WHERE p.pronamespace = 'audit_trail'::regnamespace AND t.tgparentid = 0
    )
-- A partitioned table before its partitions.
ORDER BY c.relkind = 'p' DESC, 1;

--> sql/source/undo_slots.sql | source cluster | as the master user | after those
-- Drops the task's slots, which DMS does when a task is deleted if it can reach the source. A slot keeps WAL until it is
-- dropped. One that is still read is taken from its reader, whose end is waited for.
DO $do$
DECLARE
    is_member boolean;
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_replication_slots AS s
        JOIN audit_trail.task_slot AS t ON t.slot_name = s.slot_name
    ) THEN
        RETURN;
    END IF;
    is_member := pg_has_role(current_user, 'audit_trail_dms_source', 'USAGE');
    IF NOT is_member THEN
        GRANT audit_trail_dms_source TO CURRENT_USER;
    END IF;
    PERFORM pg_catalog.pg_terminate_backend(s.active_pid, 15000)
    FROM pg_catalog.pg_replication_slots AS s
    JOIN audit_trail.task_slot AS t ON t.slot_name = s.slot_name
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
    WHERE a.usename = 'audit_trail_dms_source';
    PERFORM pg_catalog.pg_drop_replication_slot(s.slot_name)
    FROM pg_catalog.pg_replication_slots AS s
    JOIN audit_trail.task_slot AS t ON t.slot_name = s.slot_name;
    IF NOT is_member THEN
        REVOKE audit_trail_dms_source FROM CURRENT_USER;
    END IF;
END
$do$;

--> sql/source/undo.sql | source cluster | as the master user | after that
-- Takes away what the trail has made in the source's database, as far as it is there: all but the schemas and the role, which
-- go after it. Without CASCADE: what somebody else has made on top of it stays, and then so does this.
DO $do$
DECLARE
    granted record;
    made record;
    is_member boolean;
BEGIN
    -- DROP OWNED takes only what this session may take: a right that an owner gave, the owner takes.
    FOR granted IN
        WITH objects AS (
            SELECT format('SCHEMA %I', n.nspname) AS object, n.nspowner AS owner, n.nspacl AS acl
            FROM pg_catalog.pg_namespace AS n
            UNION ALL
            SELECT format('TABLE %I.%I', n.nspname, c.relname), c.relowner, c.relacl
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        )
        SELECT o.object, pg_get_userbyid(o.owner) AS owner
        FROM objects AS o
        JOIN pg_catalog.pg_roles AS d ON d.rolname = 'audit_trail_dms_source'
        WHERE o.owner <> d.oid AND EXISTS (SELECT FROM aclexplode(o.acl) AS a WHERE a.grantee = d.oid)
    LOOP
        is_member := pg_has_role(granted.owner, 'USAGE');
        IF NOT is_member THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', granted.owner);
        END IF;
        EXECUTE format('REVOKE ALL ON %s FROM audit_trail_dms_source', granted.object);
        IF NOT is_member THEN
            EXECUTE format('REVOKE %I FROM CURRENT_USER', granted.owner);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_dms_source') THEN
        is_member := pg_has_role(current_user, 'audit_trail_dms_source', 'USAGE');
        IF NOT is_member THEN
            GRANT audit_trail_dms_source TO CURRENT_USER;
        END IF;
        -- Its heartbeat.
        DROP OWNED BY audit_trail_dms_source RESTRICT;
        IF NOT is_member THEN
            REVOKE audit_trail_dms_source FROM CURRENT_USER;
        END IF;
    END IF;
    FOR made IN
        SELECT format('DROP TABLE %s RESTRICT', c.oid::regclass) AS statement
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = pg_catalog.to_regnamespace('audit_trail')
            AND c.relkind = 'r'
            AND c.relname IN ('marker', 'task_slot', 'identity_before')
        UNION ALL
        SELECT format('DROP FUNCTION %s RESTRICT', p.oid::regprocedure)
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = pg_catalog.to_regnamespace('audit_trail') AND p.proname IN ('refuse_truncate', 'record_truncate', 'refuse_key_update', 'record_key_update', 'refuse_over_limit', 'guarded_relations', 'borrow_owners', 'return_owners', 'remove_guards', 'guard_partitions', 'identify_by_all_columns', 'identify_as_before', 'revoke_truncate')
    LOOP
        EXECUTE made.statement;
    END LOOP;
END
$do$;

--> sql/source/undo_stray_slots.sql | source cluster | as the master user | last; then the plugin drops the schemas and the role
-- The slots of this database that nobody reads, that nobody saw DMS's user read, and that were not there before the trail: $1 has
-- the names of those that were.
SELECT s.slot_name
FROM pg_catalog.pg_replication_slots AS s
WHERE s.database = current_database()
    AND s.plugin = 'test_decoding'
    AND NOT s.active
    AND NOT s.temporary
    AND s.slot_name <> ALL ($1::text[])
ORDER BY s.slot_name;
