-- On the audit cluster: the first rows of the items' trail with an operation ($1) on some keys ($2), at most so many ($3).
SELECT
    log.audit_id,
    log.operation,
    log.row_key::text AS row_key,
    log.old_row_data::text AS old_row_data,
    log.new_row_data::text AS new_row_data,
    to_char(log.commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS commit_timestamp_utc
FROM unnest($2::jsonb[]) AS item (key)
JOIN public.items_audit_log AS log ON audit_trail.is_key(log.row_key, item.key)
WHERE log.operation = $1
ORDER BY log.audit_id
LIMIT $3;
