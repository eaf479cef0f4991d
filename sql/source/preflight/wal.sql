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
