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
