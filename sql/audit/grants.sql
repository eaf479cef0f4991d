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
    source_schemas text[] := ARRAY[:schemas]::text[];
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
