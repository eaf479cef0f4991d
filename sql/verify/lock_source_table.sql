-- Holds one table of the source as it is while it is read. Its owner is not the reader: under the same name a view could
-- be put, whose functions run with the reader's rights.
BEGIN READ ONLY;
LOCK TABLE ONLY :"schema".:"table" IN ACCESS SHARE MODE;
SELECT c.relkind = 'r' AS is_plain
FROM pg_catalog.pg_class AS c
WHERE c.oid = to_regclass(:'table_name');
