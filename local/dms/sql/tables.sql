-- Tables that users made and that hold rows. A partitioned one brings nothing: its changes are in the WAL under the names of
-- its partitions, and what DMS would load of it no change would follow.
SELECT n.nspname AS schema, c.relname AS table
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
  AND n.nspname <> 'information_schema'
  AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname, c.relname;
