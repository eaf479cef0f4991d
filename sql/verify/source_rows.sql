-- The source's rows of the keys in the JSON array $1, in its order; null where there is none. Beside their JSON, what that
-- does not tell.
SELECT hashtextextended(r.image::text, 0)::text AS hash, r.image::text AS image, r.told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
LEFT JOIN LATERAL (
    SELECT :image AS image, :told AS told
    FROM :"schema".:"table" AS t
    WHERE :same_row
    -- An infinite time and what DMS makes of it are the same key in the log.
    LIMIT 1
) AS r ON true
ORDER BY k.at;
