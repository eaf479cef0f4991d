-- The statements that give each table back as it was before the trail: without guards, and with its replica identity. Each is
-- a transaction of its own, so that no lock on one table waits for another.
SELECT
    format('%I.%I', n.nspname, c.relname) AS about,
    format(
        'SELECT audit_trail.remove_guards(%1$L::regclass), audit_trail.identify_as_before(%1$L::regclass), audit_trail.return_owners()',
        format('%I.%I', n.nspname, c.relname)
    ) AS statement
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT b.relation FROM audit_trail.identity_before AS b)
    OR c.oid IN (
        SELECT t.tgrelid
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
        -- A partition's copy of its parent's trigger goes with that one.
        WHERE p.pronamespace = 'audit_trail'::regnamespace AND t.tgparentid = 0
    )
-- A partitioned table before its partitions.
ORDER BY c.relkind = 'p' DESC, 1;
