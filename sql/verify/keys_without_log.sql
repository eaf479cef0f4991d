-- Those of the keys in the JSON array $1 that are in staging and have no log row of any time.
SELECT k.row_key::text AS row_key
FROM jsonb_array_elements($1::jsonb) AS k (row_key)
JOIN LATERAL (SELECT FROM :"schema".:"table" AS t WHERE :same_row) AS s ON true
WHERE NOT EXISTS (
    SELECT
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
);
