-- Changes of one table that reached staging and that its trigger could not log, and that are not in it by now: that one was
-- brought back is true where the log has its row.
SELECT count(*)::text AS count, max(u.message) AS message
FROM audit_trail.unlogged_change AS u
WHERE u.table_schema = :'schema' AND u.table_name = :'table'
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.brought_back AS b
        JOIN :"schema".:"audit_log" AS l
            ON l.commit_timestamp = coalesce(u.commit_timestamp, u.recorded_at) AND l.audit_id = u.audit_id
        WHERE b.unlogged_id = u.unlogged_id
    )
    AND u.recorded_at >= coalesce($1::timestamptz, '-infinity');
