-- The gaps that touch one table, by kind. One that was recorded before $1 counts no more, whenever its cause was; nor
-- does one that somebody has acknowledged.
SELECT
    g.kind,
    count(*)::text AS count,
    (count(*) FILTER (WHERE a.gap_id IS NOT NULL))::text AS acknowledged,
    (
        count(*) FILTER (WHERE a.gap_id IS NULL AND g.recorded_at >= coalesce($1::timestamptz, '-infinity'))
    )::text AS open,
    to_char(max(g.recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last,
    coalesce(
        (array_agg(g.gap_id::text ORDER BY g.gap_id DESC) FILTER (
            WHERE a.gap_id IS NULL AND g.recorded_at >= coalesce($1::timestamptz, '-infinity')
        ))[1:5],
        '{}'
    ) AS open_ids,
    -- A kind that nobody knows may hide anything.
    coalesce(k.hides_changes, true) AS hides_changes
FROM audit_trail.gap AS g
LEFT JOIN audit_trail.gap_kind AS k ON k.kind = g.kind
LEFT JOIN (
    SELECT DISTINCT k.gap_id FROM audit_trail.acknowledgement AS k WHERE k.gap_id IS NOT NULL
) AS a ON a.gap_id = g.gap_id
WHERE g.table_name IS NULL OR (g.table_schema = :'schema' AND g.table_name = :'table')
GROUP BY g.kind, k.hides_changes
ORDER BY g.kind;
