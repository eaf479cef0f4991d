-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What verify asks about the trail as a whole. It also runs the scripts of audit-cluster.sql and the marker's of audit-tables.sql once more, in a schema of another name, and rolls them back.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"2000","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"off"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> sql/status/audited.sql | audit cluster | as the user of verify's address | where no table is named
-- The tables that are audited now: not those that left the list, whose logs are kept, and not the
-- trail's own markers.
SELECT t.table_schema AS schema, t.table_name AS "table"
FROM audit_trail.audited_table AS t
WHERE t.left_after IS NULL AND t.table_schema <> 'audit_trail'
ORDER BY t.table_schema COLLATE "C", t.table_name COLLATE "C";

--> sql/verify/registered_tables.sql | audit cluster | as the user of verify's address | first
-- Which source table each trail was deployed for, and with which key.
SELECT t.table_schema, t.table_name, t.source_oid, to_jsonb(t.primary_key) AS primary_key
FROM audit_trail.audited_table AS t;

--> sql/source/catalog.sql | source cluster | as the user of verify's address | first: the tables as they are now
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

--> sql/source/former_names.sql | source cluster | as the user of verify's address | for tables that are missing
-- What tables are called now that were known by their pg_class.oid in $1: a table that was renamed, or moved to another
-- schema, keeps it.
SELECT c.oid::bigint::text AS oid, n.nspname AS schema, c.relname AS "table"
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid::bigint::text = ANY ($1::text[]) AND c.relkind IN ('r', 'p');

--> sql/verify/audited_tables.sql | audit cluster | as the user of verify's address | each time
-- The tables that have a trail: their groups, whether they have left the list or are about to, since when a reload is under
-- way, and what is theirs in audit_trail.
SELECT
    t.table_schema AS schema,
    t.table_name AS "table",
    t.tombstone,
    coalesce(t.table_group, 'default') AS table_group,
    t.left_after IS NOT NULL AS has_left,
    to_char(t.reload_began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS reload_began_at,
    ARRAY(
        SELECT DISTINCT format('%I.%I()', 'audit_trail', p.proname)
        FROM pg_catalog.pg_trigger AS g
        JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid
        WHERE g.tgrelid = to_regclass(format('%I.%I', t.table_schema, t.staging))
            AND g.tgname = 'log_change'
            AND p.pronamespace = 'audit_trail'::regnamespace
    ) || ARRAY(
        SELECT
            format(
                '%I.%I(%s)', 'audit_trail', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)
            )
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'audit_trail'::regnamespace AND p.proname = t.uncommon_function
    ) AS functions
FROM audit_trail.audited_table AS t;

--> sql/verify/chosen_columns.sql | audit cluster | as the user of verify's address | each time
-- What the last deployment's config said of single columns: those that staging holds as another type than the source, and
-- those that are left out of the trail.
SELECT
    c.table_schema AS schema,
    c.table_name AS "table",
    c.name,
    c.attnum,
    c.type,
    c.source_type,
    NULL AS excluded_because,
    NULL AS excluded_since
FROM audit_trail.audited_column AS c
WHERE c.gone_since IS NULL AND c.source_type IS NOT NULL
UNION ALL
SELECT
    e.table_schema,
    e.table_name,
    e.name,
    e.attnum,
    e.type,
    NULL,
    e.excluded_because,
    CASE
        WHEN e.gone_since > '-infinity' THEN to_char(e.gone_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END
FROM audit_trail.excluded_column AS e;

--> sql/verify/known_columns.sql | audit cluster | as the user of verify's address | each time
-- The columns that the staging table of each table may have besides those that the source has now. These are the columns
-- that a deployment knows, because only those it has numbers of.
SELECT
    c.table_schema AS schema,
    c.table_name AS "table",
    to_jsonb(array_agg(DISTINCT c.name)) AS columns
FROM audit_trail.audited_column AS c
WHERE c.attnum IS NOT NULL
    -- An excluded column that never was in the trail has nothing to look for in staging.
    AND (c.gone_since IS NULL OR c.present_from < c.gone_since)
GROUP BY c.table_schema, c.table_name;

--> sql/verify/staging_partitions.sql | audit cluster | as the user of verify's address | each time
-- What the staging tables of the partitions of each partitioned table have to be.
SELECT
    p.table_schema AS schema,
    p.table_name AS "table",
    jsonb_agg(
        jsonb_build_object(
            'name', format('%I.%I', p.partition_schema, p.staging),
            'column_default', quote_literal(p.label) || '::text',
            'bound', format('FOR VALUES IN (%s)', quote_literal(p.label))
        )
        ORDER BY p.label
    ) AS partitions
FROM audit_trail.audited_partition AS p
GROUP BY p.table_schema, p.table_name;

--> sql/verify/definitions.sql | audit cluster | as the user of verify's address | for the trail and for its copy
-- What the catalog says of everything in schema $1 and of the relations named in $2 with all their partitions: one row per
-- fact, so that two such lists can be compared. A relation calls itself <itself>; a partition names the relation that it
-- is a part of. Positions, statistics, comments and storage settings are no facts. Relations in $3 are left out: asking for the
-- text of a default takes a lock. So are the views and functions whose text PostgreSQL makes of such a relation, with a fact
-- "locked" that has the relation's oid.
WITH RECURSIVE parts AS (
    SELECT to_regclass(wanted.name)::oid AS oid, to_regclass(wanted.name)::oid AS root
    FROM unnest($2::text[]) AS wanted (name)
    WHERE to_regclass(wanted.name) IS NOT NULL
    UNION
    SELECT c.oid, c.oid
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = to_regnamespace($1::text) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition
    UNION
    SELECT i.inhrelid, p.root
    FROM parts AS p
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
),
unreadable AS (
    SELECT w.ev_class AS relation, NULL::oid AS routine, min(d.refobjid::bigint)::text AS locked
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_rewrite AS w ON w.oid = d.objid AND w.rulename = '_RETURN'
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($3::oid[])
    GROUP BY w.ev_class
    UNION ALL
    SELECT NULL, p.oid, min(d.refobjid::bigint)::text
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid AND p.prosqlbody IS NOT NULL
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($3::oid[])
    GROUP BY p.oid
),
relations AS (
    SELECT
        c.*,
        c.oid AS relation,
        c.oid::regclass::text AS name,
        CASE WHEN p.root <> p.oid THEN p.root::regclass::text END AS part_of
    FROM (SELECT DISTINCT * FROM parts) AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.oid
    WHERE p.oid <> ALL ($3::oid[]) AND p.oid NOT IN (SELECT u.relation FROM unreadable AS u WHERE u.relation IS NOT NULL)
),
routines AS (
    SELECT
        p.*,
        p.oid AS routine,
        format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.oid = to_regnamespace($1::text)
        AND p.oid NOT IN (SELECT u.routine FROM unreadable AS u WHERE u.routine IS NOT NULL)
),
acls AS (
    SELECT r.name, r.part_of, '' AS of_column, r.relowner AS owner, a.*
    FROM relations AS r
    CROSS JOIN LATERAL aclexplode(coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, r.relowner))) AS a
    UNION ALL
    SELECT r.name, r.part_of, format(' (%I)', c.attname), r.relowner, a.*
    FROM relations AS r
    JOIN pg_catalog.pg_attribute AS c ON c.attrelid = r.relation
    CROSS JOIN LATERAL aclexplode(c.attacl) AS a
    UNION ALL
    -- Whoever may set the sequence that numbers a log's rows could have new ones numbered before older ones.
    SELECT r.name, r.part_of, ' of its sequence', r.relowner, a.*
    FROM relations AS r
    JOIN pg_catalog.pg_depend AS d
        ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.relation AND d.deptype = 'i'
    JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
    CROSS JOIN LATERAL aclexplode(s.relacl) AS a
    WHERE a.privilege_type = 'UPDATE'
    UNION ALL
    SELECT f.name, NULL, '', f.proowner, a.*
    FROM routines AS f
    CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS a
    UNION ALL
    SELECT format('schema %I', n.nspname), NULL, '', n.nspowner, a.*
    FROM pg_catalog.pg_namespace AS n
    CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    WHERE n.oid = to_regnamespace($1::text)
),
facts AS (
    SELECT r.name, r.part_of, 'kind' AS aspect, '' AS item, concat(r.relkind, r.relpersistence) AS value
    FROM relations AS r
    UNION ALL
    SELECT r.name, r.part_of, 'owner', '', pg_get_userbyid(r.relowner) FROM relations AS r
    UNION ALL
    SELECT r.name, r.part_of, 'row security', '', concat(r.relrowsecurity, ', forced ', r.relforcerowsecurity)
    FROM relations AS r
    UNION ALL
    SELECT r.name, r.part_of, 'view text', '', concat(pg_get_viewdef(r.relation), r.reloptions::text)
    FROM relations AS r
    WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT r.name, r.part_of, 'bound', '', pg_get_expr(r.relpartbound, r.relation)
    FROM relations AS r
    WHERE r.relispartition
    UNION ALL
    SELECT r.name, r.part_of, 'child', i.inhrelid::regclass::text, ''
    FROM relations AS r
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = r.relation
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND NOT c.relispartition
    UNION ALL
    SELECT r.name, r.part_of, 'parent', i.inhparent::regclass::text, ''
    FROM relations AS r
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = r.relation
    WHERE NOT r.relispartition
    UNION ALL
    SELECT
        r.name,
        r.part_of,
        'column',
        a.attname,
        concat_ws(
            ' ',
            format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
            'IDENTITY ' || nullif(a.attidentity::text, ''),
            'GENERATED ' || nullif(a.attgenerated::text, '')
        )
    FROM relations AS r
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p', 'f')
    UNION ALL
    -- From version 18 on NOT NULL is a constraint too.
    SELECT r.name, r.part_of, 'constraint', pg_get_constraintdef(c.oid), concat('valid ', c.convalidated)
    FROM relations AS r
    JOIN pg_catalog.pg_constraint AS c ON c.conrelid = r.relation AND c.contype NOT IN ('n', 't')
    UNION ALL
    -- One more index that only finds rows is nobody's business; one with code or a condition of its own is.
    SELECT
        r.name,
        r.part_of,
        CASE WHEN i.indisunique OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN 'index' ELSE 'plain index' END,
        substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*'),
        concat('valid ', i.indisvalid)
    FROM relations AS r
    JOIN pg_catalog.pg_index AS i ON i.indrelid = r.relation
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS c WHERE c.conindid = i.indexrelid)
    UNION ALL
    SELECT
        r.name,
        r.part_of,
        'trigger',
        t.tgname,
        concat_ws(
            ' ',
            CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'D' THEN 'DISABLED' ELSE 'not ALWAYS' END,
            replace(pg_get_triggerdef(t.oid), concat(' ON ', r.name, ' '), ' ON <itself> ')
        )
    FROM relations AS r
    JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.relation AND NOT t.tgisinternal
    UNION ALL
    SELECT r.name, r.part_of, 'rule', w.rulename, concat(w.ev_enabled, ' ', pg_get_ruledef(w.oid))
    FROM relations AS r
    JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.relation AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT r.name, r.part_of, 'policy', p.polname, coalesce(pg_get_expr(p.polqual, p.polrelid), '')
    FROM relations AS r
    JOIN pg_catalog.pg_policy AS p ON p.polrelid = r.relation
    UNION ALL
    SELECT f.name, NULL, 'kind', '', concat('function ', f.prokind) FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'owner', '', pg_get_userbyid(f.proowner) FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'text', '', concat(f.prosrc, pg_get_function_sqlbody(f.oid)) FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'SECURITY DEFINER', '', f.prosecdef::text FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'setting', s.setting, '' FROM routines AS f CROSS JOIN LATERAL unnest(f.proconfig) AS s (setting)
    UNION ALL
    SELECT
        f.name,
        NULL,
        'signature',
        '',
        concat_ws(
            ' ',
            pg_get_function_arguments(f.oid),
            'RETURNS',
            pg_get_function_result(f.oid),
            l.lanname,
            f.provolatile,
            CASE WHEN f.proisstrict THEN 'STRICT' END,
            CASE WHEN f.proleakproof THEN 'LEAKPROOF' END,
            f.probin
        )
    FROM routines AS f
    JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
    UNION ALL
    SELECT a.name, a.part_of, 'privilege', concat(
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END,
        ' ',
        a.privilege_type,
        a.of_column,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END
    ), ''
    FROM acls AS a
    WHERE a.grantee <> a.owner
    UNION ALL
    SELECT format('%I.%I', $1::text, t.typname), NULL, 'kind', '', concat('type ', t.typtype)
    FROM pg_catalog.pg_type AS t
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
    WHERE t.typnamespace = to_regnamespace($1::text)
        AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c' OR (t.typtype = 'b' AND t.typelem = 0))
    UNION ALL
    SELECT o.oid::regoperator::text, NULL, 'kind', '', 'operator'
    FROM pg_catalog.pg_operator AS o
    WHERE o.oprnamespace = to_regnamespace($1::text)
    UNION ALL
    SELECT c.oid::regclass::text, NULL, 'locked', '', u.locked
    FROM unreadable AS u
    JOIN pg_catalog.pg_class AS c ON c.oid = u.relation AND c.relnamespace = to_regnamespace($1::text)
    UNION ALL
    SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), NULL, 'locked', '', u.locked
    FROM unreadable AS u
    JOIN pg_catalog.pg_proc AS p ON p.oid = u.routine
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.oid = to_regnamespace($1::text)
)
SELECT f.name, f.part_of, f.aspect, f.item, f.value
FROM facts AS f
ORDER BY f.name COLLATE "C", f.aspect COLLATE "C", f.item COLLATE "C";

--> sql/verify/trail_rows.sql | audit cluster | as the user of verify's address | for the trail and for its copy
-- What the trail's own tables must hold, as facts: a kind of gap that has been made harmless hides nothing any more, without
-- its token a log's function takes its own writes for changes, and without a version an older program may deploy.
SELECT
    format('%I.gap_kind', 'audit_trail') AS name,
    CAST(NULL AS text) AS part_of,
    'row' AS aspect,
    k.kind AS item,
    k.hides_changes::text AS value
FROM "audit_trail".gap_kind AS k
UNION ALL
SELECT format('%I.own_write', 'audit_trail'), NULL, 'number of rows', '', count(*)::text FROM "audit_trail".own_write
UNION ALL
SELECT format('%I.schema_version', 'audit_trail'), NULL, 'version', '', coalesce(max(v.version)::text, 'none') FROM "audit_trail".schema_version AS v;

--> sql/verify/default_receivers.sql | audit cluster | as the user of verify's address | before the copy is made
-- Who gets rights on what the owner of the logs makes, by ALTER DEFAULT PRIVILEGES without a schema. The copy of the trail that is
-- compared with the real one is made without them.
SELECT
    CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'FUNCTIONS' END AS objects,
    string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ') AS receivers
FROM pg_catalog.pg_default_acl AS d
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
WHERE d.defaclrole = to_regrole('audit_trail_owner')
    AND d.defaclnamespace = 0
    AND d.defaclobjtype IN ('r', 'S', 'f')
    AND a.grantee <> d.defaclrole
GROUP BY d.defaclobjtype;

--> sql/verify/task_slots.sql | source cluster | as the user of verify's address | each time
-- The slots of this database that a DMS task may read from, and whether the session that reads is the trail's user.
SELECT
    s.slot_name,
    s.active,
    coalesce(a.usename = 'audit_trail_dms_source', false) AS is_read_by_dms,
    s.wal_status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::text AS lag_bytes,
    -- In bytes since the beginning of all WAL: its end, what the reader has confirmed and what it was sent.
    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS wal_end,
    pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0')::text AS confirmed,
    -- NULL for a user who may not see the sessions of others.
    pg_wal_lsn_diff(r.sent_lsn, '0/0')::text AS sent
FROM pg_catalog.pg_replication_slots AS s
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
LEFT JOIN pg_catalog.pg_stat_replication AS r ON r.pid = s.active_pid
WHERE s.database = current_database() AND s.slot_type = 'logical' AND s.plugin = 'test_decoding'
ORDER BY s.slot_name;

--> sql/verify/known_slots.sql | audit cluster | as the user of verify's address | each time
-- The slots that the task had when somebody looked last; no row before the first look.
SELECT o.slots FROM audit_trail.slot_observation AS o;

--> sql/verify/observe_slots.sql | audit cluster | as the user of verify's address | where the tasks' slots are known
-- Tells the audit side the names $1 of the source's slots, and the groups $2 whose tasks have just brought a marker; says how many
-- gaps that made.
SELECT audit_trail.observe_slots($1::text[], $2::text[]) AS found;

--> sql/verify/lock_holders.sql | source cluster | as the user of verify's address | where a lock keeps a script from its tables
-- Who keeps this session from the tables that it reads or writes, the strongest locks first: a session that has a lock, or one
-- that waits for a lock which everybody behind it waits for too. A partition is part of the table at the top.
SELECT
    l.relation::text AS oid,
    l.relation::regclass::text AS relation,
    nullif(pg_partition_root(l.relation), l.relation)::regclass::text AS part_of,
    l.pid::text AS pid,
    coalesce(a.application_name, '') AS application,
    -- NULL where this user may not see it.
    to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
    l.granted
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation'
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND l.pid <> pg_backend_pid()
    AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
ORDER BY l.mode <> 'AccessExclusiveLock', l.granted DESC, l.pid, relation;

--> sql/verify/lock_holders.sql | audit cluster | as the user of verify's address | where a lock keeps a script from its tables
-- Who keeps this session from the tables that it reads or writes, the strongest locks first: a session that has a lock, or one
-- that waits for a lock which everybody behind it waits for too. A partition is part of the table at the top.
SELECT
    l.relation::text AS oid,
    l.relation::regclass::text AS relation,
    nullif(pg_partition_root(l.relation), l.relation)::regclass::text AS part_of,
    l.pid::text AS pid,
    coalesce(a.application_name, '') AS application,
    -- NULL where this user may not see it.
    to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
    l.granted
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation'
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND l.pid <> pg_backend_pid()
    AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
ORDER BY l.mode <> 'AccessExclusiveLock', l.granted DESC, l.pid, relation;

--> sql/verify/marker.sql | source cluster | as the user of verify's address | before and after each look at rows
-- A point to compare at: once this row is in the marker's log, every earlier commit of the source is on the audit side.
INSERT INTO audit_trail.marker (kind) VALUES ('verify') RETURNING marker_id::text AS id, created_at::text AS created_at;

--> sql/verify/marker_arrival.sql | audit cluster | as the user of verify's address | until the marker is there
-- Whether marker $1, made at $2, has arrived by one group's task, in which target transaction, and when the source committed
-- it. A source that was set back to an earlier state gives numbers once more.
SELECT
    l.applied_xid::text AS applied_xid,
    to_char(l.commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS commit_time
FROM audit_trail."marker_audit_log" AS l
WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(jsonb_build_object('marker_id', $1::bigint), 0)
    AND l.row_key = jsonb_build_object('marker_id', $1::bigint)
    AND CAST(l.new_row_data ->> 'created_at' AS timestamptz) = $2::timestamptz
LIMIT 1;

--> sql/verify/apply_sessions.sql | audit cluster | as the user of verify's address | while the marker is not there, with the slots: whether the task gets on
-- The transactions in which DMS writes now, and which statement each is at, without those of other groups' tasks. Empty for a
-- user who may not see the sessions of others.
SELECT
    a.pid || ' ' || a.backend_xid AS transaction,
    a.query_start::text AS statement
FROM pg_catalog.pg_stat_activity AS a
WHERE a.usename = 'audit_trail_dms_target' AND a.datname = current_database() AND a.backend_xid IS NOT NULL
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.apply_session AS known
        WHERE known.session = concat_ws(' of ', a.pid, pg_catalog.pg_postmaster_start_time()) AND known.table_group <> 'default'
    );

--> sql/verify/quoted_names.sql | audit cluster | as the user of verify's address | each time
-- The names $1 as this server writes them, quoted where they need it.
SELECT quote_ident(n.name) AS quoted
FROM unnest($1::text[]) WITH ORDINALITY AS n (name, at)
ORDER BY n.at;

--> sql/verify/event_triggers.sql | audit cluster | as the user of verify's address | each time
-- Code of somebody else that runs with the rights of whoever changes a table: of a deployment, or of maintenance. What an
-- extension brought is the extension's.
SELECT format('the event trigger %I runs %s in every session', e.evtname, e.evtfoid::regproc) AS finding
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D'
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e'
    );

--> sql/verify/write_grants.sql | audit cluster | as the user of verify's address | for the ledgers, and for each log
-- Who may write the tables $1, or read them as DMS, by whatever role he is in or can become; and whose the schemas are in which
-- they stand: the owner of a schema may drop what is in it. Those who deploy (this user, the database's owner) and the
-- server's own people (superusers, rds_superuser) may. What is granted outright is compared with what the scripts grant,
-- too.
WITH people AS MATERIALIZED (
    SELECT r.oid, r.rolname
    FROM pg_catalog.pg_roles AS r
    WHERE NOT r.rolsuper
        AND r.rolname NOT IN (current_user, session_user, 'audit_trail_owner')
        AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_roles AS s
            WHERE s.rolname = 'rds_superuser' AND pg_has_role(r.oid, s.oid, 'MEMBER')
        )
        -- PostgreSQL's own, pg_write_all_data among them, which nobody logs in as.
        AND r.rolname NOT LIKE 'pg\_%'
),
wanted AS MATERIALIZED (
    SELECT c.oid, n.nspname, n.nspowner
    FROM unnest($1::text[]) AS w (name)
    JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass(w.name)
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
),
holders AS MATERIALIZED (
    SELECT h.oid AS holder, w.oid AS relation, p.verb
    FROM pg_catalog.pg_roles AS h
    CROSS JOIN wanted AS w
    CROSS JOIN (
        VALUES ('write', 'INSERT, UPDATE, DELETE, TRUNCATE'), ('read', 'SELECT')
    ) AS p (verb, privileges)
    WHERE NOT h.rolsuper AND has_table_privilege(h.oid, w.oid, p.privileges)
)
SELECT DISTINCT format('%s may %s %s', r.rolname, h.verb, h.relation::regclass) AS finding
FROM people AS r
JOIN holders AS h ON pg_has_role(r.oid, h.holder, 'MEMBER')
WHERE (h.verb = 'write' OR r.rolname = 'audit_trail_dms_target')
    -- The collector writes gaps.
    AND NOT (r.rolname = 'audit_trail_collector' AND h.holder = r.oid)
UNION
SELECT format('the schema %I belongs to %s', w.nspname, r.rolname)
FROM wanted AS w
JOIN people AS r ON r.oid = w.nspowner
ORDER BY finding;

--> sql/verify/owner_members.sql | audit cluster | as the user of verify's address | each time
-- Who can act as the owner of the logs, besides those who deploy (the database's owner, this user) and superusers.
SELECT format('%s is a member of %s', r.rolname, 'audit_trail_owner') AS finding
FROM pg_catalog.pg_roles AS r
JOIN pg_catalog.pg_roles AS o ON o.rolname = 'audit_trail_owner'
WHERE r.oid <> o.oid
    AND NOT r.rolsuper
    AND r.rolname NOT IN (current_user, session_user)
    AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND pg_has_role(r.oid, o.oid, 'MEMBER')
UNION ALL
-- Until then whoever may make roles may grant every role that is no superuser, also to himself.
SELECT format('%s may make roles, and so make itself a member of %s before PostgreSQL 16', r.rolname, 'audit_trail_owner')
FROM pg_catalog.pg_roles AS r
WHERE current_setting('server_version_num')::integer < 160000
    AND r.rolcreaterole
    AND NOT r.rolsuper
    AND r.rolname NOT IN (current_user, session_user, 'audit_trail_owner')
    AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles AS s WHERE s.rolname = 'rds_superuser' AND pg_has_role(r.oid, s.oid, 'MEMBER')
    )
UNION ALL
SELECT format('%s can log in', o.rolname) FROM pg_catalog.pg_roles AS o WHERE o.rolname = 'audit_trail_owner' AND o.rolcanlogin;

--> sql/verify/role_powers.sql | audit cluster | as the user of verify's address | each time
-- What would let somebody rewrite the trail that is granted on none of its objects: default privileges, which hold for the next
-- partition, the next log, the next function; powers of the trail's own roles, as which its functions run and DMS writes; and
-- the server's files and programs. To read everything, to make databases, to replicate and to pass over row security
-- rewrites nothing, and is nobody's business here but that of the trail's own roles.
WITH own AS (
    SELECT r.*
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolname IN ('audit_trail_owner', 'audit_trail_collector', 'audit_trail_dms_target', 'audit_trail_auditor', 'audit_trail_operator')
),
defaults AS (
    SELECT
        o.rolname AS maker,
        n.nspname AS in_schema,
        d.defaclobjtype AS object_type,
        a.grantee,
        CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END AS receiver,
        a.privilege_type
    FROM pg_catalog.pg_default_acl AS d
    JOIN own AS o ON o.oid = d.defaclrole
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
    WHERE a.grantee <> o.oid
)
SELECT
    format(
        'what %s makes%s gets the right %s for %s, by ALTER DEFAULT PRIVILEGES',
        d.maker,
        ' in the schema ' || quote_ident(d.in_schema),
        d.privilege_type,
        d.receiver
    ) AS finding
FROM defaults AS d
WHERE NOT (d.grantee = 0 AND d.object_type = 'T' AND d.privilege_type = 'USAGE')
    -- Whoever may read logs is other people's business, but that DMS or everybody may.
    AND NOT (d.object_type = 'r' AND d.privilege_type = 'SELECT' AND d.grantee <> 0 AND d.receiver <> 'audit_trail_dms_target' AND d.maker = 'audit_trail_owner')
    AND (d.maker, d.in_schema, d.object_type, d.receiver, d.privilege_type)
        IS DISTINCT FROM ('audit_trail_dms_target', 'awsdms_control', 'r'::"char", 'audit_trail_collector', 'SELECT')
UNION ALL
-- Without an entry everybody may call them.
SELECT format('functions that %s makes are everybody''s to call: deploy again', 'audit_trail_owner')
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_default_acl AS d
    WHERE d.defaclrole = to_regrole('audit_trail_owner') AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f'
)
UNION ALL
SELECT format('%s has %s', o.rolname, p.power)
FROM own AS o
CROSS JOIN LATERAL (
    VALUES
        ('SUPERUSER', o.rolsuper),
        ('CREATEROLE', o.rolcreaterole),
        ('CREATEDB', o.rolcreatedb),
        ('REPLICATION', o.rolreplication),
        ('BYPASSRLS', o.rolbypassrls)
) AS p (power, is_there)
WHERE p.is_there
UNION ALL
SELECT format('%s may %s, as a member of %s', r.rolname, p.power, p.role)
FROM pg_catalog.pg_roles AS r
CROSS JOIN (
    VALUES
        ('pg_write_server_files', 'write the server''s files'),
        ('pg_execute_server_program', 'run programs on the server')
) AS p (role, power)
WHERE NOT r.rolsuper
    AND r.rolname NOT LIKE 'pg\_%'
    AND r.rolname NOT IN (current_user, session_user)
    AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND pg_has_role(r.oid, p.role, 'MEMBER')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles AS s WHERE s.rolname = 'rds_superuser' AND pg_has_role(r.oid, s.oid, 'MEMBER')
    )
ORDER BY finding;

--> sql/verify/ledger_statistics.sql | audit cluster | as the user of verify's address | each time
-- Ledgers of which rows were changed or deleted, in transactions that were rolled back too. brought_back is none of these: of
-- two callers that bring the same change back at once, the one that gives way counts as a delete.
SELECT
    format('%s of %s', w.what, s.relid::regclass) AS finding
FROM pg_catalog.pg_stat_all_tables AS s
CROSS JOIN LATERAL (
    VALUES
        (format('%s rows were deleted, or nearly,', s.n_tup_del), s.n_tup_del),
        (format('%s rows were changed, or nearly,', s.n_tup_upd), s.n_tup_upd)
) AS w (what, rows)
WHERE s.schemaname = 'audit_trail'
    AND s.relname IN ('acknowledgement', 'gap', 'log_count', 'unlogged_change')
    AND w.rows > 0
ORDER BY s.relname, w.what;

--> sql/verify/control_tables.sql | audit cluster | as the user of verify's address | each time
-- What speaks against the tables in which DMS reports what it did not apply, from the catalog alone: they belong to DMS's
-- user, so that reading them would run that user's code. The gap ledger has what is in them.
WITH wanted AS (
    SELECT
        format('awsdms_control.%I', w.name) AS name,
        to_regclass(format('awsdms_control.%I', w.name))::oid AS relation
    FROM unnest(ARRAY['awsdms_apply_exceptions', 'awsdms_suspended_tables']) AS w (name)
)
SELECT format('there is no %s, in which DMS tells what it did not apply', w.name) AS finding
FROM wanted AS w
WHERE w.relation IS NULL
UNION ALL
SELECT format('%s is no plain table', w.name)
FROM wanted AS w
JOIN pg_catalog.pg_class AS c ON c.oid = w.relation
WHERE c.relkind <> 'r' OR c.relrowsecurity OR c.relhassubclass OR c.relispartition
UNION ALL
SELECT format('%s is owned by %s, and not by %s', w.name, pg_get_userbyid(c.relowner), 'audit_trail_dms_target')
FROM wanted AS w
JOIN pg_catalog.pg_class AS c ON c.oid = w.relation
WHERE pg_get_userbyid(c.relowner) <> 'audit_trail_dms_target'
UNION ALL
SELECT format('%s cannot write %s', 'audit_trail_dms_target', w.name)
FROM wanted AS w
WHERE NOT has_table_privilege('audit_trail_dms_target', w.relation, 'INSERT')
    OR NOT has_schema_privilege('audit_trail_dms_target', 'awsdms_control', 'USAGE')
UNION ALL
SELECT format('the trigger %I of %s is not of DMS', t.tgname, w.name)
FROM wanted AS w
JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = w.relation AND NOT t.tgisinternal
UNION ALL
SELECT format('the rule %I of %s is not of DMS', r.rulename, w.name)
FROM wanted AS w
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = w.relation AND r.rulename <> '_RETURN';

--> sql/dms/session_look.sql | source cluster | as the user of verify's address | each time
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

--> sql/dms/session_look.sql | audit cluster | as the user of verify's address | each time
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

--> sql/verify/collect_gaps.sql | audit cluster | as the user of verify's address | each time
-- Brings the gap ledger up to date with what DMS has reported; says how many gaps were new.
SELECT audit_trail.collect_gaps() AS found;

--> sql/verify/source_markers.sql | source cluster | as the user of verify's address | each time
-- All markers that the source has.
SELECT m.marker_id::text AS id, m.created_at::text AS created_at FROM audit_trail.marker AS m ORDER BY m.marker_id;

--> sql/verify/missing_markers.sql | audit cluster | as the user of verify's address | each time
-- Those of the markers with the numbers $1 and the times $2 (same length) that one group's task has never brought.
SELECT m.id::text AS id
FROM unnest($1::bigint[], $2::timestamptz[]) AS m (id, created_at)
WHERE NOT EXISTS (
    SELECT
    FROM audit_trail."marker_audit_log" AS l
    WHERE l.row_key = jsonb_build_object('marker_id', m.id)
        AND CAST(l.new_row_data ->> 'created_at' AS timestamptz) = m.created_at
);

--> sql/verify/record_missing_markers.sql | audit cluster | as the user of verify's address | for markers that are missing
-- Enters into the gap ledger, once, that markers of the source are in no log: between $1 and $2, of what $3 tells.
SELECT audit_trail.record_once(NULL, NULL, 'marker missing', $1::timestamptz, $2::timestamptz, $3::jsonb) AS found;

--> sql/verify/untold_markers.sql | audit cluster | as the user of verify's address | each time
-- Markers of one group that tell of an event and of which the gap ledger says nothing. One that is older than the trail tells
-- it nothing.
SELECT l.row_key ->> 'marker_id' AS id, max(l.new_row_data ->> 'kind') AS kind
FROM audit_trail."marker_audit_log" AS l
WHERE l.operation IN ('B', 'I')
    AND l.new_row_data ->> 'kind' IS DISTINCT FROM 'verify'
    AND NOT EXISTS (SELECT FROM audit_trail.gap AS g WHERE g.detail -> 'marker' = l.row_key)
    AND NOT (
        l.operation = 'B'
        AND CAST(l.new_row_data ->> 'created_at' AS timestamptz) < (
            SELECT t.registered_at
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = ('audit_trail', 'marker')
        )
    )
GROUP BY l.row_key
ORDER BY l.row_key;

--> sql/verify/source_functions.sql | source cluster | as the user of verify's address | each time
-- The functions of the guards as they are, and what else there is about the markers that a deployment does not make: what runs
-- or decides when one is written, and who may take one away. body is null for the latter.
WITH marker AS (
    SELECT c.*, c.oid AS relation
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = to_regclass('audit_trail.marker')
)
SELECT
    p.proname AS name,
    p.prosrc AS body,
    p.prosecdef AS is_definer,
    -- A session with quote_all_identifiers writes the same path with quotes.
    replace(
        coalesce(array_to_string(p.proconfig, '; '), ''),
        'search_path="pg_catalog", "pg_temp"',
        'search_path=pg_catalog, pg_temp'
    ) AS settings,
    CASE WHEN p.proowner <> m.relowner THEN pg_get_userbyid(p.proowner)::text END AS other_owner
FROM pg_catalog.pg_proc AS p
LEFT JOIN marker AS m ON true
WHERE p.pronamespace = to_regnamespace('audit_trail')
UNION ALL
SELECT format('the trigger %I of audit_trail.marker', t.tgname), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = m.relation
WHERE NOT t.tgisinternal
UNION ALL
SELECT format('the rule %I of audit_trail.marker', w.rulename), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = m.relation
UNION ALL
SELECT format('the policy %I of audit_trail.marker', o.polname), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_policy AS o ON o.polrelid = m.relation
UNION ALL
SELECT 'row security of audit_trail.marker', NULL, NULL, NULL, NULL
FROM marker AS m
WHERE m.relrowsecurity
UNION ALL
SELECT format('the child %s of audit_trail.marker', i.inhrelid::regclass), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_inherits AS i ON i.inhparent = m.relation
UNION ALL
SELECT
    format(
        'the default privilege of %s to %s what %s makes in audit_trail',
        CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END,
        a.privilege_type,
        pg_get_userbyid(d.defaclrole)
    ),
    NULL, NULL, NULL, NULL
FROM pg_catalog.pg_default_acl AS d
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
WHERE d.defaclnamespace = to_regnamespace('audit_trail')
UNION ALL
SELECT
    format(
        'the right of %s to %s audit_trail.marker',
        CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END,
        a.privilege_type
    ),
    NULL, NULL, NULL, NULL
FROM marker AS m
CROSS JOIN LATERAL aclexplode(m.relacl) AS a
WHERE a.grantee <> m.relowner AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER');

--> sql/verify/two_phase.sql | source cluster | as the user of verify's address | each time
-- Whether transactions can be prepared at the source, and how many are.
SELECT
    current_setting('max_prepared_transactions')::integer AS allowed,
    (SELECT count(*)::integer FROM pg_catalog.pg_prepared_xacts AS p WHERE p.database = current_database()) AS prepared;

--> sql/verify/statistics_reset.sql | audit cluster | as the user of verify's address | each time
-- Since when PostgreSQL counts what happens to the rows of this database, where somebody has begun that anew after the trail
-- was made; and whether it counts at all.
SELECT
    CASE
        WHEN s.stats_reset > (SELECT min(t.registered_at) FROM audit_trail.audited_table AS t)
            THEN date_trunc('second', s.stats_reset)::text
    END AS reset_at,
    current_setting('track_counts')::boolean AS counts
FROM pg_catalog.pg_stat_database AS s
WHERE s.datname = current_database();
