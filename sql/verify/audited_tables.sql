-- The tables that have a trail: their groups, whether they have left the list or are about to, since when a reload is under
-- way, and what is theirs in audit_trail.
SELECT
    t.table_schema AS schema,
    t.table_name AS "table",
    t.tombstone,
    coalesce(t.table_group, 'default') AS table_group,
    t.left_after IS NOT NULL AS has_left,
    to_char(t.reload_began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS reload_began_at,
    ARRAY(
        SELECT DISTINCT format('%I.%I()', 'audit_trail', p.proname)
        FROM pg_catalog.pg_trigger AS g
        JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid
        WHERE g.tgrelid = to_regclass(format('%I.%I', t.table_schema, t.staging))
            AND g.tgname = 'log_change'
            AND p.pronamespace = 'audit_trail'::regnamespace
    ) || ARRAY(
        SELECT
            format(
                '%I.%I(%s)', 'audit_trail', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)
            )
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'audit_trail'::regnamespace AND p.proname = t.uncommon_function
    ) AS functions
FROM audit_trail.audited_table AS t;
