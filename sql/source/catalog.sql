-- What the source's catalog says about the tables named in $1 (schemas) and $2 (tables, same length):
-- one row per table, in the order asked for, columns and key as JSON; relkind is null for a table that is missing.
-- A domain is shown as its base type, because staging holds plain columns; a type outside pg_catalog is qualified.
WITH wanted AS (
    SELECT w.table_schema, w.table_name, w.ordinality
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (table_schema, table_name, ordinality)
),
relations AS (
    SELECT w.*, c.oid, c.relkind, c.relispartition
    FROM wanted AS w
    LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace)
        ON n.nspname = w.table_schema AND c.relname = w.table_name
        AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c')
),
columns AS (
    SELECT
        a.attrelid,
        a.attnum,
        a.attname,
        a.attnotnull,
        a.attgenerated <> '' AS generated,
        a.attidentity <> '' AS identity,
        -- What ADD COLUMN ... DEFAULT gave to the rows that were there; no change of any row says so.
        CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END AS missing,
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
    coalesce(r.relispartition, false) AS is_partition,
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', c.attname,
                    'type', c.type,
                    'notNull', c.attnotnull,
                    'generated', c.generated,
                    'identity', c.identity,
                    'attnum', c.attnum,
                    'missing', c.missing,
                    'element', c.element,
                    'elementKind', c.element_kind,
                    'builtIn', c.built_in,
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
    ) AS primary_key
FROM relations AS r
ORDER BY r.ordinality;
