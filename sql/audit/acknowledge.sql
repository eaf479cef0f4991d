-- What somebody has looked into and explained: a gap, or a difference that verify has found. Nothing goes away by it and
-- nothing is mended; verify says so beside its verdict.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.acknowledgement (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gap_id bigint,
    table_schema text,
    table_name text,
    row_key jsonb,
    kind text,
    -- What verify has printed beside the difference: a hash of all that makes it this one. Another difference of the same
    -- key and kind has another.
    finding text CHECK (finding ~ '^[0-9a-f]{16}$'),
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    acknowledged_by text NOT NULL DEFAULT session_user,
    acknowledged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (num_nonnulls(gap_id, finding) = 1),
    CHECK ((finding IS NULL) = (table_schema IS NULL OR table_name IS NULL OR row_key IS NULL OR kind IS NULL))
);
COMMENT ON TABLE audit_trail.acknowledgement IS
    'Gaps and differences that somebody has explained: who, when and why. Append-only.';
CREATE INDEX IF NOT EXISTS acknowledgement_gap_id_idx ON audit_trail.acknowledgement (gap_id);

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_trail.acknowledgement
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change();
CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_trail.acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change();
ALTER TABLE audit_trail.acknowledgement ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_trail.acknowledgement ENABLE ALWAYS TRIGGER append_only_truncate;

-- Explains one row of the gap ledger. Returns the acknowledgement's number.
CREATE OR REPLACE FUNCTION audit_trail.acknowledge(gap_id bigint, reason text) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    wanted_gap CONSTANT bigint := acknowledge.gap_id;
    made bigint;
BEGIN
    IF btrim(coalesce(acknowledge.reason, '')) = '' THEN
        RAISE EXCEPTION 'An acknowledgement needs a reason.' USING ERRCODE = 'not_null_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM audit_trail.gap AS g WHERE g.gap_id = wanted_gap) THEN
        RAISE EXCEPTION 'There is no gap %.', wanted_gap
            USING ERRCODE = 'no_data_found', HINT = 'audit_trail.gap lists them.';
    END IF;
    INSERT INTO audit_trail.acknowledgement AS k (gap_id, reason)
        VALUES (wanted_gap, acknowledge.reason)
        RETURNING k.acknowledgement_id INTO made;
    RETURN made;
END
$function$;

-- Explains one difference as verify has printed it. It holds for this difference as it is now, and for no later one
-- of the same key and kind. Returns the acknowledgement's number.
CREATE OR REPLACE FUNCTION audit_trail.acknowledge(
    source_schema text,
    source_table text,
    key jsonb,
    difference_kind text,
    finding text,
    reason text
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    made bigint;
BEGIN
    IF btrim(coalesce(acknowledge.reason, '')) = '' THEN
        RAISE EXCEPTION 'An acknowledgement needs a reason.' USING ERRCODE = 'not_null_violation';
    END IF;
    IF acknowledge.finding IS NULL OR acknowledge.finding !~ '^[0-9a-f]{16}$' THEN
        RAISE EXCEPTION '% is not what verify prints beside a difference.', coalesce(quote_literal(acknowledge.finding), 'Null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Run verify and copy the 16 digits in brackets.';
    END IF;
    IF key IS NULL OR difference_kind IS NULL OR NOT EXISTS (
        SELECT FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table
    ) THEN
        RAISE EXCEPTION '%.% is not audited, or key or kind is missing.', source_schema, source_table
            USING ERRCODE = 'invalid_parameter_value', HINT = 'audit_trail.audited_table lists the tables that are.';
    END IF;
    INSERT INTO audit_trail.acknowledgement AS k (table_schema, table_name, row_key, kind, finding, reason)
        VALUES (source_schema, source_table, key, difference_kind, acknowledge.finding, acknowledge.reason)
        RETURNING k.acknowledgement_id INTO made;
    RETURN made;
END
$function$;

REVOKE ALL ON FUNCTION
    audit_trail.acknowledge(bigint, text),
    audit_trail.acknowledge(text, text, jsonb, text, text, text)
    FROM PUBLIC;

RESET ROLE;
