-- On the audit cluster: the trail of the items, oldest change first.
SELECT
    audit_id,
    operation,
    row_key,
    old_row_data::text AS old_row_data,
    new_row_data::text AS new_row_data,
    to_char(commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS commit_timestamp_utc
FROM public.items_audit_log
ORDER BY audit_id;
