-- When verify committed its last marker at the source, which it does as long as it compares; no row before the first time.
SELECT to_char(m.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at
FROM audit_trail.marker AS m
WHERE m.kind = 'verify'
ORDER BY m.marker_id DESC
LIMIT 1;
