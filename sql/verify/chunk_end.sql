-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (:row_key)::text AS row_key
FROM :"schema".:"table" AS t
WHERE ($1::jsonb IS NULL OR (:key) > (:lower))
ORDER BY :key
OFFSET $2::bigint - 1
LIMIT 1;
