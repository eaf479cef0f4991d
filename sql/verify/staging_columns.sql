-- The columns of a staging table, or of a log; no row when there is no such table.
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass(:'staging_name') AND a.attnum > 0 AND NOT a.attisdropped;
