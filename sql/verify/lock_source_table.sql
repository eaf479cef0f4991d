-- Holds one table of the source as it is while it is read. Its owner is not the reader: under the same name a view could
-- be put, whose functions run with the reader's rights.
BEGIN READ ONLY;
LOCK TABLE ONLY :"schema".:"table" IN ACCESS SHARE MODE;
SELECT
    c.relkind = 'r'
    -- Its partitions are its own: they are locked when it is read, and another cannot take their place by its name alone.
    OR c.relkind = 'p'
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_partition_tree(c.oid) AS t
        JOIN pg_catalog.pg_class AS l ON l.oid = t.relid
        WHERE l.relkind NOT IN ('r', 'p')
    ) AS is_plain
FROM pg_catalog.pg_class AS c
WHERE c.oid = to_regclass(:'table_name');
