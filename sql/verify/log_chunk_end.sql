-- The key of the log row that ends a chunk of $2 log rows behind key $1; no row when fewer are left.
SELECT l.row_key::text AS row_key
FROM :"schema".:"audit_log" AS l
WHERE ($1::jsonb IS NULL OR l.row_key > $1::jsonb)
ORDER BY l.row_key
OFFSET $2::bigint - 1
LIMIT 1;
