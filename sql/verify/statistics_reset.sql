-- Since when PostgreSQL counts what happens to the rows of this database, where somebody has begun that anew after the trail
-- was made; and whether it counts at all.
SELECT
    CASE
        WHEN s.stats_reset > (SELECT min(t.registered_at) FROM audit_trail.audited_table AS t)
            THEN date_trunc('second', s.stats_reset)::text
    END AS reset_at,
    current_setting('track_counts')::boolean AS counts
FROM pg_catalog.pg_stat_database AS s
WHERE s.datname = current_database();
