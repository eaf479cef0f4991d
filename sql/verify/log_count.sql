-- The log's rows by the counts that were made of it before, which end below the transactions $1 and were made at $2: bucket 0 is
-- what the first one counted. Behind the last one come the rows that can be counted now, because every transaction up
-- to the oldest one that runs has ended, and those that cannot. Rows that a count could not have had are in its total only.
-- first_change is the number of the first row that is no row of a full load; waits_since is when the first row was recorded,
-- where that was more than an hour ago. One hash for each row, made of all that it says
-- but the number of the transaction, by which it is in its bucket.
WITH horizon AS MATERIALIZED (
    SELECT
        CASE
            WHEN pg_snapshot_xmin(pg_current_snapshot()) > coalesce(h.last, '0') THEN pg_snapshot_xmin(pg_current_snapshot())
        END AS below_xid,
        -- After the snapshot: of a transaction that it sees as ended, every row was recorded before.
        clock_timestamp() AS counted_at
    FROM (SELECT ($1::xid8[])[cardinality($1::xid8[])] AS last) AS h
),
bounds AS MATERIALIZED (
    SELECT
        array_remove($1::xid8[] || h.below_xid, NULL) AS xids,
        $2::timestamptz[] || h.counted_at AS times
    FROM horizon AS h
),
hashed AS (
    SELECT
        width_bucket(l.applied_xid, b.xids) AS bucket,
        l.recorded_at,
        CASE WHEN l.operation <> 'B' THEN l.audit_id END AS change_id,
        :row_hash AS hash
    FROM :"schema".:"audit_log" AS l
    CROSS JOIN bounds AS b
    OFFSET 0
),
buckets AS (
    SELECT
        r.bucket,
        count(*) AS log_rows,
        count(*) FILTER (WHERE r.recorded_at <= b.times[r.bucket + 1]) AS counted_rows,
        sum(r.hash) FILTER (WHERE r.recorded_at <= b.times[r.bucket + 1]) AS hash_sum,
        min(r.change_id) AS first_change,
        min(r.recorded_at) AS first_recorded
    FROM hashed AS r
    CROSS JOIN bounds AS b
    GROUP BY r.bucket
)
SELECT
    h.below_xid::text AS below_xid,
    h.counted_at::text AS counted_at,
    b.bucket,
    coalesce(b.log_rows, 0)::text AS log_rows,
    coalesce(b.counted_rows, 0)::text AS counted_rows,
    coalesce(b.hash_sum, 0)::text AS hash_sum,
    b.first_change::text AS first_change,
    CASE
        WHEN b.first_recorded < h.counted_at - interval '1 hour' THEN date_trunc('second', b.first_recorded)::text
    END AS waits_since
FROM horizon AS h
LEFT JOIN buckets AS b ON true
ORDER BY b.bucket;
