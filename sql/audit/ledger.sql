-- Tables that say what the logs cannot: what may be missing, what could not be logged, and what a log had when it was read.
SET LOCAL ROLE audit_trail_owner;

-- The kinds of gap: which of them hide changes, so that a table with one is not complete, and which only tell.
CREATE TABLE IF NOT EXISTS audit_trail.gap_kind (
    kind text PRIMARY KEY,
    hides_changes boolean NOT NULL,
    meaning text NOT NULL
);
COMMENT ON TABLE audit_trail.gap_kind IS 'What the kinds of audit_trail.gap mean, and whether the log may lack changes after them.';

INSERT INTO audit_trail.gap_kind AS k (kind, hides_changes, meaning)
VALUES
    ('apply exception', true, 'DMS could not apply a change to staging and went on.'),
    ('column not audited', true, 'The config left a column out for a time; its values from that time are in no log.'),
    ('commit timestamp missing', false, 'DMS sent no commit time; the log has the time at which the change arrived.'),
    ('insert over existing row', true, 'A row was inserted that staging had already: its delete is missing.'),
    ('key update', true, 'The source changed a primary key, which DMS does not replicate.'),
    ('large column completed', false, 'A large value arrived after its row, in a transaction of its own.'),
    ('left the list', false, 'The table was taken from the list; its log ends here.'),
    ('lob truncated', true, 'DMS cut a large value; the log has its beginning.'),
    ('marker missing', true, 'A marker of the source is in no log; what was committed about then may be in none either.'),
    (
        'moved to another group',
        true,
        'The table went from one task to another one; what was committed between the two is in no log.'
    ),
    ('not audited', true, 'The table was not listed for a time; what was committed then is in no log.'),
    ('other table under this name', true, 'Another table has got the audited table''s name.'),
    ('partition added', true, 'A partition came; what was committed to it before it was loaded is in no log.'),
    ('partition left', false, 'A partition was detached or dropped; a D with a remark closes each of its rows.'),
    ('primary key update', true, 'DMS changed the primary key of a staging row.'),
    ('reload', true, 'DMS emptied staging and loaded the table again; the changes in between are in no log.'),
    ('replay with other values', false, 'DMS sent a change again that the log has already, with other values in its row.'),
    ('row missing before delete', true, 'A row was deleted that staging did not have: an insert is missing.'),
    ('row missing before update', true, 'A row was updated that staging did not have: an insert is missing.'),
    ('shape change', false, 'A column came, went, or got another name or type.'),
    ('slot recreated', true, 'The replication slot was dropped and made again; nobody read what was committed in between.'),
    ('table suspended', true, 'DMS suspended the table: it replicates nothing of it.'),
    ('task stopped', false, 'The task did not run for a time, and went on from its slot.'),
    ('truncate', true, 'The source truncated the table, which DMS does not replicate.'),
    ('unexplained replay', true, 'A change came with a position that the log has already, and the log has no such change.'),
    ('unflagged delete', true, 'A staging row was deleted without saying when the source deleted it.'),
    ('unknown marker', true, 'The source sent a marker of a kind that this version does not know.'),
    ('unlogged change', true, 'A change reached staging and could not be logged; audit_trail.unlogged_change has it.'),
    ('unreadable control table', true, 'A table in which DMS reports what it did not apply is not as DMS makes it.')
ON CONFLICT (kind) DO UPDATE
    SET hides_changes = excluded.hides_changes, meaning = excluded.meaning
    WHERE (k.hides_changes, k.meaning) IS DISTINCT FROM (excluded.hides_changes, excluded.meaning);

CREATE TABLE IF NOT EXISTS audit_trail.gap (
    gap_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text,
    table_name text,
    kind text NOT NULL CONSTRAINT gap_kind_is_known REFERENCES audit_trail.gap_kind (kind),
    from_timestamp timestamptz,
    to_timestamp timestamptz,
    detail jsonb NOT NULL DEFAULT '{}',
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.gap IS
    'Where and when a log may lack changes of the source. table_schema and table_name are the source''s; null means all tables.';

-- The rows are json and not jsonb: json keeps every text a row can hold, and one reason why a change cannot be
-- logged is a text that jsonb refuses.
CREATE TABLE IF NOT EXISTS audit_trail.unlogged_change (
    unlogged_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    statement text NOT NULL,
    operation text,
    commit_timestamp timestamptz,
    stream_position text,
    change_seq text,
    old_row json,
    new_row json,
    -- The rows as the log would have them, made when the change arrived: the table's columns may be other ones later.
    old_image jsonb,
    new_image jsonb,
    sqlstate text NOT NULL,
    message text NOT NULL,
    -- The place in the log that was set aside for it: see audit_trail.bring_back().
    audit_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.unlogged_change IS
    'Changes that reached staging and that the log''s trigger could not log.';

CREATE TABLE IF NOT EXISTS audit_trail.brought_back (
    unlogged_id bigint PRIMARY KEY,
    brought_back_by text NOT NULL DEFAULT session_user,
    brought_back_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.brought_back IS
    'Unlogged changes that are rows of their log by now: see audit_trail.bring_back().';

-- A row for each time that verify has read a log with new rows in it. The rows of transactions that had all ended by then are
-- the same ever after, whatever comes late: no other row can get into their span of transactions.
CREATE TABLE IF NOT EXISTS audit_trail.log_count (
    count_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- The span of applied_xid that was counted: from where the count before it ended, up to the oldest transaction that was
    -- still running.
    from_xid xid8 NOT NULL,
    below_xid xid8 NOT NULL,
    -- Only rows with a recorded_at up to this time: transaction numbers begin again in a copy of the database.
    counted_at timestamptz NOT NULL,
    log_rows bigint NOT NULL,
    -- The sum of the rows' hashes, of sql/verify/log_count.sql.
    hash_sum numeric NOT NULL,
    counted_by text NOT NULL DEFAULT session_user,
    UNIQUE (table_schema, table_name, from_xid)
);
COMMENT ON TABLE audit_trail.log_count IS
    'How many rows the logs had when verify read them, and the sum of their hashes. Append-only.';

-- Enters a count. Of two verifications at once the second enters nothing. Not by ON CONFLICT: the row that gives way there
-- counts as deleted, and verify asks whether any row of a ledger was.
CREATE OR REPLACE FUNCTION audit_trail.enter_count(
    source_schema text,
    source_table text,
    from_xid xid8,
    below_xid xid8,
    counted_at timestamptz,
    log_rows bigint,
    hash_sum numeric
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO audit_trail.log_count (
        table_schema, table_name, from_xid, below_xid, counted_at, log_rows, hash_sum
    )
    VALUES (source_schema, source_table, from_xid, below_xid, counted_at, log_rows, hash_sum);
EXCEPTION
    WHEN unique_violation THEN
        NULL;
END
$function$;

CREATE OR REPLACE FUNCTION audit_trail.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused.', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.refuse_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.gap
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.gap
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.gap ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.gap ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.unlogged_change
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.unlogged_change
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.unlogged_change ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.unlogged_change ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.brought_back
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.brought_back
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.brought_back ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.brought_back ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.log_count
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.log_count
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.log_count ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.log_count ENABLE ALWAYS TRIGGER append_only_truncate;

RESET ROLE;
