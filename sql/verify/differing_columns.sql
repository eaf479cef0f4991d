-- The columns in which the log's last version of key $1 is not the source's row $2. A text that ends after whole KiB, as
-- DMS cuts large values, is told apart; in JSON a bytea is two hexadecimal digits per byte after a "\x", and DMS does not
-- cut a character.
SELECT
    c.name,
    v.image ->> c.name <> '' AND starts_with($2::jsonb ->> c.name, v.image ->> c.name) AND CASE
        WHEN v.image ->> c.name LIKE '\\x%' THEN (octet_length(v.image ->> c.name) - 2) % 2048 = 0
        ELSE (octet_length(v.image ->> c.name) + 3) % 1024 <= 3
    END AS is_cut
FROM (
    SELECT :image AS image
    FROM :"schema".:"audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($1::jsonb, 0) AND l.row_key = $1::jsonb
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS v
CROSS JOIN LATERAL jsonb_object_keys(v.image || $2::jsonb) AS c (name)
WHERE (v.image -> c.name) IS DISTINCT FROM ($2::jsonb -> c.name)
ORDER BY c.name;
