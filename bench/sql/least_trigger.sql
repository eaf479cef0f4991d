-- The least that a trigger on staging can cost: the old and the new row as jsonb, the row's key and the commit time
-- into a log with the index of a row's history. No partition, no replay safety, no catching of errors, no gap ledger.
CREATE TABLE least_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL,
    stream_position text NOT NULL,
    change_seq text NOT NULL
);
CREATE INDEX ON least_log (row_key, commit_timestamp, audit_id);

CREATE FUNCTION log_least() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO least_log
        (operation, row_key, old_row_data, new_row_data, commit_timestamp, stream_position, change_seq)
        VALUES (
            NEW.audit_trail_operation,
            jsonb_build_object('item_id', NEW.item_id),
            CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END,
            to_jsonb(NEW),
            NEW.audit_trail_commit_timestamp AT TIME ZONE 'UTC',
            NEW.audit_trail_stream_position,
            NEW.audit_trail_change_seq
        );
    IF NEW.audit_trail_operation = 'D' THEN
        DELETE FROM {staging} WHERE item_id = NEW.item_id;
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER log_least AFTER INSERT OR UPDATE ON {staging}
    FOR EACH ROW EXECUTE FUNCTION log_least();
