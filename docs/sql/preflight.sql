-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What a preflight asks the source. $n are values that are known only then. The session is read-only.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"0","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"on"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> sql/source/preflight/server.sql | source cluster | as the user of the source's address | once
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

--> sql/source/preflight/activity.sql | source cluster | as the user of the source's address | once
-- Who uses the server now, as far as it matters to a new slot: one row. $1 is the user that DMS will have, $2 the age in
-- seconds from which a transaction is a long one.
WITH now AS (
    SELECT
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS position
)
SELECT
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'name', s.slot_name,
                    'plugin', s.plugin,
                    'database', s.database,
                    'is_active', s.active,
                    'is_read_by_dms', coalesce(a.usename = $1, false),
                    'is_lost', coalesce(to_jsonb(s.*) ->> 'wal_status' = 'lost', false),
                    -- As text: JavaScript's numbers end before a bigint does.
                    'held_bytes', pg_wal_lsn_diff(n.position, s.restart_lsn)::text
                )
                ORDER BY s.slot_name
            ),
            '[]'
        )
        FROM pg_catalog.pg_replication_slots AS s
        CROSS JOIN now AS n
        LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
    ) AS slots,
    -- Also of others: who may not see what they do sees that they are there.
    (SELECT count(*)::integer FROM pg_catalog.pg_stat_replication AS r) AS senders,
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'gid', p.gid,
                    'owner', p.owner,
                    'seconds', extract(epoch FROM clock_timestamp() - p.prepared)::integer
                )
                ORDER BY p.prepared
            ),
            '[]'
        )
        FROM pg_catalog.pg_prepared_xacts AS p
    ) AS prepared,
    -- Those with an id: a slot waits for them wherever on the server they run. Without the text of any statement.
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'pid', a.pid,
                    'user', a.usename,
                    'application', a.application_name,
                    'database', a.datname,
                    'seconds', extract(epoch FROM clock_timestamp() - a.xact_start)::integer
                )
                ORDER BY a.xact_start
            ),
            '[]'
        )
        FROM pg_catalog.pg_stat_activity AS a
        WHERE a.backend_xid IS NOT NULL
            AND a.pid <> pg_backend_pid()
            AND clock_timestamp() - a.xact_start > make_interval(secs => $2::double precision)
    ) AS long_transactions;

--> sql/source/preflight/tables.sql | source cluster | as the user of the source's address | once
-- How large and busy the tables named in $1 (schemas) and $2 (tables, same length) are, and who owns them: one row per table
-- that there is. Of a partitioned table the sums of its leaves. Counts are the server's own estimates; numbers that may be
-- larger than JavaScript's are texts.
WITH wanted AS (
    SELECT w.table_schema, w.table_name, c.oid, c.relowner, c.relreplident
    FROM unnest($1::text[], $2::text[]) AS w (table_schema, table_name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.table_schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name AND c.relkind IN ('r', 'p')
),
leaves AS (
    SELECT
        w.oid AS root,
        c.oid,
        c.relreplident,
        greatest(c.reltuples, 0)::bigint AS live_rows,
        pg_table_size(c.oid) AS bytes
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT w.oid AS relid
        UNION
        SELECT p.relid FROM pg_catalog.pg_partition_tree(w.oid::regclass) AS p WHERE p.isleaf
    ) AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
    WHERE c.relkind = 'r'
)
SELECT
    w.table_schema AS schema,
    w.table_name AS "table",
    pg_get_userbyid(w.relowner)::text AS owner,
    -- Or for a transaction, as audit_trail.borrow_owners() and sql/source/grants.sql become a member.
    pg_has_role(w.relowner, 'USAGE')
    OR pg_has_role(w.relowner, 'USAGE WITH ADMIN OPTION')
    OR (
        current_setting('server_version_num')::integer < 160000
        AND (SELECT me.rolcreaterole FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user)
        AND NOT (SELECT o.rolsuper FROM pg_catalog.pg_roles AS o WHERE o.oid = w.relowner)
    ) AS is_mine,
    coalesce(bool_or(l.relreplident = 'f'), false) AS has_full_identity,
    coalesce(sum(l.live_rows), 0)::text AS live_rows,
    coalesce(sum(l.bytes), 0)::text AS bytes,
    coalesce(sum(s.n_tup_ins), 0)::text AS inserted,
    coalesce(sum(s.n_tup_upd), 0)::text AS updated,
    coalesce(sum(s.n_tup_del), 0)::text AS deleted
FROM wanted AS w
LEFT JOIN leaves AS l ON l.root = w.oid
LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = l.oid
GROUP BY w.oid, w.table_schema, w.table_name, w.relowner
ORDER BY w.table_schema COLLATE "C", w.table_name COLLATE "C";

--> sql/source/preflight/wal.sql | source cluster | as the user of the source's address | once
-- How much WAL the writer has written, and for how long its statistics count: one row. $1 is the position of an earlier look, or
-- null. Numbers that may be larger than JavaScript's are texts.
SELECT
    pg_current_wal_lsn()::text AS position,
    pg_wal_lsn_diff(pg_current_wal_lsn(), $1::pg_lsn)::text AS bytes_since,
    w.wal_bytes::text AS total_bytes,
    extract(epoch FROM clock_timestamp() - w.stats_reset)::double precision AS wal_seconds,
    -- A database whose statistics were never begun anew has no such time: they are at most as old as the server's.
    extract(epoch FROM clock_timestamp() - coalesce(d.stats_reset, w.stats_reset))::double precision AS table_seconds
FROM pg_catalog.pg_stat_wal AS w
LEFT JOIN pg_catalog.pg_stat_database AS d ON d.datname = current_database();
