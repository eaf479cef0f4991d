-- What tables are called now that were known by their pg_class.oid in $1: a table that was renamed, or moved to another
-- schema, keeps it.
SELECT c.oid::bigint::text AS oid, n.nspname AS schema, c.relname AS "table"
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid::bigint::text = ANY ($1::text[]) AND c.relkind IN ('r', 'p');
