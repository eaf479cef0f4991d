-- Staging rows of a range of keys that the log does not know, in their partition of the source. The commit time leads to one
-- partition of the log.
SELECT (:row_key)::text AS row_key
FROM :"schema".:"table" AS t
LEFT JOIN LATERAL (
    SELECT true AS found
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(:row_key, 0)
        AND l.row_key = :row_key
        AND l.commit_timestamp = t.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
        AND :same_partition
    LIMIT 1
) AS logged ON true
WHERE ($1::jsonb IS NULL OR (:key) > (:lower)) AND ($2::jsonb IS NULL OR (:key) <= (:upper))
    AND logged.found IS NULL;
