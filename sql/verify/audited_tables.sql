-- The tables that have a trail: their groups, whether they have left the list or are about to, since when a reload is under
-- way, what is theirs in audit_trail, and the columns that their staging tables may have besides those that the source has
-- now. These are the columns that a deployment knows, because only those it has numbers of.
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
    ) AS functions,
    ARRAY(
        SELECT DISTINCT c.name
        FROM audit_trail.audited_column AS c
        WHERE c.table_schema = t.table_schema
            AND c.table_name = t.table_name
            AND c.attnum IS NOT NULL
            -- An excluded column that never was in the trail has nothing to look for in staging.
            AND (c.gone_since IS NULL OR c.present_from < c.gone_since)
    ) AS known_columns,
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', format('%I.%I', p.partition_schema, p.staging),
                    'column_default', quote_literal(p.label) || '::text',
                    'bound', format('FOR VALUES IN (%s)', quote_literal(p.label))
                )
                ORDER BY p.label
            ),
            '[]'
        )
        FROM audit_trail.audited_partition AS p
        WHERE p.table_schema = t.table_schema AND p.table_name = t.table_name
    ) AS partitions
FROM audit_trail.audited_table AS t;
