-- Changes of one table that reached staging and that its trigger could not log, and that are not in it by now.
SELECT count(*)::text AS count, max(u.message) AS message
FROM audit_trail.unlogged_change AS u
WHERE u.table_schema = :'schema' AND u.table_name = :'table'
    AND NOT EXISTS (SELECT FROM audit_trail.brought_back AS b WHERE b.unlogged_id = u.unlogged_id)
    AND u.recorded_at >= coalesce($1::timestamptz, '-infinity');
