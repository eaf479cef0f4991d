-- Tombstones whose key's last log row is no delete.
SELECT
    t.row_key::text AS row_key,
    CASE t.kind
        WHEN 'removed' THEN 'removed without a delete'
        WHEN 'emptied' THEN 'vanished in a reload that has not ended'
        ELSE 'tombstone without delete'
    END AS kind
FROM audit_trail.:"tombstone" AS t
LEFT JOIN LATERAL (
    SELECT l.operation
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(t.row_key, 0) AND l.row_key = t.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS last ON true
WHERE last.operation IS DISTINCT FROM 'D'
ORDER BY t.row_key
LIMIT $1::integer;
