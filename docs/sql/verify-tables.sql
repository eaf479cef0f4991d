-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What verify asks about each table. $n are values that are known only then: keys, numbers of rows, times.

--> database/session.ts | at the beginning of each session
SET statement_timeout = 0;
SET default_transaction_read_only = off;
SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, w.value, false)
    FROM pg_catalog.jsonb_each_text('{"IntervalStyle":"postgres","TimeZone":"UTC","extra_float_digits":"1","bytea_output":"hex","xmloption":"content","xmlbinary":"base64","lc_monetary":"C","array_nulls":"on","quote_all_identifiers":"off","standard_conforming_strings":"on","transform_null_equals":"off","default_transaction_isolation":"read committed","default_transaction_read_only":"off","default_transaction_deferrable":"off","synchronous_commit":"on","statement_timeout":"0","lock_timeout":"2000","idle_in_transaction_session_timeout":"0","idle_session_timeout":"0","transaction_timeout":"0","search_path":"pg_catalog, pg_temp","DateStyle":"ISO, YMD","check_function_bodies":"on","default_tablespace":"","default_table_access_method":"heap","row_security":"off"}') AS w
    JOIN pg_catalog.pg_settings AS s ON s.name = w.key;

--> sql/verify/staging_columns.sql | audit cluster | as the user of verify's address | first | public.items
-- The columns of a staging table, or of a log; no row when there is no such table.
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('"public"."items_staging"') AND a.attnum > 0 AND NOT a.attisdropped;

--> sql/verify/acknowledgements.sql | audit cluster | as the user of verify's address | first | public.items
-- What somebody has explained of one table: gaps, also those that name no table, and differences. The oldest counts.
SELECT DISTINCT ON (k.gap_id, k.finding)
    k.gap_id::text AS gap_id,
    k.finding,
    coalesce(k.kind, g.kind) AS kind,
    k.acknowledged_by AS "by",
    to_char(k.acknowledged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
    k.reason
FROM audit_trail.acknowledgement AS k
LEFT JOIN audit_trail.gap AS g ON g.gap_id = k.gap_id
WHERE (k.table_schema = 'public' AND k.table_name = 'items')
    OR (g.gap_id IS NOT NULL AND g.table_name IS NULL)
    OR (g.table_schema = 'public' AND g.table_name = 'items')
ORDER BY k.gap_id, k.finding, k.acknowledgement_id;

--> sql/source/hold_table.sql | source cluster | as the user of verify's address | BEGIN READ ONLY and this before each statement that reads the table; ROLLBACK after it | public.items
-- Holds one table of the source as it is until the transaction ends, and fails if it cannot be read safely. Its owner is not the
-- reader: under the same name a view could be put, whose functions run with the reader's rights. So would the casts of a type
-- that somebody has made: no column may have one that was not known when the reading statements were made.
LOCK TABLE ONLY "public"."items" IN ACCESS SHARE MODE;

DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS c
        WHERE c.oid = pg_catalog.to_regclass('"public"."items"')
            AND (
                c.relkind = 'r'
                -- Its partitions are its own: they are locked when it is read, and another cannot take their place by its name alone.
                OR c.relkind = 'p'
                AND NOT EXISTS (
                    SELECT
                    FROM pg_catalog.pg_partition_tree(c.oid) AS t
                    JOIN pg_catalog.pg_class AS l ON l.oid = t.relid
                    WHERE l.relkind NOT IN ('r', 'p')
                )
            )
            AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_attribute AS a
                JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND a.attname <> ALL (ARRAY[]::name[])
                    -- A domain is read as the type that it is made of.
                    AND CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END >= 16384
            )
    ) THEN
        RAISE EXCEPTION '% is not a plain table, or has got a column of a type that somebody made', '"public"."items"';
    END IF;
END
$do$;

--> sql/verify/chunk_end.sql | source cluster | as the user of verify's address | for each range of keys | public.items
-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (jsonb_build_object('item_id', t."item_id"))::text AS row_key
FROM "public"."items" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer)))
ORDER BY t."item_id"
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/chunk_end.sql | audit cluster | as the user of verify's address | for each range of keys | public.items
-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (jsonb_build_object('item_id', t."item_id"))::text AS row_key
FROM "public"."items_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer)))
ORDER BY t."item_id"
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/chunk_order.sql | source cluster | as the user of verify's address | where the ranges of both sides end otherwise | public.items
-- Whether key $3 lies behind $1 and before $2 (null: no bound), in this database's own order of keys.
SELECT
    ($1::jsonb IS NULL OR (CAST($3::jsonb ->> 'item_id' AS integer)) > (CAST($1::jsonb ->> 'item_id' AS integer))) AND ($2::jsonb IS NULL OR (CAST($3::jsonb ->> 'item_id' AS integer)) < (CAST($2::jsonb ->> 'item_id' AS integer))) AS between;

--> sql/verify/chunk_sum.sql | source cluster | as the user of verify's address | for each range of keys | public.items
-- One chunk's number of rows and the sum of their hashes, which does not depend on their order; and of each column in which the
-- log takes different values for the same, how many rows have such a value.
SELECT
    count(*)::text AS rows,
    coalesce(sum(hashtextextended((to_jsonb(t.*))::text, 0)), 0)::text AS sum,
    CAST(ARRAY[] AS text[]) AS blurred
FROM "public"."items" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer))) AND ($2::jsonb IS NULL OR (t."item_id") <= (CAST($2::jsonb ->> 'item_id' AS integer)));

--> sql/verify/chunk_sum.sql | audit cluster | as the user of verify's address | for each range of keys | public.items
-- One chunk's number of rows and the sum of their hashes, which does not depend on their order; and of each column in which the
-- log takes different values for the same, how many rows have such a value.
SELECT
    count(*)::text AS rows,
    coalesce(sum(hashtextextended(((to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq']))::text, 0)), 0)::text AS sum,
    CAST(ARRAY[] AS text[]) AS blurred
FROM "public"."items_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer))) AND ($2::jsonb IS NULL OR (t."item_id") <= (CAST($2::jsonb ->> 'item_id' AS integer)));

--> sql/verify/chunk_hashes.sql | source cluster | as the user of verify's address | for a range that differs | public.items
-- One chunk's keys, each with the hash of its row.
SELECT (jsonb_build_object('item_id', t."item_id"))::text AS row_key, hashtextextended((to_jsonb(t.*))::text, 0)::text AS hash
FROM "public"."items" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer))) AND ($2::jsonb IS NULL OR (t."item_id") <= (CAST($2::jsonb ->> 'item_id' AS integer)));

--> sql/verify/chunk_hashes.sql | audit cluster | as the user of verify's address | for a range that differs | public.items
-- One chunk's keys, each with the hash of its row.
SELECT (jsonb_build_object('item_id', t."item_id"))::text AS row_key, hashtextextended(((to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq']))::text, 0)::text AS hash
FROM "public"."items_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer))) AND ($2::jsonb IS NULL OR (t."item_id") <= (CAST($2::jsonb ->> 'item_id' AS integer)));

--> sql/verify/source_rows.sql | source cluster | as the user of verify's address | for keys that differ | public.items
-- The source's rows of the keys in the JSON array $1, in its order; null where there is none. Beside their JSON, what that
-- does not tell.
SELECT hashtextextended(r.image::text, 0)::text AS hash, r.image::text AS image, r.told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
LEFT JOIN LATERAL (
    SELECT to_jsonb(t.*) AS image, CAST(ARRAY[] AS text[]) AS told
    FROM "public"."items" AS t
    WHERE t."item_id" = CAST(k.row_key ->> 'item_id' AS integer)
    -- An infinite time and what DMS makes of it are the same key in the log.
    LIMIT 1
) AS r ON true
ORDER BY k.at;

--> sql/verify/log_versions.sql | audit cluster | as the user of verify's address | for keys that differ | public.items
-- What the log says of the keys in the JSON array $1: the last version that was applied before the target transaction
-- $2 and every version from then on. A null hash is a deleted row.
SELECT
    k.at::integer AS at,
    v.applied_xid < $2::xid8 AS is_before,
    CASE WHEN v.operation <> 'D' THEN hashtextextended(v.image::text, 0)::text END AS hash
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
CROSS JOIN LATERAL (
    (
        SELECT l.audit_id, l.applied_xid, l.operation, (CAST('{"item_id":null,"name":null,"price":null}' AS jsonb) || l.new_row_data) AS image
        FROM "public"."items_audit_log" AS l
        WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
            AND l.row_key = k.row_key
            AND l.applied_xid < $2::xid8
        ORDER BY l.audit_id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT l.audit_id, l.applied_xid, l.operation, (CAST('{"item_id":null,"name":null,"price":null}' AS jsonb) || l.new_row_data) AS image
    FROM "public"."items_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
        AND l.row_key = k.row_key
        AND l.applied_xid >= $2::xid8
) AS v
ORDER BY k.at, v.audit_id;

--> sql/verify/silent_columns.sql | audit cluster | as the user of verify's address | for keys whose rows did not change meanwhile | public.items
-- Of the keys in the JSON array $1, the columns in which staging is not the source's row in the array $2 of JSON texts, and of
-- which the key's last log row says nothing, because they came after it. Nothing of keys that have changed in a target
-- transaction since $3. One statement, so one snapshot of staging and log.
SELECT k.at::integer AS at, jsonb_agg(c.name ORDER BY c.name) AS columns
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
JOIN unnest($2::text[]) WITH ORDINALITY AS i (image, at) ON i.at = k.at
CROSS JOIN LATERAL (
    SELECT (to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq']) AS image FROM "public"."items_staging" AS t WHERE t."item_id" = CAST(k.row_key ->> 'item_id' AS integer)
) AS s
CROSS JOIN LATERAL (
    SELECT l.applied_xid, l.new_row_data
    FROM "public"."items_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS o
CROSS JOIN LATERAL jsonb_object_keys(s.image || i.image::jsonb) AS c (name)
WHERE o.applied_xid < $3::xid8
    AND (s.image -> c.name) IS DISTINCT FROM (i.image::jsonb -> c.name)
    AND NOT o.new_row_data ? c.name
GROUP BY k.at
ORDER BY k.at;

--> sql/verify/told_apart.sql | audit cluster | as the user of verify's address | for those, where the log cannot hold every value | public.items
-- Of the keys in the JSON array $1, what staging's rows have besides their JSON. Nothing of keys that have changed in a target
-- transaction since $2. One statement, so one snapshot of staging and log.
SELECT k.at::integer AS at, s.told AS told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
CROSS JOIN LATERAL (
    SELECT CAST(ARRAY[] AS text[]) AS told FROM "public"."items_staging" AS t WHERE t."item_id" = CAST(k.row_key ->> 'item_id' AS integer)
) AS s
CROSS JOIN LATERAL (
    SELECT l.applied_xid
    FROM "public"."items_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS o
WHERE o.applied_xid < $2::xid8
ORDER BY k.at;

--> sql/verify/differing_columns.sql | audit cluster | as the user of verify's address | for a row that differs | public.items
-- The columns in which the log's last version of key $1 is not the source's row $2. A text that ends after whole KiB, as
-- DMS cuts large values, is told apart; in JSON a bytea is two hexadecimal digits per byte after a "\x", and DMS does not
-- cut a character.
SELECT
    c.name,
    v.image ->> c.name <> '' AND starts_with($2::jsonb ->> c.name, v.image ->> c.name) AND CASE
        WHEN v.image ->> c.name LIKE '\\x%' THEN (octet_length(v.image ->> c.name) - 2) % 2048 = 0
        ELSE (octet_length(v.image ->> c.name) + 3) % 1024 <= 3
    END AS is_cut
FROM (
    SELECT (CAST('{"item_id":null,"name":null,"price":null}' AS jsonb) || l.new_row_data) AS image
    FROM "public"."items_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($1::jsonb, 0) AND l.row_key = $1::jsonb
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS v
CROSS JOIN LATERAL jsonb_object_keys(v.image || $2::jsonb) AS c (name)
WHERE (v.image -> c.name) IS DISTINCT FROM ($2::jsonb -> c.name)
ORDER BY c.name;

--> sql/verify/record_cut_value.sql | audit cluster | as the user of verify's address | for a value that DMS has cut | public.items
-- Enters into the gap ledger, once, that DMS has cut column $2 of the row with key $1.
SELECT audit_trail.record_once(
    'public',
    'items_staging',
    'lob truncated',
    NULL,
    NULL,
    jsonb_build_object('row_key', $1::jsonb, 'column', $2::text)
) AS found;

--> sql/verify/known_counts.sql | audit cluster | as the user of verify's address | each time | public.items
-- What was counted of a table's log before. Of spans in which the table had another log, which was set aside, this one has no
-- row; the gap ledger says so too.
WITH aside AS (
    SELECT max(t.set_aside_at) AS at
    FROM audit_trail.audited_table AS t
    WHERE t.table_schema = 'public'
        AND t.former_name = 'items'
        AND EXISTS (
            SELECT
            FROM audit_trail.gap AS g
            WHERE g.kind = 'not audited'
                AND (g.table_schema, g.table_name) = ('public', 'items')
                AND g.detail -> 'before' = jsonb_build_object('schema', t.table_schema, 'table', t.table_name)
        )
)
SELECT
    c.count_id::text AS count_id,
    c.from_xid::text AS from_xid,
    c.below_xid::text AS below_xid,
    c.counted_at::text AS counted_at,
    (CASE WHEN c.counted_at < a.at THEN 0 ELSE c.log_rows END)::text AS log_rows,
    (CASE WHEN c.counted_at < a.at THEN 0 ELSE c.hash_sum END)::text AS hash_sum
FROM audit_trail.log_count AS c
CROSS JOIN aside AS a
WHERE c.table_schema = 'public' AND c.table_name = 'items'
ORDER BY c.below_xid;

--> sql/verify/staging_columns.sql | audit cluster | as the user of verify's address | each time | public.items
-- The columns of a staging table, or of a log; no row when there is no such table.
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('"public"."items_audit_log"') AND a.attnum > 0 AND NOT a.attisdropped;

--> sql/verify/log_count.sql | audit cluster | as the user of verify's address | each time | public.items
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
        hashtextextended(
            l.stream_position || l.change_seq || CASE WHEN l.remarks IS NULL THEN '' ELSE l.remarks::text END,
            hashfloat8extended(
                date_part('epoch', l.commit_timestamp),
                hashfloat8extended(
                    date_part('epoch', l.recorded_at),
                    jsonb_hash_extended(
                        coalesce(l.new_row_data, 'null'),
                        jsonb_hash_extended(
                            coalesce(l.old_row_data, 'null'),
                            jsonb_hash_extended(
                                l.row_key,
                                hashint8extended(
                                    coalesce(l.transaction_id, 0), hashcharextended(l.operation::"char", l.audit_id)
                                )
                            )
                        )
                    )
                )
            )
        ) AS hash
    FROM "public"."items_audit_log" AS l
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

--> sql/verify/enter_count.sql | audit cluster | as the user of verify's address | for rows that are not counted yet | public.items
-- Enters a count of a table's log.
SELECT audit_trail.enter_count(
    'public', 'items', $1::xid8, $2::xid8, $3::timestamptz, $4::bigint, $5::numeric
);

--> sql/verify/log_statistics.sql | audit cluster | as the user of verify's address | each time | public.items
-- How many rows of a log were deleted, in transactions that were rolled back too, as PostgreSQL counts them, and since when it
-- counts, where somebody has begun that anew.
-- https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT
    coalesce(sum(pg_stat_get_tuples_deleted(t.relid)), 0)::text AS deleted,
    (SELECT s.stats_reset::text FROM pg_catalog.pg_stat_database AS s WHERE s.datname = current_database()) AS since
FROM pg_partition_tree(to_regclass('"public"."items_audit_log"')) AS t
WHERE t.isleaf;

--> sql/verify/log_chunk_end.sql | audit cluster | as the user of verify's address | for each range of log rows | public.items
-- The hash of the key whose log rows end a chunk of $2 log rows behind hash $1; no row when fewer are left.
SELECT jsonb_hash_extended(l.row_key, 0)::text AS row_key
FROM "public"."items_audit_log" AS l
WHERE ($1::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) > $1::bigint)
ORDER BY jsonb_hash_extended(l.row_key, 0)
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/log_chunk.sql | audit cluster | as the user of verify's address | for each range of log rows | public.items
-- Whether the log rows of the keys whose hashes lie behind $1 and up to $2 fit each other, and each key's last one its staging row or its tombstone.
-- $3 is the number of the log's first change. One statement, so one snapshot: DMS writes staging, log and tombstone in one
-- transaction.
WITH reloads AS (
    SELECT
        max(g.recorded_at) FILTER (WHERE g.kind = 'reload') AS last,
        -- Whether DMS has loaded the table more than once, or may be about to: a reload under way has no gap yet.
        count(g.kind) > 0 OR EXISTS (
            SELECT
            FROM pg_catalog.pg_trigger AS t
            WHERE t.tgrelid = to_regclass('"public"."items_staging"') AND t.tgname = 'make_room'
        ) AS is_reloaded
    FROM audit_trail.gap AS g
    WHERE g.kind IN ('reload', 'not audited', 'partition added', 'other table under this name') AND g.table_schema = 'public' AND g.table_name = 'items'
),
-- The columns that a row may have, and those that every row has, because they neither came nor went.
shape AS (
    SELECT
        array_agg(c.name) || CAST(
            ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = to_regclass('"public"."items_staging"'))
            AS text[]
        ) AS known,
        coalesce(array_agg(c.name) FILTER (WHERE c.present_from = '-infinity' AND c.gone_since IS NULL), '{}') AS steady
    FROM audit_trail.audited_column AS c
    WHERE c.table_schema = 'public' AND c.table_name = 'items'
),
-- Older deletes may have lost their tombstones to audit_trail.maintain().
horizon AS (
    SELECT r.tombstones_from
    FROM audit_trail.audited_table AS r
    WHERE r.table_schema = 'public' AND r.table_name = 'items'
),
-- Times at which a column came, went, or got another name or type: rows of before and after differ in it. As an array for
-- each column, because it is read for many rows.
turns AS (
    SELECT t.name, array_agg(t.at) AS at
    FROM (
        SELECT c.name, unnest(ARRAY[c.present_from, c.gone_since]) AS at
        FROM audit_trail.audited_column AS c
        WHERE c.table_schema = 'public' AND c.table_name = 'items'
    ) AS t
    WHERE t.at > '-infinity'
    GROUP BY t.name
),
-- Columns that the source has dropped: staging keeps them, newer rows of the log are without them.
former AS (
    SELECT f.name
    FROM audit_trail.former_column AS f
    WHERE f.table_schema = 'public' AND f.table_name = 'items'
),
ordered AS (
    SELECT
        l.*,
        lag(l.operation) OVER w AS previous_operation,
        lag(l.new_row_data) OVER w AS previous_row,
        lag(l.commit_timestamp) OVER w AS previous_commit,
        lag(l.stream_position) OVER w AS previous_position,
        lag(l.remarks) OVER w AS previous_remarks,
        lag(l.change_seq) OVER w AS previous_seq,
        lag(l.recorded_at) OVER w AS previous_recorded,
        lead(l.audit_id) OVER w IS NULL AS is_last,
        -- For the key's last row: the partition of the source that all its log rows name, if that is one. NULL where they name
        -- several, one of them none, or the table has no partitions.
        CAST(NULL AS text) AS only_partition
    FROM "public"."items_audit_log" AS l
    WHERE ($1::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) > $1::bigint)
        AND ($2::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) <= $2::bigint)
    WINDOW w AS (PARTITION BY l.row_key ORDER BY l.audit_id)
),
-- Each key's last row with its staging row, which is read by its key from a plain table. Of a table with partitions it is joined as
-- a whole, in the one partition that the log names for it or in all of them: a look into hundreds of partitions for each row takes
-- minutes. A row in a partition that the key's log does not name is found by staging_without_log.sql. OFFSET 0, here and below:
-- what it computes is computed once for each row.
found AS (
    SELECT
        o.*,
        CASE WHEN t.tableoid IS NULL THEN s.row ELSE to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq'] END AS staging_row,
        coalesce(s.commit_timestamp, t.audit_trail_commit_timestamp) AS staging_commit,
        coalesce(s.stream_position, t.audit_trail_stream_position) AS staging_position,
        coalesce(s.change_seq, t.audit_trail_change_seq) AS staging_seq
    FROM ordered AS o
    LEFT JOIN LATERAL (
        SELECT
            to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq'] AS row,
            t.audit_trail_commit_timestamp AS commit_timestamp,
            t.audit_trail_stream_position AS stream_position,
            t.audit_trail_change_seq AS change_seq
        FROM "public"."items_staging" AS t
        WHERE NOT false AND o.is_last AND t."item_id" = CAST(o.row_key ->> 'item_id' AS integer)
        OFFSET 0
    ) AS s ON true
    LEFT JOIN "public"."items_staging" AS t
        ON false AND o.is_last AND (o.only_partition IS NULL OR false) AND t."item_id" = CAST(o.row_key ->> 'item_id' AS integer)
    OFFSET 0
),
judged AS (
    SELECT
        o.row_key,
        o.audit_id,
        o.stream_position,
        CASE
            WHEN o.operation NOT IN ('B', 'I', 'U', 'D')
                OR o.operation IN ('B', 'I') AND o.old_row_data IS NOT NULL
                OR (o.operation = 'D') <> (o.new_row_data IS NULL)
                -- A delete of a row that staging did not have has none.
                OR NOT coalesce(o.new_row_data, o.old_row_data, o.row_key) @> o.row_key
                OR NOT o.new_row_data ?& h.steady
                OR NOT o.old_row_data ?& h.steady
                OR o.new_row_data - h.known <> '{}'
                OR o.old_row_data - h.known <> '{}'
                OR o.operation = 'B' AND (o.stream_position, o.change_seq) <> ('', '')
                OR CASE
                    WHEN o.operation = 'B' THEN o.transaction_id IS NOT NULL
                    WHEN o.transaction_id IS NULL THEN
                        NOT coalesce(o.remarks && '{brought back,vanished in reload,partition left}', false)
                        AND NOT EXISTS (
                            SELECT
                            FROM audit_trail.gap AS g
                            WHERE g.kind = 'commit timestamp missing'
                                AND g.table_schema = 'public'
                                AND g.table_name = 'items'
                                AND g.detail -> 'row_key' = o.row_key
                                AND g.detail ->> 'stream_position' = o.stream_position
                        )
                    ELSE o.transaction_id <> audit_trail.microseconds(o.commit_timestamp)
                END
                THEN 'malformed log row'
            WHEN o.change_seq <> ''
                AND o.change_seq = o.previous_seq
                AND o.stream_position = o.previous_position
                AND NOT coalesce('completes large column' = ANY (o.remarks), false)
                THEN 'change logged twice'
            -- The full load comes before every change; only another one brings a row after them.
            WHEN o.operation = 'B' THEN
                CASE
                    WHEN NOT loads.is_reloaded
                        AND (
                            o.audit_id > $3::bigint
                            OR o.previous_operation <> 'B'
                            -- A large value that the load writes by a second step, in a transaction of its own.
                            OR o.previous_operation = 'B' AND o.commit_timestamp <> o.previous_commit
                        )
                        THEN 'baseline without a load'
                END
            -- The full load has read the row that this change made, or a later one, or had not yet read it: the row says so.
            WHEN 'overlaps baseline' = ANY (o.remarks)
                AND (
                    o.previous_operation = 'B'
                    AND o.operation = 'I'
                    AND (o.commit_timestamp <= o.previous_commit + interval '1 second' OR loads.is_reloaded)
                    OR o.previous_operation IS NOT NULL AND o.old_row_data IS NULL AND loads.is_reloaded
                )
                THEN NULL
            WHEN o.operation = 'I' AND o.previous_operation <> 'D' THEN 'insert over existing row'
            WHEN o.operation <> 'I' AND o.previous_operation IS NULL THEN 'no start'
            WHEN o.operation <> 'I' AND o.previous_operation = 'D' THEN 'change of a deleted row'
            WHEN o.operation <> 'I' AND o.previous_row IS DISTINCT FROM o.old_row_data
                AND (
                    o.old_row_data IS NULL
                    OR EXISTS (
                        SELECT
                        FROM jsonb_object_keys(o.previous_row || o.old_row_data) AS c (name)
                        WHERE (o.previous_row -> c.name) IS DISTINCT FROM (o.old_row_data -> c.name)
                            AND NOT EXISTS (
                                SELECT
                                FROM turns AS r
                                CROSS JOIN unnest(r.at) AS x (at)
                                WHERE r.name = c.name
                                    AND x.at > least(o.previous_recorded, o.previous_commit)
                                    AND x.at <= o.recorded_at
                            )
                    )
                )
                THEN 'broken chain'
            -- The position tells what came first; where it says that this one did not, the source's clock was set back. A
            -- change that was captured during the full load is older than the row's baseline.
            WHEN o.previous_operation <> 'B' AND o.commit_timestamp < o.previous_commit THEN
                CASE
                    WHEN audit_trail.lsn_of(o.stream_position) > audit_trail.lsn_of(o.previous_position)
                        THEN 'commit clock stepped back'
                    ELSE 'commit time goes back'
                END
            WHEN o.stream_position <> ''
                AND o.stream_position = o.previous_position
                AND length(o.change_seq) = length(o.previous_seq)
                AND o.change_seq COLLATE "C" < o.previous_seq COLLATE "C"
                THEN 'sequence goes back'
        END AS chain,
        CASE
            WHEN NOT o.is_last THEN NULL
            WHEN o.operation = 'D' THEN
                CASE
                    WHEN o.staging_row IS NOT NULL THEN 'deleted but in staging'
                    WHEN o.recorded_at >= (SELECT h.tombstones_from FROM horizon AS h)
                        AND NOT EXISTS (SELECT FROM audit_trail."public_items_tombstone" AS t WHERE t.row_key = o.row_key)
                        THEN 'deleted without tombstone'
                END
            WHEN o.staging_row IS NULL THEN
                -- The reload's gap covers rows that vanished in it.
                CASE WHEN o.recorded_at < loads.last THEN NULL ELSE 'not in staging' END
            WHEN o.new_row_data <> o.staging_row
                AND EXISTS (
                    SELECT
                    FROM jsonb_object_keys(o.new_row_data || o.staging_row) AS c (name)
                    WHERE (o.new_row_data -> c.name) IS DISTINCT FROM (o.staging_row -> c.name)
                        AND NOT EXISTS (
                            SELECT
                            FROM turns AS r
                            CROSS JOIN unnest(r.at) AS x (at)
                            WHERE r.name = c.name AND x.at > least(o.recorded_at, o.commit_timestamp)
                        )
                        AND NOT EXISTS (SELECT FROM former AS f WHERE f.name = c.name)
                )
                THEN 'log and staging differ'
            WHEN o.staging_seq <> o.change_seq
                OR o.staging_commit AT TIME ZONE 'UTC' <> o.commit_timestamp
                -- Staging keeps the greatest position of the key, which may be that of an earlier change.
                OR o.staging_position <> o.stream_position
                    AND NOT EXISTS (
                        SELECT
                        FROM "public"."items_audit_log" AS x
                        WHERE jsonb_hash_extended(x.row_key, 0) = jsonb_hash_extended(o.row_key, 0)
                            AND x.row_key = o.row_key
                            AND x.stream_position = o.staging_position
                    )
                THEN 'log and staging have other headers'
        END AS ending
    FROM found AS o
    CROSS JOIN reloads AS loads
    CROSS JOIN shape AS h
    OFFSET 0
),
problems AS (
    SELECT j.audit_id, j.row_key, p.kind
    FROM judged AS j
    CROSS JOIN LATERAL (VALUES (j.chain), (j.ending)) AS p (kind)
    WHERE p.kind IS NOT NULL
        -- The trigger has recorded these itself; the gap is what is reported.
        AND NOT (
            p.kind IN ('insert over existing row', 'no start', 'change of a deleted row', 'broken chain')
            AND EXISTS (
                SELECT
                FROM audit_trail.gap AS g
                WHERE g.table_schema = 'public'
                    AND g.table_name = 'items'
                    AND g.detail -> 'row_key' = j.row_key
                    AND g.detail ->> 'stream_position' = j.stream_position
            )
        )
)
SELECT p.row_key::text AS row_key, p.kind, p.audit_id::text AS audit_id
FROM problems AS p
ORDER BY p.audit_id;

--> sql/verify/source_rows.sql | audit cluster | as the user of verify's address | for a staging row that differs | public.items
-- The source's rows of the keys in the JSON array $1, in its order; null where there is none. Beside their JSON, what that
-- does not tell.
SELECT hashtextextended(r.image::text, 0)::text AS hash, r.image::text AS image, r.told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
LEFT JOIN LATERAL (
    SELECT to_jsonb(t.*) AS image, CAST(ARRAY[] AS text[]) AS told
    FROM "public"."items_staging" AS t
    WHERE t."item_id" = CAST(k.row_key ->> 'item_id' AS integer)
    -- An infinite time and what DMS makes of it are the same key in the log.
    LIMIT 1
) AS r ON true
ORDER BY k.at;

--> sql/verify/chunk_end.sql | audit cluster | as the user of verify's address | for each range of keys | public.items
-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (jsonb_build_object('item_id', t."item_id"))::text AS row_key
FROM "public"."items_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer)))
ORDER BY t."item_id"
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/staging_without_log.sql | audit cluster | as the user of verify's address | for each range of keys | public.items
-- Staging rows of a range of keys that the log does not know, in their partition of the source. The commit time leads to one
-- partition of the log.
SELECT (jsonb_build_object('item_id', t."item_id"))::text AS row_key
FROM "public"."items_staging" AS t
LEFT JOIN LATERAL (
    SELECT true AS found
    FROM "public"."items_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(jsonb_build_object('item_id', t."item_id"), 0)
        AND l.row_key = jsonb_build_object('item_id', t."item_id")
        AND l.commit_timestamp = t.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
        AND true
    LIMIT 1
) AS logged ON true
WHERE ($1::jsonb IS NULL OR (t."item_id") > (CAST($1::jsonb ->> 'item_id' AS integer))) AND ($2::jsonb IS NULL OR (t."item_id") <= (CAST($2::jsonb ->> 'item_id' AS integer)))
    AND logged.found IS NULL;

--> sql/verify/keys_without_log.sql | audit cluster | as the user of verify's address | for keys without a log row | public.items
-- Those of the keys in the JSON array $1 that are in staging and have no log row of any time, or none that names the partition
-- of the source that staging has the key in. A log row that names none may be of any.
SELECT
    k.row_key::text AS row_key,
    CASE
        WHEN EXISTS (
            SELECT
            FROM "public"."items_audit_log" AS l
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
        )
            THEN 'in staging under a partition that the log does not name'
        ELSE 'in staging but not in the log'
    END AS kind
FROM jsonb_array_elements($1::jsonb) AS k (row_key)
WHERE EXISTS (
    SELECT
    FROM "public"."items_staging" AS t
    WHERE t."item_id" = CAST(k.row_key ->> 'item_id' AS integer)
        AND NOT EXISTS (
            SELECT
            FROM "public"."items_audit_log" AS l
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
                AND l.row_key = k.row_key
                AND (true OR true)
        )
);

--> sql/verify/tombstones.sql | audit cluster | as the user of verify's address | each time | public.items
-- Tombstones whose key's last log row is no delete.
SELECT
    t.row_key::text AS row_key,
    CASE t.kind
        WHEN 'removed' THEN 'removed without a delete'
        WHEN 'emptied' THEN 'vanished in a reload that has not ended'
        ELSE 'tombstone without delete'
    END AS kind
FROM audit_trail."public_items_tombstone" AS t
LEFT JOIN LATERAL (
    SELECT l.operation
    FROM "public"."items_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(t.row_key, 0) AND l.row_key = t.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS last ON true
WHERE last.operation IS DISTINCT FROM 'D'
ORDER BY t.row_key
LIMIT $1::integer;

--> sql/verify/source_guards.sql | source cluster | as the user of verify's address | each time | public.items
-- The guards of one source table; on a partitioned one they have to be on each partition as well.
WITH leaves AS (
    SELECT t.relid AS oid
    FROM pg_catalog.pg_partition_tree(to_regclass('"public"."items"')) AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass('"public"."items"')
    WHERE t.isleaf AND c.relkind = 'p'
)
SELECT
    t.tgname AS name,
    t.tgenabled = 'A' AS always,
    t.tgname = 'audit_trail_' || f.proname AND f.pronamespace = to_regnamespace('audit_trail') AS own_function,
    -- One without a condition calls its function for every row.
    t.tgqual IS NULL OR pg_get_triggerdef(t.oid) LIKE '%record\_image\_ne(%' AS compares_bytes,
    -- The triggers that can change a row before it is written (tgtype: 1 row, 2 before, 16 update) and so the key in an UPDATE
    -- that does not name it, to a guard that looks only at those that do.
    (
        SELECT coalesce(jsonb_agg(o.tgname ORDER BY o.tgname), '[]')
        FROM pg_catalog.pg_trigger AS o
        WHERE (o.tgrelid = t.tgrelid OR o.tgparentid = 0 AND o.tgrelid IN (SELECT l.oid FROM leaves AS l))
            AND o.tgtype::integer & 19 = 19
            AND t.tgattr::text <> ''
    ) AS blind_to,
    (
        SELECT coalesce(jsonb_agg(l.oid::regclass::text ORDER BY l.oid), '[]')
        FROM leaves AS l
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_trigger AS g
            WHERE g.tgrelid = l.oid AND g.tgname = t.tgname AND g.tgfoid = t.tgfoid AND g.tgenabled = 'A'
        )
    ) AS missing_on
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
WHERE t.tgrelid = to_regclass('"public"."items"') AND t.tgname LIKE 'audit\_trail\_%';

--> sql/verify/partitions_not_audited.sql | source cluster | as the user of verify's address | each time | public.items
-- The partitions of the table that one audited partition belongs to, without those named in $1 (schemas) and $2 (tables,
-- same length). No row for a table that is no partition.
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_partition_tree(pg_catalog.pg_partition_root('"public"."items"'::regclass)) AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.isleaf
    AND NOT EXISTS (
        SELECT FROM unnest($1::text[], $2::text[]) AS a (table_schema, table_name)
        WHERE a.table_schema = n.nspname AND a.table_name = c.relname
    )
ORDER BY name;

--> sql/verify/columns_after_connect.sql | audit cluster | as the user of verify's address | each time | public.items
-- Columns that a deployment added to one staging table after the session of DMS that applies its changes had begun: DMS
-- learns a table's columns when its task starts. Nothing while that session cannot be seen.
SELECT DISTINCT a.column_name AS name
FROM audit_trail.gap AS g
CROSS JOIN LATERAL jsonb_each_text(g.detail -> 'after') AS a (column_name, column_type)
WHERE g.kind = 'shape change'
    AND g.table_schema = 'public'
    AND g.table_name = 'items'
    AND NOT g.detail ? 'added_by'
    AND g.detail -> 'before' ->> a.column_name IS DISTINCT FROM a.column_type
    AND g.to_timestamp > (
        SELECT s.backend_start
        FROM audit_trail.apply_session AS known
        JOIN pg_catalog.pg_stat_activity AS s
            ON concat_ws(' of ', s.pid, pg_catalog.pg_postmaster_start_time()) = known.session
        WHERE known.table_group = (
            SELECT coalesce(t.table_group, 'default')
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = ('public', 'items')
        )
    )
ORDER BY name;

--> sql/verify/log_trigger_arguments.sql | audit cluster | as the user of verify's address | each time | public.items
-- With which arguments a log's trigger must have been made.
SELECT audit_trail.log_trigger_arguments('public', 'items') AS log_arguments;

--> sql/verify/registry.sql | audit cluster | as the user of verify's address | each time | public.items
-- What the registry says of one table and nobody has entered there: by it, rows would be excused that differ.
WITH entry AS (
    SELECT
        t.*,
        t.staging AS staging_table,
        (
            SELECT c.oid
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relname = 'items_audit_log'
        ) AS log
    FROM audit_trail.audited_table AS t
    WHERE t.table_schema = 'public' AND t.table_name = 'items'
),
columns AS (
    SELECT c.* FROM audit_trail.audited_column AS c WHERE c.table_schema = 'public' AND c.table_name = 'items'
),
-- The months that the log has a partition of, from the bounds that the catalog has.
months AS (
    SELECT
        CAST(
            substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']+)''\)') AS timestamptz
        ) AS month
    FROM entry AS e
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = e.log
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
)
SELECT 'the registry has no such table' AS finding
WHERE NOT EXISTS (SELECT FROM entry)
UNION ALL
SELECT 'the registry names another staging table, log or table of tombstones'
FROM entry AS e
WHERE (e.staging_table, e.audit_log, e.tombstone) <> ('items_staging', 'items_audit_log', 'public_items_tombstone')
UNION ALL
SELECT format('the registry says that column %I came or went at %s, and no gap does', c.name, x.at)
FROM columns AS c
CROSS JOIN LATERAL (VALUES (c.present_from), (c.gone_since)) AS x (at)
WHERE x.at > '-infinity'
    -- One that was left out from its first day on changes nothing, and excuses nothing.
    AND NOT (
        c.excluded_because IS NOT NULL
        AND c.present_from = c.gone_since
        AND NOT EXISTS (
            SELECT FROM columns AS o WHERE o.name = c.name AND (o.gone_since IS NULL OR o.present_from < o.gone_since)
        )
    )
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.gap AS g
        WHERE g.kind = 'shape change'
            AND g.table_schema = 'public'
            AND g.table_name = 'items'
            AND g.to_timestamp = x.at
    )
UNION ALL
SELECT format('the registry does not know column %I of staging', a.attname)
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('"public"."items_staging"')
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attname <> ALL (CAST(ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq'] AS text[]))
    AND NOT EXISTS (SELECT FROM columns AS c WHERE c.name = a.attname)
UNION ALL
-- audit_trail.maintain() keeps those of a day at least.
SELECT format('the registry says that tombstones were forgotten up to %s', e.tombstones_from)
FROM entry AS e
WHERE e.tombstones_from > clock_timestamp() - interval '1 day'
UNION ALL
-- A deployment makes those of the month before and of two years ahead. A month of which rows stand in the default partition
-- gets none.
SELECT format('the log has no partition of %s, and had one', to_char(m.month, 'YYYY-MM'))
FROM entry AS e
CROSS JOIN LATERAL (
    SELECT generate_series(
        least(
            (SELECT min(k.month) FROM months AS k),
            date_trunc('month', e.registered_at, 'UTC') - interval '1 month'
        ),
        greatest((SELECT max(k.month) FROM months AS k), date_trunc('month', e.registered_at, 'UTC') + interval '23 months'),
        '1 month'
    ) AS month
) AS m
WHERE e.log IS NOT NULL
    AND NOT EXISTS (SELECT FROM months AS k WHERE k.month = m.month)
    AND NOT EXISTS (
        SELECT
        FROM "public"."items_audit_log_default" AS d
        WHERE d.commit_timestamp >= m.month AND d.commit_timestamp < m.month + interval '1 month'
    );

--> sql/verify/unlogged_changes.sql | audit cluster | as the user of verify's address | each time | public.items
-- Changes of one table that reached staging and that its trigger could not log, and that are not in it by now: that one was
-- brought back is true where the log has its row.
SELECT count(*)::text AS count, max(u.message) AS message
FROM audit_trail.unlogged_change AS u
WHERE u.table_schema = 'public' AND u.table_name = 'items'
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.brought_back AS b
        JOIN "public"."items_audit_log" AS l
            ON l.commit_timestamp = coalesce(u.commit_timestamp, u.recorded_at) AND l.audit_id = u.audit_id
        WHERE b.unlogged_id = u.unlogged_id
    )
    AND u.recorded_at >= coalesce($1::timestamptz, '-infinity');

--> sql/verify/gaps.sql | audit cluster | as the user of verify's address | each time | public.items
-- The gaps that touch one table, by kind. One that was recorded before $1 counts no more, whenever its cause was; nor
-- does one that somebody has acknowledged.
SELECT
    g.kind,
    count(*)::text AS count,
    (count(*) FILTER (WHERE a.gap_id IS NOT NULL))::text AS acknowledged,
    (
        count(*) FILTER (WHERE a.gap_id IS NULL AND g.recorded_at >= coalesce($1::timestamptz, '-infinity'))
    )::text AS open,
    to_char(max(g.recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last,
    coalesce(
        (array_agg(g.gap_id::text ORDER BY g.gap_id DESC) FILTER (
            WHERE a.gap_id IS NULL AND g.recorded_at >= coalesce($1::timestamptz, '-infinity')
        ))[1:5],
        '{}'
    ) AS open_ids,
    -- A kind that nobody knows may hide anything.
    coalesce(k.hides_changes, true) AS hides_changes
FROM audit_trail.gap AS g
LEFT JOIN audit_trail.gap_kind AS k ON k.kind = g.kind
LEFT JOIN (
    SELECT DISTINCT k.gap_id FROM audit_trail.acknowledgement AS k WHERE k.gap_id IS NOT NULL
) AS a ON a.gap_id = g.gap_id
WHERE g.table_name IS NULL OR (g.table_schema = 'public' AND g.table_name = 'items')
GROUP BY g.kind, k.hides_changes
ORDER BY g.kind;
