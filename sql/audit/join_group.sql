-- Lets tables that come from another group into the one that the config puts them into. To be run when no task writes them, which
-- is after the tasks that gave them up were told and before those that get them: two tasks must never write one staging table.
-- The task that gets a table loads it, and finds its staging full.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.begin_reload(t.table_schema, t.table_name)
FROM audit_trail.audited_table AS t
JOIN (VALUES :audited) AS w (table_schema, table_name, table_group)
    ON (w.table_schema, w.table_name) = (t.table_schema, t.table_name)
WHERE t.left_after IS NOT NULL AND t.left_at IS NULL AND t.table_group <> w.table_group;

UPDATE audit_trail.audited_table AS t
    SET table_group = w.table_group, moved_from = t.table_group
    FROM (VALUES :audited) AS w (table_schema, table_name, table_group)
    WHERE (t.table_schema, t.table_name) = (w.table_schema, w.table_name) AND t.table_group <> w.table_group;

RESET ROLE;
