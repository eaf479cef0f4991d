-- The guards of one source table; on a partitioned one they have to be on each partition as well.
WITH leaves AS (
    SELECT t.relid AS oid
    FROM pg_catalog.pg_partition_tree(to_regclass(:'table_name')) AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass(:'table_name')
    WHERE t.isleaf AND c.relkind = 'p'
)
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
        WHERE (o.tgrelid = t.tgrelid OR o.tgparentid = 0 AND o.tgrelid IN (SELECT l.oid FROM leaves AS l))
            AND o.tgtype::integer & 19 = 19
            AND t.tgattr::text <> ''
    ) AS blind_to,
    (
        SELECT coalesce(jsonb_agg(l.oid::regclass::text ORDER BY l.oid), '[]')
        FROM leaves AS l
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_trigger AS g
            WHERE g.tgrelid = l.oid AND g.tgname = t.tgname AND g.tgfoid = t.tgfoid AND g.tgenabled = 'A'
        )
    ) AS missing_on
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
WHERE t.tgrelid = to_regclass(:'table_name') AND t.tgname LIKE 'audit\_trail\_%';
