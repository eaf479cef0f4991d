-- Notes where the logs of tables end that have left the list, or the group where they were, and makes room for tables that are
-- listed again. To be run before DMS is told: what it has read and not applied by then will be in no log, and nothing afterwards
-- says how far it had come.
SET LOCAL ROLE audit_trail_owner;

UPDATE audit_trail.audited_table AS t
    SET table_group = w.table_group
    FROM (VALUES :audited) AS w (table_schema, table_name, table_group)
    WHERE (t.table_schema, t.table_name) = (w.table_schema, w.table_name) AND t.table_group IS NULL;

-- A task applies in commit order, so that a change of any of its tables tells of all. Not quite: a commit time is taken a
-- moment before the commit gets its place in the WAL, and a table that is being loaded gets what was captured meanwhile after
-- the load. So a table without any change may still be on its way.
UPDATE audit_trail.audited_table AS t
    SET left_after = CASE
        WHEN o.own IS NULL THEN t.registered_at
        ELSE greatest(
            o.own,
            (
                SELECT max(audit_trail.last_change(a, clock_timestamp() - interval '1 day')) - interval '1 second'
                FROM audit_trail.audited_table AS a
                WHERE coalesce(a.table_group, 'default') = coalesce(t.table_group, 'default')
            )
        )
    END
    FROM (
        SELECT
            l.table_schema,
            l.table_name,
            -- The second one reads the whole log.
            coalesce(
                audit_trail.last_change(l, clock_timestamp() - interval '1 day'),
                audit_trail.last_change(l, '-infinity')
            ) AS own
        FROM audit_trail.audited_table AS l
        WHERE l.left_after IS NULL
            AND NOT EXISTS (
                SELECT
                FROM (VALUES :audited) AS w (table_schema, table_name, table_group)
                WHERE (w.table_schema, w.table_name, w.table_group) = (l.table_schema, l.table_name, l.table_group)
            )
    ) AS o
    WHERE (o.table_schema, o.table_name) = (t.table_schema, t.table_name);

-- A table that is listed again finds its staging full. A task that has not carried it before loads it, and one that has may do so
-- or not: rows of a load then take the places of those that are there, whichever it is. No task writes it yet.
SELECT audit_trail.begin_reload(t.table_schema, t.table_name)
FROM audit_trail.audited_table AS t
JOIN (VALUES :audited) AS w (table_schema, table_name, table_group)
    ON (w.table_schema, w.table_name) = (t.table_schema, t.table_name)
WHERE t.left_at IS NOT NULL AND t.table_schema <> 'audit_trail';

-- The markers of a group that ended and is there again: its new task loads all that the source has, and nobody ends that reload.
DO $do$
DECLARE
    markers record;
BEGIN
    FOR markers IN
        SELECT t.table_schema, t.staging
        FROM audit_trail.audited_table AS t
        JOIN (VALUES :audited) AS w (table_schema, table_name, table_group)
            ON (w.table_schema, w.table_name) = (t.table_schema, t.table_name)
        WHERE t.left_at IS NOT NULL AND t.table_schema = 'audit_trail'
    LOOP
        EXECUTE format('DELETE FROM %I.%I', markers.table_schema, markers.staging);
    END LOOP;
END
$do$;

-- It comes from no other group: the task that carried it has let go of it long ago, and may be gone.
UPDATE audit_trail.audited_table AS t
    SET table_group = w.table_group, moved_from = NULL
    FROM (VALUES :audited) AS w (table_schema, table_name, table_group)
    WHERE (t.table_schema, t.table_name) = (w.table_schema, w.table_name)
        AND t.left_at IS NOT NULL
        AND t.table_group <> w.table_group;

RESET ROLE;
