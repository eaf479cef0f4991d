-- The gaps that touch one table, by kind.
SELECT
    g.kind,
    count(*)::text AS count,
    to_char(max(coalesce(g.to_timestamp, g.recorded_at)) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last,
    max(coalesce(g.to_timestamp, g.recorded_at)) >= coalesce($1::timestamptz, '-infinity') AS is_recent,
    -- A kind that nobody knows may hide anything.
    coalesce(k.hides_changes, true) AS hides_changes
FROM audit_trail.gap AS g
LEFT JOIN audit_trail.gap_kind AS k ON k.kind = g.kind
WHERE g.table_name IS NULL OR (g.table_schema = :'schema' AND g.table_name = :'table')
GROUP BY g.kind, k.hides_changes
ORDER BY g.kind;
