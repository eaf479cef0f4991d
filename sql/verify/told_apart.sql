-- Of the keys in the JSON array $1, what staging's rows have besides their JSON. Nothing of keys that have changed in a target
-- transaction since $2. One statement, so one snapshot of staging and log.
SELECT k.at::integer AS at, s.told AS told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
CROSS JOIN LATERAL (
    SELECT :told AS told FROM :"schema".:"table" AS t WHERE :same_row
) AS s
CROSS JOIN LATERAL (
    SELECT l.applied_xid
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS o
WHERE o.applied_xid < $2::xid8
ORDER BY k.at;
