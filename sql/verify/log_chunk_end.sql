-- The hash of the key whose log rows end a chunk of $2 log rows behind hash $1; no row when fewer are left.
SELECT jsonb_hash_extended(l.row_key, 0)::text AS row_key
FROM :"schema".:"audit_log" AS l
WHERE ($1::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) > $1::bigint)
ORDER BY jsonb_hash_extended(l.row_key, 0)
OFFSET $2::bigint - 1
LIMIT 1;
