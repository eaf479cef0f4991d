-- Events of the source that no row of the audited table tells, recorded as gaps when their marker arrives.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE FUNCTION audit_trail.record_marker_gap() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        VALUES (
            NEW.new_row_data ->> 'table_schema',
            NEW.new_row_data ->> 'table_name',
            NEW.new_row_data ->> 'kind',
            NEW.commit_timestamp,
            NEW.commit_timestamp,
            jsonb_build_object('marker', NEW.row_key, 'detail', NEW.new_row_data ->> 'detail')
        );
    RETURN NULL;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_marker_gap() FROM PUBLIC;

CREATE OR REPLACE TRIGGER record_marker_gap AFTER INSERT ON audit_trail.marker_audit_log
    FOR EACH ROW WHEN (NEW.operation = 'I' AND NEW.new_row_data ->> 'kind' <> 'verify')
    EXECUTE FUNCTION audit_trail.record_marker_gap();
ALTER TABLE audit_trail.marker_audit_log ENABLE ALWAYS TRIGGER record_marker_gap;

RESET ROLE;
