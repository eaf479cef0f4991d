-- The slots of this database that a DMS task may read from, and whether the session that reads is the trail's user.
SELECT
    s.slot_name,
    s.active,
    coalesce(a.usename = :'dms', false) AS is_read_by_dms,
    s.wal_status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::text AS lag_bytes,
    -- In bytes since the beginning of all WAL: its end, what the reader has confirmed and what it was sent.
    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS wal_end,
    pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0')::text AS confirmed,
    -- NULL for a user who may not see the sessions of others.
    pg_wal_lsn_diff(r.sent_lsn, '0/0')::text AS sent
FROM pg_catalog.pg_replication_slots AS s
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
LEFT JOIN pg_catalog.pg_stat_replication AS r ON r.pid = s.active_pid
WHERE s.database = current_database() AND s.slot_type = 'logical' AND s.plugin = 'test_decoding'
ORDER BY s.slot_name;
