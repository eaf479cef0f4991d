-- The tables in which DMS reports changes that it did not apply, wherever its ControlSchema is.
SELECT n.nspname AS schema, c.relname AS name, has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relname IN ('awsdms_apply_exceptions', 'awsdms_suspended_tables');
