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
