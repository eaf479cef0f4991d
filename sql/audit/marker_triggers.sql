-- What looks at the markers that one group's task has brought.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE TRIGGER record_marker_gap AFTER INSERT ON audit_trail.:"audit_log"
    FOR EACH ROW WHEN (NEW.operation IN ('B', 'I') AND NEW.new_row_data ->> 'kind' IS DISTINCT FROM 'verify')
    EXECUTE FUNCTION audit_trail.record_marker_gap(:'group');
ALTER TABLE audit_trail.:"audit_log" ENABLE ALWAYS TRIGGER record_marker_gap;

CREATE OR REPLACE TRIGGER record_task_stop AFTER INSERT ON audit_trail.:"audit_log"
    FOR EACH ROW WHEN (NEW.operation = 'I')
    EXECUTE FUNCTION audit_trail.record_task_stop(:'group');
ALTER TABLE audit_trail.:"audit_log" ENABLE ALWAYS TRIGGER record_task_stop;

RESET ROLE;
