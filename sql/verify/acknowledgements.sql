-- What somebody has explained of one table: gaps, also those that name no table, and differences. The oldest counts.
SELECT DISTINCT ON (k.gap_id, k.finding)
    k.gap_id::text AS gap_id,
    k.finding,
    coalesce(k.kind, g.kind) AS kind,
    k.acknowledged_by AS "by",
    to_char(k.acknowledged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
    k.reason
FROM audit_trail.acknowledgement AS k
LEFT JOIN audit_trail.gap AS g ON g.gap_id = k.gap_id
WHERE (k.table_schema = :'schema' AND k.table_name = :'table')
    OR (g.gap_id IS NOT NULL AND g.table_name IS NULL)
    OR (g.table_schema = :'schema' AND g.table_name = :'table')
ORDER BY k.gap_id, k.finding, k.acknowledgement_id;
