-- Those of the keys in the JSON array $1 that are in staging and have no log row of any time, or none that names the partition
-- of the source that staging has the key in. A log row that names none may be of any.
SELECT
    k.row_key::text AS row_key,
    CASE
        WHEN EXISTS (
            SELECT
            FROM :"schema".:"audit_log" AS l
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
        )
            THEN 'in staging under a partition that the log does not name'
        ELSE 'in staging but not in the log'
    END AS kind
FROM jsonb_array_elements($1::jsonb) AS k (row_key)
WHERE EXISTS (
    SELECT
    FROM :"schema".:"table" AS t
    WHERE :same_row
        AND NOT EXISTS (
            SELECT
            FROM :"schema".:"audit_log" AS l
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
                AND l.row_key = k.row_key
                AND (:same_partition OR :no_partition)
        )
);
