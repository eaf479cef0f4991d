-- The tables that are audited now: not those that left the list, whose logs are kept, and not the
-- trail's own markers.
SELECT t.table_schema AS schema, t.table_name AS "table"
FROM audit_trail.audited_table AS t
WHERE t.left_after IS NULL AND t.table_schema <> 'audit_trail'
ORDER BY t.table_schema COLLATE "C", t.table_name COLLATE "C";
