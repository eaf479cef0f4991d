-- One chunk's number of rows and the sum of their hashes, which does not depend on their order.
SELECT count(*)::text AS rows, coalesce(sum(hashtextextended((:image)::text, 0)), 0)::text AS sum
FROM :"schema".:"table" AS t
WHERE ($1::jsonb IS NULL OR (:key) > (:lower)) AND ($2::jsonb IS NULL OR (:key) <= (:upper));
