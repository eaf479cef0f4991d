-- The partitions of one table that the last deployment knew.
SELECT p.partition_schema AS schema, p.partition_name AS "table"
FROM audit_trail.audited_partition AS p
WHERE p.table_schema = :'schema' AND p.table_name = :'table' AND p.left_at IS NULL
ORDER BY p.partition_schema, p.partition_name;
