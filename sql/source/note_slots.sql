-- Remembers the slots that DMS's user reads: AWS does not say what DMS calls its slot, and a slot has no owner.
INSERT INTO audit_trail.task_slot (slot_name)
SELECT s.slot_name
FROM pg_catalog.pg_replication_slots AS s
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.active_pid
WHERE s.database = current_database() AND a.usename = 'audit_trail_dms_source' AND NOT s.temporary
ON CONFLICT DO NOTHING;
