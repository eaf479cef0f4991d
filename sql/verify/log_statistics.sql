-- How many rows of a log were deleted, in transactions that were rolled back too, as PostgreSQL counts them, and since when it
-- counts, where somebody has begun that anew.
-- https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT
    coalesce(sum(pg_stat_get_tuples_deleted(t.relid)), 0)::text AS deleted,
    (SELECT s.stats_reset::text FROM pg_catalog.pg_stat_database AS s WHERE s.datname = current_database()) AS since
FROM pg_partition_tree(to_regclass(:'audit_log_name')) AS t
WHERE t.isleaf;
