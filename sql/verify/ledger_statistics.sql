-- Ledgers of which rows were changed or deleted, in transactions that were rolled back too. brought_back is none of these: of
-- two callers that bring the same change back at once, the one that gives way counts as a delete.
SELECT
    format('%s of %s', w.what, s.relid::regclass) AS finding
FROM pg_catalog.pg_stat_all_tables AS s
CROSS JOIN LATERAL (
    VALUES
        (format('%s rows were deleted, or nearly,', s.n_tup_del), s.n_tup_del),
        (format('%s rows were changed, or nearly,', s.n_tup_upd), s.n_tup_upd)
) AS w (what, rows)
WHERE s.schemaname = 'audit_trail'
    AND s.relname IN ('acknowledgement', 'gap', 'log_count', 'unlogged_change')
    AND w.rows > 0
ORDER BY s.relname, w.what;
