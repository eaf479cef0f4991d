-- Drops the task's slots, which DMS does when a task is deleted if it can reach the source. A slot keeps WAL until it is
-- dropped. One that is still read is taken from its reader, whose end is waited for.
DO $do$
DECLARE
    is_member boolean;
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_replication_slots AS s
        JOIN audit_trail.task_slot AS t ON t.slot_name = s.slot_name
    ) THEN
        RETURN;
    END IF;
    is_member := pg_has_role(current_user, 'audit_trail_dms_source', 'USAGE');
    IF NOT is_member THEN
        GRANT audit_trail_dms_source TO CURRENT_USER;
    END IF;
    PERFORM pg_catalog.pg_terminate_backend(s.active_pid, 15000)
    FROM pg_catalog.pg_replication_slots AS s
    JOIN audit_trail.task_slot AS t ON t.slot_name = s.slot_name
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
    WHERE a.usename = 'audit_trail_dms_source';
    PERFORM pg_catalog.pg_drop_replication_slot(s.slot_name)
    FROM pg_catalog.pg_replication_slots AS s
    JOIN audit_trail.task_slot AS t ON t.slot_name = s.slot_name;
    IF NOT is_member THEN
        REVOKE audit_trail_dms_source FROM CURRENT_USER;
    END IF;
END
$do$;
