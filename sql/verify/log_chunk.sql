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
            WHERE t.tgrelid = to_regclass(:'staging_name') AND t.tgname = 'make_room'
        ) AS is_reloaded
    FROM audit_trail.gap AS g
    WHERE g.kind IN ('reload', 'not audited', 'partition added', 'other table under this name') AND g.table_schema = :'schema' AND g.table_name = :'table'
),
-- The columns that a row may have, and those that every row has, because they neither came nor went.
shape AS (
    SELECT
        array_agg(c.name) || CAST(
            ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = to_regclass(:'staging_name'))
            AS text[]
        ) AS known,
        coalesce(array_agg(c.name) FILTER (WHERE c.present_from = '-infinity' AND c.gone_since IS NULL), '{}') AS steady
    FROM audit_trail.audited_column AS c
    WHERE c.table_schema = :'schema' AND c.table_name = :'table'
),
-- Older deletes may have lost their tombstones to audit_trail.maintain().
horizon AS (
    SELECT r.tombstones_from
    FROM audit_trail.audited_table AS r
    WHERE r.table_schema = :'schema' AND r.table_name = :'table'
),
-- Times at which a column came, went, or got another name or type: rows of before and after differ in it. As an array for
-- each column, because it is read for many rows.
turns AS (
    SELECT t.name, array_agg(t.at) AS at
    FROM (
        SELECT c.name, unnest(ARRAY[c.present_from, c.gone_since]) AS at
        FROM audit_trail.audited_column AS c
        WHERE c.table_schema = :'schema' AND c.table_name = :'table'
    ) AS t
    WHERE t.at > '-infinity'
    GROUP BY t.name
),
-- Columns that the source has dropped: staging keeps them, newer rows of the log are without them.
former AS (
    SELECT f.name
    FROM audit_trail.former_column AS f
    WHERE f.table_schema = :'schema' AND f.table_name = :'table'
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
        :only_partition AS only_partition
    FROM :"schema".:"audit_log" AS l
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
        CASE WHEN t.tableoid IS NULL THEN s.row ELSE :staging_row - :headers END AS staging_row,
        coalesce(s.commit_timestamp, t.audit_trail_commit_timestamp) AS staging_commit,
        coalesce(s.stream_position, t.audit_trail_stream_position) AS staging_position,
        coalesce(s.change_seq, t.audit_trail_change_seq) AS staging_seq:carried_found
    FROM ordered AS o
    LEFT JOIN LATERAL (
        SELECT
            :staging_row - :headers AS row,
            t.audit_trail_commit_timestamp AS commit_timestamp,
            t.audit_trail_stream_position AS stream_position,
            t.audit_trail_change_seq AS change_seq:carried_staging
        FROM :"schema".:"staging" AS t
        WHERE NOT :is_partitioned AND o.is_last AND :same_row
        OFFSET 0
    ) AS s ON true
    LEFT JOIN :"schema".:"staging" AS t
        ON :is_partitioned AND o.is_last AND (o.only_partition IS NULL OR :in_partition) AND :same_row
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
                                AND g.table_schema = :'schema'
                                AND g.table_name = :'table'
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
                        AND NOT EXISTS (SELECT FROM audit_trail.:"tombstone" AS t WHERE t.row_key = o.row_key)
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
                        FROM :"schema".:"audit_log" AS x
                        WHERE jsonb_hash_extended(x.row_key, 0) = jsonb_hash_extended(o.row_key, 0)
                            AND x.row_key = o.row_key
                            AND x.stream_position = o.staging_position
                    ):carried_differ
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
                WHERE g.table_schema = :'schema'
                    AND g.table_name = :'table'
                    AND g.detail -> 'row_key' = j.row_key
                    AND g.detail ->> 'stream_position' = j.stream_position
            )
        )
)
SELECT p.row_key::text AS row_key, p.kind, p.audit_id::text AS audit_id
FROM problems AS p
ORDER BY p.audit_id;
