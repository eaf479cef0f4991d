-- What the log says of the keys in the JSON array $1: the last version that was applied before the target transaction
-- $2 and every version from then on. A null hash is a deleted row.
SELECT
    k.at::integer AS at,
    v.applied_xid < $2::xid8 AS is_before,
    CASE WHEN v.operation <> 'D' THEN hashtextextended(v.image::text, 0)::text END AS hash
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
CROSS JOIN LATERAL (
    (
        SELECT l.audit_id, l.applied_xid, l.operation, :image AS image
        FROM :"schema".:"audit_log" AS l
        WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
            AND l.row_key = k.row_key
            AND l.applied_xid < $2::xid8
        ORDER BY l.audit_id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT l.audit_id, l.applied_xid, l.operation, :image AS image
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
        AND l.row_key = k.row_key
        AND l.applied_xid >= $2::xid8
) AS v
ORDER BY k.at, v.audit_id;
