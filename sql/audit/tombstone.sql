-- Keys that staging does not hold at present. stream_position is the greatest one known of the key: what tells the replay
-- of an old change from the first insert of a key that is used again. The kinds:
--   deleted   the source deleted the row, and the log says so
--   removed   DMS removed the staging row by a plain DELETE, as its conflict policies do before they insert the row
--             again; the row is kept until then, as a record to put back and as an image for the log
--   emptied   staging was emptied for a reload; what the load does not bring back has gone from the source
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.:"tombstone" (
    row_key jsonb PRIMARY KEY,
    stream_position text NOT NULL,
    kind text NOT NULL,
    -- The text of the whole staging row, its header columns included: it can be read back whatever the types are.
    removed_record text,
    removed_image jsonb,
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
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'removed')
            EXECUTE FUNCTION audit_trail.record_unflagged_delete(:'schema', :'table');
        ALTER TABLE audit_trail.:"tombstone" ENABLE ALWAYS TRIGGER unflagged_delete;
    END IF;
END
$do$;

RESET ROLE;
