-- What was counted of a table's log before. Of spans in which the table had another log, which was set aside, this one has no
-- row; the gap ledger says so too.
WITH aside AS (
    SELECT max(t.set_aside_at) AS at
    FROM audit_trail.audited_table AS t
    WHERE t.table_schema = :'schema'
        AND t.former_name = :'table'
        AND EXISTS (
            SELECT
            FROM audit_trail.gap AS g
            WHERE g.kind = 'not audited'
                AND (g.table_schema, g.table_name) = (:'schema', :'table')
                AND g.detail -> 'before' = jsonb_build_object('schema', t.table_schema, 'table', t.table_name)
        )
)
SELECT
    c.count_id::text AS count_id,
    c.from_xid::text AS from_xid,
    c.below_xid::text AS below_xid,
    c.counted_at::text AS counted_at,
    (CASE WHEN c.counted_at < a.at THEN 0 ELSE c.log_rows END)::text AS log_rows,
    (CASE WHEN c.counted_at < a.at THEN 0 ELSE c.hash_sum END)::text AS hash_sum
FROM audit_trail.log_count AS c
CROSS JOIN aside AS a
WHERE c.table_schema = :'schema' AND c.table_name = :'table'
ORDER BY c.below_xid;
