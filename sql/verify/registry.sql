-- What the registry says of one table and nobody has entered there: by it, rows would be excused that differ.
WITH entry AS (
    SELECT
        t.*,
        t.staging AS staging_table,
        (
            SELECT c.oid
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = :'schema' AND c.relname = :'audit_log'
        ) AS log
    FROM audit_trail.audited_table AS t
    WHERE t.table_schema = :'schema' AND t.table_name = :'table'
),
columns AS (
    SELECT c.* FROM audit_trail.audited_column AS c WHERE c.table_schema = :'schema' AND c.table_name = :'table'
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
WHERE (e.staging_table, e.audit_log, e.tombstone) <> (:'staging', :'audit_log', :'tombstone')
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
            AND g.table_schema = :'schema'
            AND g.table_name = :'table'
            AND g.to_timestamp = x.at
    )
UNION ALL
SELECT format('the registry does not know column %I of staging', a.attname)
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass(:'staging_name')
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attname <> ALL (CAST(:headers AS text[]))
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
        FROM :"schema".:"default_partition" AS d
        WHERE d.commit_timestamp >= m.month AND d.commit_timestamp < m.month + interval '1 month'
    );
