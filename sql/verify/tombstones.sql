-- Tombstones whose key's last log row is no delete.
SELECT
    t.row_key::text AS row_key,
    CASE WHEN t.removed_row IS NULL THEN 'tombstone without delete' ELSE 'removed without a delete' END AS kind
FROM audit_trail.:"tombstone" AS t
LEFT JOIN LATERAL (
    SELECT l.operation
    FROM :"schema".:"audit_log" AS l
    WHERE l.row_key = t.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS last ON true
WHERE last.operation IS DISTINCT FROM 'D'
ORDER BY t.row_key
LIMIT $1::integer;
