-- The slots of this database that a DMS task may read from, and whether the session that reads is the trail's user.
SELECT
    s.slot_name,
    s.active,
    coalesce(a.usename = :'dms', false) AS is_read_by_dms,
    s.wal_status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::text AS lag_bytes
FROM pg_catalog.pg_replication_slots AS s
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
WHERE s.database = current_database() AND s.slot_type = 'logical' AND s.plugin = 'test_decoding'
ORDER BY s.slot_name;
