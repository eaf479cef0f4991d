-- From the source's commit to the commit that makes the change visible in the log, for every change that committed on
-- the source between two times (milliseconds since 1970).
SELECT
    count(*)::integer AS changes,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lag)::float8 AS p50,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY lag)::float8 AS p99,
    max(lag)::float8 AS worst
FROM (
    SELECT 1000 * extract(epoch FROM pg_xact_commit_timestamp(applied_xid::xid) - commit_timestamp) AS lag
    FROM public.items_audit_log
    WHERE operation <> 'B'
        AND commit_timestamp >= to_timestamp($1::float8 / 1000)
        AND commit_timestamp < to_timestamp($2::float8 / 1000)
) AS changes
