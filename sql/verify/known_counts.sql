-- What was counted of a table's log before.
SELECT
    c.count_id::text AS count_id,
    c.from_xid::text AS from_xid,
    c.below_xid::text AS below_xid,
    c.counted_at::text AS counted_at,
    c.log_rows::text AS log_rows,
    c.hash_sum::text AS hash_sum
FROM audit_trail.log_count AS c
WHERE c.table_schema = :'schema' AND c.table_name = :'table'
ORDER BY c.below_xid;
