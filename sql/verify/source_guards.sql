-- The guards of one source table.
SELECT t.tgname AS name, t.tgenabled = 'A' AS always
FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = to_regclass(:'table_name') AND t.tgname LIKE 'audit\_trail\_%';
