-- What of a trail is not as a deployment leaves it; no row when all is well. Cheap, because it runs at every preview and
-- update: only what the log stands and falls with, and only in the catalog. npm run verify looks at all of it.
WITH audited AS (
    SELECT
        w.about,
        w.function_name,
        w.body_hash,
        w.settings,
        CAST(w.partitions AS jsonb) AS partitions,
        s.oid AS staging,
        s.relowner AS staging_owner,
        l.oid AS log,
        l.relowner AS log_owner,
        p.oid AS log_function,
        p.proowner AS function_owner,
        p.prosecdef AS is_definer,
        encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') AS found_hash,
        p.provolatile = 'v' AND p.proparallel = 'u' AND NOT p.proisstrict AS is_plain,
        coalesce(p.proconfig, '{}') AS proconfig
    FROM (VALUES :audited) AS w (about, schema_name, staging_name, log_name, function_name, body_hash, settings, partitions)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
    LEFT JOIN pg_catalog.pg_class AS s ON s.relnamespace = n.oid AND s.relname = w.staging_name
    LEFT JOIN pg_catalog.pg_class AS l ON l.relnamespace = n.oid AND l.relname = w.log_name
    LEFT JOIN pg_catalog.pg_namespace AS t ON t.nspname = 'audit_trail'
    LEFT JOIN pg_catalog.pg_proc AS p ON p.pronamespace = t.oid AND p.proname = w.function_name
),
owner AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_owner'
)
SELECT f.about, f.finding
FROM (
    SELECT a.about, 'there is no staging table' AS finding FROM audited AS a WHERE a.staging IS NULL
    UNION ALL
    SELECT a.about, 'there is no log' FROM audited AS a WHERE a.log IS NULL
    UNION ALL
    SELECT a.about, format('the function audit_trail.%I is gone', a.function_name)
    FROM audited AS a
    WHERE a.log_function IS NULL
    UNION ALL
    SELECT a.about, format('audit_trail.%I does not run with the rights of its owner', a.function_name)
    FROM audited AS a
    WHERE NOT a.is_definer
    UNION ALL
    SELECT a.about, format('audit_trail.%I is not as it was made', a.function_name)
    FROM audited AS a
    WHERE a.found_hash <> a.body_hash OR NOT a.is_plain
    UNION ALL
    SELECT a.about, format('audit_trail.%I lacks SET %s', a.function_name, s.setting)
    FROM audited AS a
    CROSS JOIN unnest(a.settings) AS s (setting)
    WHERE a.log_function IS NOT NULL
        AND NOT EXISTS (SELECT FROM unnest(a.proconfig) AS c (setting) WHERE lower(c.setting) = lower(s.setting))
    UNION ALL
    SELECT a.about, format('%s belongs to %s', o.object, pg_get_userbyid(o.owner))
    FROM audited AS a
    CROSS JOIN LATERAL (
        VALUES
            ('the staging table', a.staging_owner),
            ('the log', a.log_owner),
            ('the log''s function', a.function_owner)
    ) AS o (object, owner)
    WHERE o.owner <> (SELECT owner.oid FROM owner)
    UNION ALL
    SELECT
        a.about,
        CASE
            WHEN g.oid IS NULL THEN format('%s has no trigger %s', w.object, w.name)
            ELSE format('the trigger %s of %s is not ENABLE ALWAYS', w.name, w.object)
        END
    FROM audited AS a
    CROSS JOIN LATERAL (
        VALUES
            ('the staging table', a.staging, 'log_change'),
            ('the staging table', a.staging, 'keep_removed_row'),
            ('the staging table', a.staging, 'log_reload'),
            ('the log', a.log, 'append_only'),
            ('the log', a.log, 'append_only_truncate')
    ) AS w (object, relation, name)
    LEFT JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = w.relation AND g.tgname = w.name AND NOT g.tgisinternal
    WHERE w.relation IS NOT NULL AND (g.oid IS NULL OR g.tgenabled <> 'A')
    UNION ALL
    SELECT a.about, format('the trigger log_change calls another function than audit_trail.%I', a.function_name)
    FROM audited AS a
    JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = a.staging AND g.tgname = 'log_change'
    WHERE g.tgfoid <> a.log_function
    UNION ALL
    SELECT a.about, format('DMS''s user may not %s the staging table', r.privilege)
    FROM audited AS a
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS r (privilege)
    WHERE a.staging IS NOT NULL AND NOT has_table_privilege('audit_trail_dms_target', a.staging, r.privilege)
    UNION ALL
    SELECT
        a.about,
        CASE
            WHEN s.oid IS NULL OR NOT EXISTS (
                SELECT FROM pg_catalog.pg_inherits AS i WHERE (i.inhrelid, i.inhparent) = (s.oid, a.staging)
            )
                THEN format('the staging table of the partition %s is gone or detached', p.partition ->> 2)
            ELSE format('a trigger of the staging table of the partition %s is gone or not ENABLE ALWAYS', p.partition ->> 2)
        END
    FROM audited AS a
    CROSS JOIN LATERAL jsonb_array_elements(a.partitions) AS p (partition)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = p.partition ->> 0
    LEFT JOIN pg_catalog.pg_class AS s ON s.relnamespace = n.oid AND s.relname = p.partition ->> 1
    WHERE a.staging IS NOT NULL
        AND (
            NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE (i.inhrelid, i.inhparent) = (s.oid, a.staging))
            OR (
                SELECT count(*)
                FROM pg_catalog.pg_trigger AS g
                WHERE g.tgrelid = s.oid
                    AND g.tgname IN ('log_change', 'keep_removed_row', 'log_reload')
                    AND g.tgenabled = 'A'
            ) < 3
        )
    UNION ALL
    SELECT a.about, format('%s may not act as audit_trail_owner', current_user)
    FROM audited AS a
    WHERE NOT pg_has_role(current_user, 'audit_trail_owner', 'USAGE')
) AS f;
