-- Whether key $3 lies behind $1 and before $2 (null: no bound), in this database's own order of keys.
SELECT
    ($1::jsonb IS NULL OR (:candidate) > (:lower)) AND ($2::jsonb IS NULL OR (:candidate) < (:upper)) AS between;
