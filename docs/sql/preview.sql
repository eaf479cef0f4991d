-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What a preview and an update ask first, to see what there is to do.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"0","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"on"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> sql/source/catalog.sql | source cluster | as the master user | first: the audited tables
-- What the source's catalog says about the tables named in $1 (schemas) and $2 (tables, same length), of which the role $3
-- reads what is loaded: one row per table, in the order asked for, columns and key as JSON; relkind is null for a table that
-- is missing. Values are read as text, which depends on the session's settings: see database/session.ts.
-- A domain is shown as its base type, because staging holds plain columns; a type outside pg_catalog is qualified.
WITH wanted AS (
    SELECT w.table_schema, w.table_name, w.ordinality
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (table_schema, table_name, ordinality)
),
relations AS (
    SELECT
        w.*,
        c.oid,
        c.relkind,
        c.relpersistence,
        c.relreplident
    FROM wanted AS w
    LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace)
        ON n.nspname = w.table_schema AND c.relname = w.table_name
        AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c')
),
-- The tables that hold the rows of a partitioned one, at whatever depth, by their names.
leaves AS (
    SELECT
        r.oid AS root,
        c.oid,
        n.nspname AS table_schema,
        c.relname AS table_name,
        c.relkind,
        c.relpersistence,
        c.relreplident
    FROM relations AS r
    CROSS JOIN LATERAL pg_catalog.pg_partition_tree(r.oid::regclass) AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE r.relkind = 'p' AND p.isleaf
),
-- Names are told apart by their case with the database's rules, which DMS does not.
lookalikes AS (
    SELECT r.oid, jsonb_agg(jsonb_build_object('schema', n.nspname, 'table', c.relname) ORDER BY c.oid) AS tables
    FROM (
        SELECT s.oid, s.table_schema, s.table_name FROM relations AS s WHERE s.relkind <> 'p'
        UNION
        SELECT l.oid, l.table_schema, l.table_name FROM leaves AS l
    ) AS r
    JOIN pg_catalog.pg_class AS c ON lower(c.relname::text COLLATE "default") = lower(r.table_name COLLATE "default")
    JOIN pg_catalog.pg_namespace AS n
        ON n.oid = c.relnamespace AND lower(n.nspname::text COLLATE "default") = lower(r.table_schema COLLATE "default")
    WHERE c.oid <> r.oid AND c.relkind IN ('r', 'p')
    GROUP BY r.oid
),
-- Tables with row security that hides rows from DMS's user, as PostgreSQL decides it for a role, which need not be there yet.
hidden AS (
    SELECT c.oid
    FROM pg_catalog.pg_class AS c
    WHERE c.relrowsecurity
        AND NOT coalesce(
            (
                SELECT
                    d.rolsuper
                    OR d.rolbypassrls
                    OR (NOT c.relforcerowsecurity AND pg_catalog.pg_has_role(d.oid, c.relowner, 'USAGE'))
                FROM pg_catalog.pg_roles AS d
                WHERE d.rolname = $3
            ),
            false
        )
),
-- What ADD COLUMN ... DEFAULT on a partitioned table gave to the rows that were there: its partitions keep it. One that
-- was attached later may have another history; where they disagree, nothing is said.
missing_of_leaves AS (
    SELECT
        l.root,
        a.attname,
        CASE
            WHEN count(DISTINCT (a.attmissingval::text::text[])[1]) = 1 THEN min((a.attmissingval::text::text[])[1])
        END AS missing
    FROM leaves AS l
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = l.oid
    WHERE a.atthasmissing AND NOT a.attisdropped
    GROUP BY l.root, a.attname
),
-- Triggers that can change a row of an UPDATE before it is written (tgtype: 1 row, 2 before, 16 update), enabled or not:
-- enabling one tells nobody.
rewriters AS (
    SELECT t.tgrelid FROM pg_catalog.pg_trigger AS t WHERE t.tgtype::integer & 19 = 19
),
-- How a guard against changes of the key is asked, as pg_get_triggerdef() writes it.
guarded_keys AS (
    SELECT
        p.conrelid,
        p.conkey,
        format(
            'WHEN (record_image_ne(ROW(%s), ROW(%s))) EXECUTE FUNCTION',
            string_agg('old.' || quote_ident(a.attname), ', ' ORDER BY k.ordinality),
            string_agg('new.' || quote_ident(a.attname), ', ' ORDER BY k.ordinality)
        ) AS condition
    FROM relations AS r
    JOIN pg_catalog.pg_constraint AS p ON p.conrelid = r.oid AND p.contype = 'p'
    CROSS JOIN unnest(p.conkey) WITH ORDINALITY AS k (attnum, ordinality)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.conrelid AND a.attnum = k.attnum
    GROUP BY p.conrelid, p.conkey
),
rewritten AS (
    SELECT w.tgrelid AS oid FROM rewriters AS w
    UNION
    SELECT l.root FROM leaves AS l JOIN rewriters AS w ON w.tgrelid = l.oid
),
columns AS (
    SELECT
        a.attrelid,
        a.attnum,
        a.attname,
        -- The name of a collation under which texts of other bytes are equal.
        (
            SELECT format('%I.%I', n.nspname, l.collname)
            FROM pg_catalog.pg_collation AS l
            JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace
            WHERE l.oid = a.attcollation AND NOT l.collisdeterministic
        ) AS loose_collation,
        -- What ADD COLUMN ... DEFAULT gave to the rows that were there; no change of any row says so.
        CASE
            WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1]
            ELSE (SELECT m.missing FROM missing_of_leaves AS m WHERE m.root = a.attrelid AND m.attname = a.attname)
        END AS missing,
        CASE
            WHEN plain.typnamespace <> 'pg_catalog'::regnamespace AND pg_type_is_visible(plain.oid)
                THEN quote_ident(plain_schema.nspname) || '.'
            ELSE ''
        END || format_type(plain.oid, CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END) AS type,
        element.typname AS element,
        element.typtype AS element_kind,
        element.typnamespace = 'pg_catalog'::regnamespace AS built_in,
        (
            SELECT jsonb_build_object('name', e.extname, 'schema', s.nspname)
            FROM pg_catalog.pg_depend AS d
            JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
            JOIN pg_catalog.pg_namespace AS s ON s.oid = e.extnamespace
            WHERE d.classid = 'pg_catalog.pg_type'::regclass
                AND d.objid = element.oid
                AND d.refclassid = 'pg_catalog.pg_extension'::regclass
                AND d.deptype = 'e'
        ) AS extension
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_type AS plain ON plain.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
    JOIN pg_catalog.pg_namespace AS plain_schema ON plain_schema.oid = plain.typnamespace
    JOIN pg_catalog.pg_type AS element
        ON element.oid = CASE WHEN plain.typcategory = 'A' AND plain.typelem <> 0 THEN plain.typelem ELSE plain.oid END
    WHERE a.attnum > 0 AND NOT a.attisdropped
)
SELECT
    r.table_schema,
    r.table_name,
    r.relkind::text,
    r.oid::bigint::text AS oid,
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', c.attname,
                    'type', c.type,
                    'attnum', c.attnum,
                    'missing', c.missing,
                    'element', c.element,
                    'elementKind', c.element_kind,
                    'builtIn', c.built_in,
                    'looseCollation', c.loose_collation,
                    'extension', c.extension
                )
                ORDER BY c.attnum
            ),
            '[]'
        )
        FROM columns AS c
        WHERE c.attrelid = r.oid
    ) AS columns,
    (
        SELECT coalesce(jsonb_agg(a.attname ORDER BY k.ordinality), '[]')
        FROM pg_catalog.pg_constraint AS p
        CROSS JOIN unnest(p.conkey) WITH ORDINALITY AS k (attnum, ordinality)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.conrelid AND a.attnum = k.attnum
        WHERE p.conrelid = r.oid AND p.contype = 'p'
    ) AS primary_key,
    coalesce(
        (SELECT p.condeferrable FROM pg_catalog.pg_constraint AS p WHERE p.conrelid = r.oid AND p.contype = 'p'), false
    ) AS key_is_deferrable,
    r.relpersistence::text AS persistence,
    -- Null for the two that DMS can work with, because a deployment may go from one to the other.
    CASE WHEN r.relreplident NOT IN ('d', 'f') THEN r.relreplident::text END AS other_identity,
    EXISTS (SELECT FROM hidden AS h WHERE h.oid = r.oid) AS hides_rows_from_dms,
    pg_catalog.row_security_active(r.oid) AS hides_rows_from_me,
    -- Those of a partitioned table are partitions; a plain one has children only by inheritance.
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema', n.nspname, 'table', c.relname) ORDER BY c.oid), '[]')
        FROM pg_catalog.pg_inherits AS i
        JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE i.inhparent = r.oid AND NOT c.relispartition
    ) AS children,
    coalesce((SELECT s.tables FROM lookalikes AS s WHERE s.oid = r.oid), '[]') AS similar_tables,
    -- With what is not as a partition has to be, and nothing else: there may be very many. Null for a plain table.
    CASE
        WHEN r.relkind = 'p' THEN (
            SELECT coalesce(
                jsonb_agg(
                    jsonb_strip_nulls(
                        jsonb_build_object(
                            'schema', l.table_schema,
                            'table', l.table_name,
                            'oid', l.oid::bigint::text,
                            'kind', CASE WHEN l.relkind <> 'r' THEN l.relkind::text END,
                            'persistence', CASE WHEN l.relpersistence <> 'p' THEN l.relpersistence::text END,
                            'other_identity', CASE WHEN l.relreplident NOT IN ('d', 'f') THEN l.relreplident::text END,
                            'hides_rows_from_dms', CASE WHEN h.oid IS NOT NULL THEN true END,
                            'similar_tables', s.tables
                        )
                    )
                    ORDER BY l.table_schema COLLATE "C", l.table_name COLLATE "C"
                ),
                '[]'
            )
            FROM leaves AS l
            LEFT JOIN hidden AS h ON h.oid = l.oid
            LEFT JOIN lookalikes AS s ON s.oid = l.oid
            WHERE l.root = r.oid
        )
    END AS partitions,
    EXISTS (SELECT FROM rewritten AS w WHERE w.oid = r.oid) AS updates_are_rewritten,
    -- The guards that work as a deployment makes them: a trigger calls the function of its own name, which has the body, the
    -- settings and the rights that it was made with, fires in every session, compares the bytes of the whole key and sees
    -- what other triggers do to a row. On a partitioned table they work where every partition has them.
    (
        SELECT coalesce(jsonb_agg(t.tgname ORDER BY t.tgname), '[]')
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
        WHERE t.tgrelid = r.oid
            AND t.tgenabled = 'A'
            AND t.tgname = 'audit_trail_' || f.proname
            AND f.pronamespace = pg_catalog.to_regnamespace('audit_trail')
            AND obj_description(f.oid, 'pg_proc') = md5(f.prosrc)
            AND f.proconfig IN (
                ARRAY['search_path=pg_catalog, pg_temp'], ARRAY['search_path="pg_catalog", "pg_temp"']
            )
            AND f.prosecdef = starts_with(f.proname, 'record_')
            -- tgtype: a statement trigger before TRUNCATE, a row trigger after UPDATE, one after INSERT and UPDATE.
            AND CASE t.tgtype::integer
                WHEN 34 THEN t.tgname LIKE '%\_truncate' AND t.tgqual IS NULL
                WHEN 17 THEN t.tgname LIKE '%\_key\_update' AND EXISTS (
                    SELECT
                    FROM guarded_keys AS k
                    WHERE k.conrelid = r.oid
                        AND (t.tgqual IS NULL OR strpos(pg_get_triggerdef(t.oid), k.condition) > 0)
                        AND (
                            t.tgattr::text = ''
                            OR k.conkey <@ CAST(string_to_array(t.tgattr::text, ' ') AS smallint[])
                            AND NOT EXISTS (SELECT FROM rewritten AS w WHERE w.oid = r.oid)
                        )
                )
                WHEN 21 THEN t.tgname = 'audit_trail_refuse_over_limit' AND t.tgqual IS NOT NULL
                ELSE false
            END
            AND NOT EXISTS (
                SELECT
                FROM leaves AS l
                WHERE l.root = r.oid
                    AND NOT EXISTS (
                        SELECT
                        FROM pg_catalog.pg_trigger AS g
                        WHERE g.tgrelid = l.oid AND g.tgname = t.tgname AND g.tgfoid = t.tgfoid AND g.tgenabled = 'A'
                    )
            )
    ) AS guards
FROM relations AS r
ORDER BY r.ordinality;

--> sql/source/former_names.sql | source cluster | as the master user | for tables that are missing
-- What tables are called now that were known by their pg_class.oid in $1: a table that was renamed, or moved to another
-- schema, keeps it.
SELECT c.oid::bigint::text AS oid, n.nspname AS schema, c.relname AS "table"
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid::bigint::text = ANY ($1::text[]) AND c.relkind IN ('r', 'p');

--> sql/dms/session_look.sql | source cluster | as the master user | before and after the script
-- The settings of DMS's sessions in this database that are not as sql/dms/session.sql leaves them; no row when all are.
SELECT 'the sessions of DMS''s user' AS about, pg_catalog.format('%s has not %s = %s in its sessions', 'audit_trail_dms_source', w.name, w.value) AS finding
FROM (VALUES ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('xmloption', 'content'), ('xmlbinary', 'base64'), ('lc_monetary', 'C'), ('array_nulls', 'on'), ('quote_all_identifiers', 'off'), ('standard_conforming_strings', 'on'), ('transform_null_equals', 'off'), ('default_transaction_isolation', 'read committed'), ('default_transaction_read_only', 'off'), ('default_transaction_deferrable', 'off'), ('synchronous_commit', 'on'), ('statement_timeout', '0'), ('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('search_path', '"$user", public'), ('client_encoding', 'UTF8'), ('DateStyle', 'ISO, MDY'), ('row_security', 'off'), ('wal_sender_timeout', '0')) AS w (name, value)
JOIN pg_catalog.pg_settings AS s ON s.name = w.name
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_db_role_setting AS d
    JOIN pg_catalog.pg_roles AS r ON r.oid = d.setrole
    JOIN pg_catalog.pg_database AS b ON b.oid = d.setdatabase
    CROSS JOIN pg_catalog.unnest(d.setconfig) AS c (setting)
    WHERE r.rolname = 'audit_trail_dms_source'
        AND b.datname = pg_catalog.current_database()
        AND c.setting = pg_catalog.concat(w.name, '=', w.value)
)
ORDER BY w.name;

--> sql/dms/session_look.sql | audit cluster | as the master user | before and after the script
-- The settings of DMS's sessions in this database that are not as sql/dms/session.sql leaves them; no row when all are.
SELECT 'the sessions of DMS''s user' AS about, pg_catalog.format('%s has not %s = %s in its sessions', 'audit_trail_dms_target', w.name, w.value) AS finding
FROM (VALUES ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('xmloption', 'content'), ('xmlbinary', 'base64'), ('lc_monetary', 'C'), ('array_nulls', 'on'), ('quote_all_identifiers', 'off'), ('standard_conforming_strings', 'on'), ('transform_null_equals', 'off'), ('default_transaction_isolation', 'read committed'), ('default_transaction_read_only', 'off'), ('default_transaction_deferrable', 'off'), ('synchronous_commit', 'on'), ('statement_timeout', '0'), ('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('search_path', '"$user", public'), ('client_encoding', 'UTF8'), ('DateStyle', 'ISO, MDY'), ('row_security', 'off'), ('wal_sender_timeout', '0')) AS w (name, value)
JOIN pg_catalog.pg_settings AS s ON s.name = w.name
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_db_role_setting AS d
    JOIN pg_catalog.pg_roles AS r ON r.oid = d.setrole
    JOIN pg_catalog.pg_database AS b ON b.oid = d.setdatabase
    CROSS JOIN pg_catalog.unnest(d.setconfig) AS c (setting)
    WHERE r.rolname = 'audit_trail_dms_target'
        AND b.datname = pg_catalog.current_database()
        AND c.setting = pg_catalog.concat(w.name, '=', w.value)
)
ORDER BY w.name;

--> sql/audit/database_users_look.sql | audit cluster | as the master user | before and after the script
-- The people's logins that are not as sql/audit/database_users.sql leaves them; no row when all are.
SELECT 'databaseUsers' AS about, f.finding
FROM (
    SELECT format('the login "%s" is not a member of %s', w.login, g.role) AS finding
    FROM jsonb_to_recordset('[]') AS w (login text, member_of text, is_made boolean)
    CROSS JOIN LATERAL unnest(CASE WHEN w.is_made THEN ARRAY[w.member_of, 'rds_iam'] ELSE ARRAY[w.member_of] END) AS g (role)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_auth_members AS m
        WHERE pg_get_userbyid(m.member) = w.login AND pg_get_userbyid(m.roleid) = g.role
    )
    UNION ALL
    SELECT format('the login "%s" is not to log in', w.login)
    FROM jsonb_to_recordset('[]') AS w (login text, member_of text, is_made boolean)
    JOIN pg_catalog.pg_roles AS r ON r.rolname = w.login
    WHERE w.is_made AND NOT r.rolcanlogin
    UNION ALL
    SELECT format(
        'the login "%1$s", which is not listed any more and cannot log in, has objects or rights: run REASSIGN OWNED BY %2$I TO CURRENT_USER and DROP OWNED BY %2$I in each database',
        r.rolname, r.rolname
    )
    FROM audit_trail.database_user AS d
    JOIN pg_catalog.pg_roles AS r ON r.oid = d.login_oid
    WHERE d.is_made
        AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset('[]') AS w (login text, member_of text, is_made boolean)
            WHERE w.login = d.login AND w.is_made AND d.login = r.rolname
        )
) AS f
ORDER BY f.finding;

--> sql/audit/look.sql | audit cluster | as the master user | before and after the script
-- What of a trail is not as a deployment leaves it; no row when all is well. Cheap, because it runs at every preview and
-- update: only what the log stands and falls with, and only in the catalog. npm run verify looks at all of it.
WITH audited AS (
    SELECT
        w.about,
        w.function_name,
        w.body_hash,
        w.settings,
        CAST(w.partitions AS jsonb) AS partitions,
        s.oid AS staging,
        s.relowner AS staging_owner,
        l.oid AS log,
        l.relowner AS log_owner,
        p.oid AS log_function,
        p.proowner AS function_owner,
        p.prosecdef AS is_definer,
        encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') AS found_hash,
        p.provolatile = 'v' AND p.proparallel = 'u' AND NOT p.proisstrict AS is_plain,
        coalesce(p.proconfig, '{}') AS proconfig
    FROM (VALUES ('public.items', 'public', 'items_staging', 'items_audit_log', 'public_items_cbe447f6_log_change', 'e1955bde367d4b0082ccf83802184a57d262bd8c0f9b62e60779b88952ad62b1', ARRAY['search_path=pg_catalog, pg_temp'], '[]'),
        ('audit_trail.marker', 'audit_trail', 'marker_staging', 'marker_audit_log', 'audit_trail_marker_09bea71c_log_change', 'e590b33d0f33351f02bcb5ac90d8844e38e4d8b00a8a404c2e93a502b3acf1cf', ARRAY['search_path=pg_catalog, pg_temp', 'TimeZone=UTC'], '[]')) AS w (about, schema_name, staging_name, log_name, function_name, body_hash, settings, partitions)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
    LEFT JOIN pg_catalog.pg_class AS s ON s.relnamespace = n.oid AND s.relname = w.staging_name
    LEFT JOIN pg_catalog.pg_class AS l ON l.relnamespace = n.oid AND l.relname = w.log_name
    LEFT JOIN pg_catalog.pg_namespace AS t ON t.nspname = 'audit_trail'
    LEFT JOIN pg_catalog.pg_proc AS p ON p.pronamespace = t.oid AND p.proname = w.function_name
),
owner AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_owner'
)
SELECT f.about, f.finding
FROM (
    SELECT a.about, 'there is no staging table' AS finding FROM audited AS a WHERE a.staging IS NULL
    UNION ALL
    SELECT a.about, 'there is no log' FROM audited AS a WHERE a.log IS NULL
    UNION ALL
    SELECT a.about, format('the function audit_trail.%I is gone', a.function_name)
    FROM audited AS a
    WHERE a.log_function IS NULL
    UNION ALL
    SELECT a.about, format('audit_trail.%I does not run with the rights of its owner', a.function_name)
    FROM audited AS a
    WHERE NOT a.is_definer
    UNION ALL
    SELECT a.about, format('audit_trail.%I is not as it was made', a.function_name)
    FROM audited AS a
    WHERE a.found_hash <> a.body_hash OR NOT a.is_plain
    UNION ALL
    SELECT a.about, format('audit_trail.%I lacks SET %s', a.function_name, s.setting)
    FROM audited AS a
    CROSS JOIN unnest(a.settings) AS s (setting)
    WHERE a.log_function IS NOT NULL
        AND NOT EXISTS (SELECT FROM unnest(a.proconfig) AS c (setting) WHERE lower(c.setting) = lower(s.setting))
    UNION ALL
    SELECT a.about, format('%s belongs to %s', o.object, pg_get_userbyid(o.owner))
    FROM audited AS a
    CROSS JOIN LATERAL (
        VALUES
            ('the staging table', a.staging_owner),
            ('the log', a.log_owner),
            ('the log''s function', a.function_owner)
    ) AS o (object, owner)
    WHERE o.owner <> (SELECT owner.oid FROM owner)
    UNION ALL
    SELECT
        a.about,
        CASE
            WHEN g.oid IS NULL THEN format('%s has no trigger %s', w.object, w.name)
            ELSE format('the trigger %s of %s is not ENABLE ALWAYS', w.name, w.object)
        END
    FROM audited AS a
    CROSS JOIN LATERAL (
        VALUES
            ('the staging table', a.staging, 'log_change'),
            ('the staging table', a.staging, 'keep_removed_row'),
            ('the staging table', a.staging, 'log_reload'),
            ('the log', a.log, 'append_only'),
            ('the log', a.log, 'append_only_truncate')
    ) AS w (object, relation, name)
    LEFT JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = w.relation AND g.tgname = w.name AND NOT g.tgisinternal
    WHERE w.relation IS NOT NULL AND (g.oid IS NULL OR g.tgenabled <> 'A')
    UNION ALL
    SELECT a.about, format('the trigger log_change calls another function than audit_trail.%I', a.function_name)
    FROM audited AS a
    JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = a.staging AND g.tgname = 'log_change'
    WHERE g.tgfoid <> a.log_function
    UNION ALL
    SELECT a.about, format('DMS''s user may not %s the staging table', r.privilege)
    FROM audited AS a
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS r (privilege)
    WHERE a.staging IS NOT NULL AND NOT has_table_privilege('audit_trail_dms_target', a.staging, r.privilege)
    UNION ALL
    SELECT
        a.about,
        CASE
            WHEN s.oid IS NULL OR NOT EXISTS (
                SELECT FROM pg_catalog.pg_inherits AS i WHERE (i.inhrelid, i.inhparent) = (s.oid, a.staging)
            )
                THEN format('the staging table of the partition %s is gone or detached', p.partition ->> 2)
            ELSE format('a trigger of the staging table of the partition %s is gone or not ENABLE ALWAYS', p.partition ->> 2)
        END
    FROM audited AS a
    CROSS JOIN LATERAL jsonb_array_elements(a.partitions) AS p (partition)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = p.partition ->> 0
    LEFT JOIN pg_catalog.pg_class AS s ON s.relnamespace = n.oid AND s.relname = p.partition ->> 1
    WHERE a.staging IS NOT NULL
        AND (
            NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE (i.inhrelid, i.inhparent) = (s.oid, a.staging))
            OR (
                SELECT count(*)
                FROM pg_catalog.pg_trigger AS g
                WHERE g.tgrelid = s.oid
                    AND g.tgname IN ('log_change', 'keep_removed_row', 'log_reload')
                    AND g.tgenabled = 'A'
            ) < 3
        )
    UNION ALL
    SELECT a.about, format('%s may not act as audit_trail_owner', current_user)
    FROM audited AS a
    WHERE NOT pg_has_role(current_user, 'audit_trail_owner', 'USAGE')
) AS f;
