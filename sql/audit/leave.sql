-- Notes where the logs of tables that have left the list end. To be run before DMS is told: what it has read and not
-- applied by then will be in no log, and nothing afterwards says how far it had come.
SET LOCAL ROLE audit_trail_owner;

-- DMS applies in commit order, so that a change of any table tells of all. Not quite: a commit time is taken a moment before
-- the commit gets its place in the WAL, and a table that is being loaded gets what was captured meanwhile after the load.
-- So a table without any change may still be on its way.
UPDATE audit_trail.audited_table AS t
    SET left_after = CASE
        WHEN o.own IS NULL THEN t.registered_at
        ELSE greatest(
            o.own,
            (
                SELECT max(audit_trail.last_change(a, clock_timestamp() - interval '1 day')) - interval '1 second'
                FROM audit_trail.audited_table AS a
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
        WHERE l.left_after IS NULL AND (l.table_schema, l.table_name) NOT IN (VALUES :audited)
    ) AS o
    WHERE (o.table_schema, o.table_name) = (t.table_schema, t.table_name);

RESET ROLE;
