-- The source's tables that hold rows of somebody's, without PostgreSQL's own schemas and those named in $1; each with the
-- partitioned tables that it is a part of.
SELECT
    n.nspname AS schema,
    c.relname AS "table",
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object('schema', s.nspname, 'table', p.relname)), '[]')
        FROM pg_catalog.pg_partition_ancestors(c.oid) AS a
        JOIN pg_catalog.pg_class AS p ON p.oid = a.relid
        JOIN pg_catalog.pg_namespace AS s ON s.oid = p.relnamespace
        WHERE a.relid <> c.oid
    ) AS part_of
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
    -- PostgreSQL lets nobody make a schema of a name that begins like that.
    AND n.nspname !~ '^pg_'
    AND n.nspname <> 'information_schema'
    AND n.nspname <> ALL ($1::text[])
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";
