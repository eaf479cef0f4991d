-- Markers of one group that tell of an event and of which the gap ledger says nothing. One that is older than the trail tells
-- it nothing.
SELECT l.row_key ->> 'marker_id' AS id, max(l.new_row_data ->> 'kind') AS kind
FROM audit_trail.:"audit_log" AS l
WHERE l.operation IN ('B', 'I')
    AND l.new_row_data ->> 'kind' IS DISTINCT FROM 'verify'
    AND NOT EXISTS (SELECT FROM audit_trail.gap AS g WHERE g.detail -> 'marker' = l.row_key)
    AND NOT (
        l.operation = 'B'
        AND CAST(l.new_row_data ->> 'created_at' AS timestamptz) < (
            SELECT t.registered_at
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = ('audit_trail', :'table')
        )
    )
GROUP BY l.row_key
ORDER BY l.row_key;
