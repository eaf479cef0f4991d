-- One chunk's number of rows and the sum of their hashes, which does not depend on their order; and of each column in which the
-- log takes different values for the same, how many rows have such a value.
SELECT
    count(*)::text AS rows,
    coalesce(sum(hashtextextended(:row_text, 0)), 0)::text AS sum,
    :blurred AS blurred
FROM :"schema".:"table" AS t
WHERE ($1::jsonb IS NULL OR (:key) > (:lower)) AND ($2::jsonb IS NULL OR (:key) <= (:upper));
