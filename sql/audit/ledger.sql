-- Two tables that say what the logs cannot: what may be missing, and what could not be logged.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.gap (
    gap_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text,
    table_name text,
    kind text NOT NULL,
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
    -- The text of the whole staging rows: it can be read back whatever the types are.
    old_record text,
    new_record text,
    sqlstate text NOT NULL,
    message text NOT NULL,
    -- The place in the log that was set aside for it: see audit_trail.bring_back().
    audit_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.unlogged_change IS
    'Changes that reached staging and that the log''s trigger could not log.';

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

RESET ROLE;
