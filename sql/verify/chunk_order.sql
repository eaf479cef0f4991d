-- Whether key $3 lies behind $1 and before $2, in this database's own order of keys.
SELECT ($1::jsonb IS NULL OR (:candidate) > (:lower)) AND (:candidate) < (:upper) AS between;
