-- The guards of one source table.
SELECT
    t.tgname AS name,
    t.tgenabled = 'A' AS always,
    t.tgname = 'audit_trail_' || f.proname AND f.pronamespace = to_regnamespace('audit_trail') AS own_function,
    -- One without a condition calls its function for every row.
    t.tgqual IS NULL OR pg_get_triggerdef(t.oid) LIKE '%record\_image\_ne(%' AS compares_bytes,
    -- The triggers that can change a row before it is written (tgtype: 1 row, 2 before, 16 update) and so the key in an UPDATE
    -- that does not name it, to a guard that looks only at those that do.
    (
        SELECT coalesce(jsonb_agg(o.tgname ORDER BY o.tgname), '[]')
        FROM pg_catalog.pg_trigger AS o
        WHERE o.tgrelid = t.tgrelid AND o.tgtype::integer & 19 = 19 AND t.tgattr::text <> ''
    ) AS blind_to
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
WHERE t.tgrelid = to_regclass(:'table_name') AND t.tgname LIKE 'audit\_trail\_%';
