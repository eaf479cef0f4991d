-- Of the keys in the JSON array $1, the columns in which staging is not the source's row in the array $2 of JSON texts, and of
-- which the key's last log row says nothing, because they came after it. Nothing of keys that have changed in a target
-- transaction since $3. One statement, so one snapshot of staging and log.
SELECT k.at::integer AS at, jsonb_agg(c.name ORDER BY c.name) AS columns
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
JOIN unnest($2::text[]) WITH ORDINALITY AS i (image, at) ON i.at = k.at
CROSS JOIN LATERAL (
    SELECT :image AS image FROM :"schema".:"table" AS t WHERE :same_row
) AS s
CROSS JOIN LATERAL (
    SELECT l.applied_xid, l.new_row_data
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS o
CROSS JOIN LATERAL jsonb_object_keys(s.image || i.image::jsonb) AS c (name)
WHERE o.applied_xid < $3::xid8
    AND (s.image -> c.name) IS DISTINCT FROM (i.image::jsonb -> c.name)
    AND NOT o.new_row_data ? c.name
GROUP BY k.at
ORDER BY k.at;
