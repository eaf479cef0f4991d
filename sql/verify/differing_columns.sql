-- The columns in which the log's last version of key $1 is not the source's row $2.
SELECT string_agg(c.name, ', ' ORDER BY c.name) AS columns
FROM (
    SELECT :image AS image
    FROM :"schema".:"audit_log" AS l
    WHERE l.row_key = $1::jsonb
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS v
CROSS JOIN LATERAL jsonb_object_keys(v.image || $2::jsonb) AS c (name)
WHERE (v.image -> c.name) IS DISTINCT FROM ($2::jsonb -> c.name);
