-- Notes where the logs of tables end that are listed no more. To be run before DMS is told: what it has read and not
-- applied by then will be in no log, and nothing afterwards says how far it had come.
SET LOCAL ROLE audit_trail_owner;

UPDATE audit_trail.audited_table AS t
    SET left_after = coalesce(
        -- DMS applies in commit order, so that a change of any table tells of all. Not quite: a commit time is taken a moment
        -- before the commit gets its place in the WAL.
        (
            SELECT max(audit_trail.last_change(o, clock_timestamp() - interval '1 day')) - interval '1 second'
            FROM audit_trail.audited_table AS o
        ),
        audit_trail.last_change(t, '-infinity'),
        t.registered_at
    )
    WHERE t.left_after IS NULL AND (t.table_schema, t.table_name) NOT IN (VALUES :audited);

RESET ROLE;
