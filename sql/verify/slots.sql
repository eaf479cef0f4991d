-- The slots from which DMS reads this database.
SELECT
    s.slot_name,
    s.active,
    s.wal_status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::text AS lag_bytes
FROM pg_catalog.pg_replication_slots AS s
WHERE s.database = current_database() AND s.slot_type = 'logical' AND s.plugin = 'test_decoding'
ORDER BY s.slot_name;
