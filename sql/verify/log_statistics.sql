-- How many rows of a log were deleted, in transactions that were rolled back too, as PostgreSQL counts them.
-- https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT coalesce(sum(pg_stat_get_tuples_deleted(t.relid)), 0)::text AS deleted
FROM pg_partition_tree(to_regclass(:'audit_log_name')) AS t
WHERE t.isleaf;
