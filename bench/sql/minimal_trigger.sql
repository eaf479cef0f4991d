-- The least that a trigger on the source can cost: one static row trigger, old and new row as jsonb, into a table
-- without key, index or sequence.
CREATE TABLE items_history (
    operation text NOT NULL,
    changed_at timestamptz NOT NULL,
    old_row jsonb,
    new_row jsonb
);

CREATE FUNCTION log_item() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO items_history VALUES (TG_OP, now(), to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END
$function$;

CREATE TRIGGER log_item AFTER INSERT OR UPDATE OR DELETE ON items
    FOR EACH ROW EXECUTE FUNCTION log_item();
