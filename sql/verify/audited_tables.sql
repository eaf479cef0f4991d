-- The tables that have a trail.
SELECT t.table_schema AS schema, t.table_name AS table
FROM audit_trail.audited_table AS t;
