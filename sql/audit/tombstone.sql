-- Keys that staging no longer holds. stream_position is the greatest stream position logged for the key: what tells
-- the replay of an old change from the first insert of a key that is used again. removed_row is the whole staging row
-- (with its header columns) when DMS removed it by a plain DELETE, as its conflict policies do before they insert
-- the row again; null after a delete of the source, which the log holds.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.:"tombstone" (
    row_key jsonb PRIMARY KEY,
    stream_position text NOT NULL,
    removed_row jsonb,
    removed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A constraint trigger cannot be replaced, only be missing.
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = :'tombstone_name'::regclass AND t.tgname = 'unflagged_delete'
    ) THEN
        CREATE CONSTRAINT TRIGGER unflagged_delete AFTER INSERT OR UPDATE ON audit_trail.:"tombstone"
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.removed_row IS NOT NULL)
            EXECUTE FUNCTION audit_trail.record_unflagged_delete(:'schema', :'table');
    END IF;
END
$do$;
ALTER TABLE audit_trail.:"tombstone" ENABLE ALWAYS TRIGGER unflagged_delete;

RESET ROLE;
