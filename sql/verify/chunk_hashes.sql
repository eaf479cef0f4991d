-- One chunk's keys, each with the hash of its row.
SELECT (:row_key)::text AS row_key, hashtextextended(:row_text, 0)::text AS hash
FROM :"schema".:"table" AS t
WHERE ($1::jsonb IS NULL OR (:key) > (:lower)) AND ($2::jsonb IS NULL OR (:key) <= (:upper));
