-- Changes of one table that reached staging and that its trigger could not log.
SELECT count(*)::text AS count, max(u.message) AS message
FROM audit_trail.unlogged_change AS u
WHERE u.table_schema = :'schema' AND u.table_name = :'table'
    AND u.recorded_at >= coalesce($1::timestamptz, '-infinity');
