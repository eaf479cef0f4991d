-- What a database and its server are like for a trail: one row. $1 is the trail's schema, $2 the user that DMS will have, $3
-- the settings that matter. A setting's value is the one that a session of this user begins with.
WITH people AS (
    SELECT
        r.rolname,
        jsonb_build_object(
            'name', r.rolname,
            'is_superuser', r.rolsuper,
            'can_log_in', r.rolcanlogin,
            'can_make_roles', r.rolcreaterole,
            'can_replicate', r.rolreplication,
            'can_make_schemas', pg_catalog.has_database_privilege(r.oid, d.oid, 'CREATE'),
            -- Null where there is no such role, which only RDS and Aurora have.
            'is_rds_superuser', (
                SELECT pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')
                FROM pg_catalog.pg_roles AS g
                WHERE g.rolname = 'rds_superuser'
            ),
            'is_rds_replication', (
                SELECT pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')
                FROM pg_catalog.pg_roles AS g
                WHERE g.rolname = 'rds_replication'
            )
        ) AS person
    FROM pg_catalog.pg_roles AS r
    JOIN pg_catalog.pg_database AS d ON d.datname = current_database()
),
overrides AS (
    SELECT
        b.datname AS database,
        r.rolname AS role,
        split_part(c.setting, '=', 1) AS name,
        substr(c.setting, strpos(c.setting, '=') + 1) AS value
    FROM pg_catalog.pg_db_role_setting AS s
    LEFT JOIN pg_catalog.pg_database AS b ON b.oid = s.setdatabase
    LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
    CROSS JOIN unnest(s.setconfig) AS c (setting)
    WHERE s.setdatabase = 0 OR b.datname = current_database()
)
SELECT
    d.datname::text AS database,
    current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS version_number,
    pg_is_in_recovery() AS is_in_recovery,
    pg_encoding_to_char(d.encoding)::text AS encoding,
    EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.proname = 'aurora_version') AS is_aurora,
    EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'rds_superuser') AS is_managed,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'rds_aurora' AND c.relname LIKE 'limitless\_%'
    ) AS is_limitless,
    coalesce((SELECT t.ssl FROM pg_catalog.pg_stat_ssl AS t WHERE t.pid = pg_backend_pid()), false) AS is_encrypted,
    to_regnamespace($1) IS NOT NULL AS has_trail,
    (SELECT coalesce(jsonb_agg(e.extname ORDER BY e.extname), '[]') FROM pg_catalog.pg_extension AS e) AS extensions,
    (
        -- Those of RDS are in no list that a plain server has.
        SELECT jsonb_strip_nulls(jsonb_object_agg(w.name, coalesce(s.reset_val, current_setting(w.name, true))))
        FROM unnest($3::text[]) AS w (name)
        LEFT JOIN pg_catalog.pg_settings AS s ON s.name = w.name
    ) AS settings,
    -- What the configuration has for the next start of the server and not for this one.
    (
        SELECT coalesce(jsonb_agg(s.name ORDER BY s.name), '[]') FROM pg_catalog.pg_settings AS s WHERE s.pending_restart
    ) AS pending_restart,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(o.*) ORDER BY o.name, o.database, o.role), '[]')
        FROM overrides AS o
        WHERE o.name = ANY ($3::text[])
    ) AS overrides,
    (SELECT p.person FROM people AS p WHERE p.rolname = current_user) AS me,
    (SELECT p.person FROM people AS p WHERE p.rolname = $2) AS dms
FROM pg_catalog.pg_database AS d
WHERE d.datname = current_database();
