-- Whether marker $1, made at $2, has arrived by one group's task, in which target transaction, and when the source committed
-- it. A source that was set back to an earlier state gives numbers once more.
SELECT
    l.applied_xid::text AS applied_xid,
    to_char(l.commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS commit_time
FROM audit_trail.:"audit_log" AS l
WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(jsonb_build_object('marker_id', $1::bigint), 0)
    AND l.row_key = jsonb_build_object('marker_id', $1::bigint)
    AND CAST(l.new_row_data ->> 'created_at' AS timestamptz) = $2::timestamptz
LIMIT 1;
