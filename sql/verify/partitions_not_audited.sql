-- The partitions of the table that one audited partition belongs to, without those named in $1 (schemas) and $2 (tables,
-- same length). No row for a table that is no partition.
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_partition_tree(pg_catalog.pg_partition_root(:'table_name'::regclass)) AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.isleaf
    AND NOT EXISTS (
        SELECT FROM unnest($1::text[], $2::text[]) AS a (table_schema, table_name)
        WHERE a.table_schema = n.nspname AND a.table_name = c.relname
    )
ORDER BY name;
