-- Whether the log rows of a range of keys fit each other, and each key's last one its staging row or its tombstone.
-- One statement, so one snapshot: DMS writes staging, log and tombstone in one transaction.
WITH reloads AS (
    SELECT max(g.recorded_at) AS last
    FROM audit_trail.gap AS g
    WHERE g.kind = 'reload' AND g.table_schema = :'schema' AND g.table_name = :'table'
),
-- Older deletes may have lost their tombstones to audit_trail.maintain().
horizon AS (
    SELECT r.tombstones_from
    FROM audit_trail.audited_table AS r
    WHERE r.table_schema = :'schema' AND r.table_name = :'table'
),
-- Columns that came or went: rows of before and after differ in having them.
reshaped AS (
    SELECT coalesce(array_agg(DISTINCT c.name), '{}') AS names
    FROM audit_trail.gap AS g
    CROSS JOIN LATERAL jsonb_object_keys((g.detail -> 'before') || (g.detail -> 'after')) AS c (name)
    WHERE g.kind = 'shape change'
        AND g.table_schema = :'schema'
        AND g.table_name = :'table'
        AND (g.detail -> 'before' ? c.name) <> (g.detail -> 'after' ? c.name)
),
-- Columns that got another type, which writes the same value differently, or are another column under the same name, and
-- when.
retyped AS (
    SELECT c.name, g.recorded_at AS at
    FROM audit_trail.gap AS g
    CROSS JOIN LATERAL jsonb_object_keys(g.detail -> 'before') AS c (name)
    WHERE g.kind = 'shape change'
        AND g.table_schema = :'schema'
        AND g.table_name = :'table'
        AND (
            g.detail -> 'before' -> c.name <> g.detail -> 'after' -> c.name
            OR g.detail -> 'renamed' ? c.name
            OR g.detail -> 'made_anew' ? c.name
        )
),
ordered AS (
    SELECT
        l.*,
        lag(l.operation) OVER w AS previous_operation,
        lag(l.new_row_data) OVER w AS previous_row,
        lag(l.commit_timestamp) OVER w AS previous_commit,
        lag(l.stream_position) OVER w AS previous_transaction,
        lag(l.change_seq) OVER w AS previous_seq,
        lag(l.recorded_at) OVER w AS previous_recorded,
        lead(l.audit_id) OVER w IS NULL AS is_last
    FROM :"schema".:"audit_log" AS l
    WHERE ($1::jsonb IS NULL OR l.row_key > $1::jsonb) AND ($2::jsonb IS NULL OR l.row_key <= $2::jsonb)
    WINDOW w AS (PARTITION BY l.row_key ORDER BY l.audit_id)
),
judged AS (
    SELECT
        o.row_key,
        o.audit_id,
        o.stream_position,
        CASE
            WHEN o.operation IN ('B', 'I') AND o.old_row_data IS NOT NULL
                OR (o.operation = 'D') <> (o.new_row_data IS NULL)
                THEN 'malformed log row'
            WHEN o.change_seq <> '' AND o.change_seq = o.previous_seq AND o.stream_position = o.previous_transaction
                THEN 'change logged twice'
            WHEN o.operation = 'B' THEN NULL
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
                            AND (o.previous_row ->> c.name) IS DISTINCT FROM (o.old_row_data ->> c.name)
                            AND NOT (
                                (o.previous_row ? c.name) <> (o.old_row_data ? c.name)
                                AND c.name = ANY (CAST((SELECT r.names FROM reshaped AS r) AS text[]))
                            )
                            AND NOT EXISTS (
                                SELECT
                                FROM retyped AS r
                                WHERE r.name = c.name AND r.at > o.previous_recorded AND r.at <= o.recorded_at
                            )
                    )
                )
                THEN 'broken chain'
            -- A change that was captured during the full load is older than the row's baseline.
            -- The position tells what came first; where it says that this one did not, the source's clock was set back.
            WHEN o.previous_operation <> 'B' AND o.commit_timestamp < o.previous_commit THEN
                CASE
                    WHEN o.stream_position LIKE '%________/________'
                        AND o.previous_transaction LIKE '%________/________'
                        AND right(o.stream_position, 17) COLLATE "C" > right(o.previous_transaction, 17) COLLATE "C"
                        THEN 'commit clock stepped back'
                    ELSE 'commit time goes back'
                END
            WHEN o.stream_position <> ''
                AND o.stream_position = o.previous_transaction
                AND length(o.change_seq) = length(o.previous_seq)
                AND o.change_seq COLLATE "C" < o.previous_seq COLLATE "C"
                THEN 'sequence goes back'
        END AS chain,
        CASE
            WHEN NOT o.is_last THEN NULL
            WHEN o.operation = 'D' THEN
                CASE
                    WHEN s.row IS NOT NULL THEN 'deleted but in staging'
                    WHEN o.recorded_at >= (SELECT h.tombstones_from FROM horizon AS h)
                        AND NOT EXISTS (SELECT FROM audit_trail.:"tombstone" AS t WHERE t.row_key = o.row_key)
                        THEN 'deleted without tombstone'
                END
            WHEN s.row IS NULL THEN
                -- What vanished in a reload is told by the reload's gap.
                CASE WHEN o.recorded_at < (SELECT r.last FROM reloads AS r) THEN NULL ELSE 'not in staging' END
            WHEN o.new_row_data <> s.row
                AND EXISTS (
                    SELECT
                    FROM jsonb_object_keys(o.new_row_data || s.row) AS c (name)
                    WHERE (o.new_row_data -> c.name) IS DISTINCT FROM (s.row -> c.name)
                        AND (o.new_row_data ->> c.name) IS DISTINCT FROM (s.row ->> c.name)
                        AND NOT (
                            (o.new_row_data ? c.name) <> (s.row ? c.name)
                            AND c.name = ANY (CAST((SELECT r.names FROM reshaped AS r) AS text[]))
                        )
                        AND NOT EXISTS (
                            SELECT FROM retyped AS r WHERE r.name = c.name AND r.at > o.recorded_at
                        )
                )
                THEN 'log and staging differ'
            WHEN s.change_seq <> o.change_seq
                OR s.commit_timestamp AT TIME ZONE 'UTC' <> o.commit_timestamp
                -- Staging keeps the greatest position of the key, which may be that of an earlier change.
                OR s.stream_position <> o.stream_position
                    AND NOT EXISTS (
                        SELECT
                        FROM :"schema".:"audit_log" AS x
                        WHERE x.row_key = o.row_key AND x.stream_position = s.stream_position
                    )
                THEN 'log and staging have other headers'
        END AS ending
    FROM ordered AS o
    -- OFFSET 0, here and below: what it computes is computed once for each row, and staging is read by its key.
    LEFT JOIN LATERAL (
        SELECT :staging_row - :headers AS row, t.commit_timestamp, t.stream_position, t.change_seq
        FROM :"schema".:"staging" AS t
        WHERE o.is_last AND :same_row
        OFFSET 0
    ) AS s ON true
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
