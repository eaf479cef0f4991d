-- Removes the triggers of tables that have left the list, and records a gap for tables that are back on it. It runs after
-- DMS's mapping has changed: until then their changes come, and are logged. Staging, log and ledgers stay.
SET LOCAL ROLE audit_trail_owner;

-- Its function can go when the trigger has.
DO $do$
DECLARE
    retired record;
BEGIN
    FOR retired IN
        SELECT c.oid::regclass AS staging
        FROM audit_trail.audited_table AS t
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.table_schema
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.staging
        JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid AND g.tgname = 'log_change' AND NOT g.tgisinternal
        WHERE (t.table_schema, t.table_name) NOT IN (VALUES :audited)
    LOOP
        EXECUTE format('DROP TRIGGER log_change ON %s', retired.staging);
    END LOOP;
END
$do$;

WITH gone AS (
    UPDATE audit_trail.audited_table AS t
        SET left_at = clock_timestamp(),
            left_after = greatest(t.left_after, audit_trail.last_change(t, coalesce(t.left_after, '-infinity')))
        WHERE t.left_at IS NULL AND (t.table_schema, t.table_name) NOT IN (VALUES :audited)
        RETURNING t.*
)
INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
SELECT
    g.table_schema,
    g.table_name,
    'left the list',
    g.left_after,
    g.left_after,
    -- The same table under another name has another log.
    coalesce(
        (
            SELECT jsonb_build_object('now', jsonb_build_object('schema', t.table_schema, 'table', t.table_name))
            FROM audit_trail.audited_table AS t
            WHERE t.source_oid = g.source_oid
                AND g.source_oid <> ''
                AND (t.table_schema, t.table_name) IN (VALUES :audited)
        ),
        '{}'
    )
FROM gone AS g
WHERE g.table_schema <> 'audit_trail';

-- No log has what was committed before DMS read the table again, nor what DMS had read and not applied when the table left.
-- A table that went from one group to another never left the list. The trail's own markers are no table of anybody's.
WITH back AS (
    UPDATE audit_trail.audited_table AS t
        SET left_after = NULL, left_at = NULL
        FROM audit_trail.audited_table AS o
        WHERE o.table_schema = t.table_schema
            AND o.table_name = t.table_name
            AND t.left_after IS NOT NULL
            AND (t.table_schema, t.table_name) IN (VALUES :audited)
        RETURNING t.table_schema, t.table_name, t.table_group, o.left_after, o.left_at IS NULL AS was_moved, o.moved_from
)
INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
SELECT
    b.table_schema,
    b.table_name,
    CASE WHEN b.was_moved AND b.moved_from IS NOT NULL THEN 'moved to another group' ELSE 'not audited' END,
    b.left_after,
    clock_timestamp(),
    CASE
        WHEN b.was_moved AND b.moved_from IS NOT NULL
            THEN jsonb_build_object('from_group', b.moved_from, 'to_group', b.table_group)
        ELSE '{}'
    END
FROM back AS b
WHERE b.table_schema <> 'audit_trail';

-- A renamed table has a new log, which begins where the other one has long ended; so has one whose log was set aside.
INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
SELECT t.table_schema, t.table_name, 'not audited', f.left_after, clock_timestamp(), w.detail
FROM audit_trail.audited_table AS t
JOIN audit_trail.audited_table AS f
    ON f.left_at IS NOT NULL
        AND (
            f.source_oid = t.source_oid AND t.source_oid <> ''
            OR (f.table_schema, f.former_name) = (t.table_schema, t.table_name)
        )
CROSS JOIN LATERAL (
    SELECT jsonb_build_object('before', jsonb_build_object('schema', f.table_schema, 'table', f.table_name))
) AS w (detail)
WHERE (t.table_schema, t.table_name) IN (VALUES :audited)
    AND NOT EXISTS (
        SELECT FROM audit_trail.gap AS g
        WHERE (g.table_schema, g.table_name) = (t.table_schema, t.table_name)
            AND g.kind = 'not audited'
            AND g.from_timestamp = f.left_after
            AND g.detail = w.detail
    );

-- Partitions that are gone at the source.
SELECT audit_trail.close_partitions();

RESET ROLE;
