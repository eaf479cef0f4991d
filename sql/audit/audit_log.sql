-- The log of one table: append-only, partitioned by the month of the source's commit.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS :"schema".:"audit_log" (
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    -- B, I, U or D. The log's function sees to that: a check constraint here costs an eighth of the apply rate.
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL,
    stream_position text NOT NULL,
    change_seq text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
) PARTITION BY RANGE (commit_timestamp);
COMMENT ON TABLE :"schema".:"audit_log" IS :'comment';

-- The history of a row, and the look-up that tells a replayed change from a new one.
CREATE INDEX IF NOT EXISTS :"row_key_index" ON :"schema".:"audit_log" (row_key, commit_timestamp, audit_id);
-- Windows of time: rows arrive in commit order, so a block range index is enough.
CREATE INDEX IF NOT EXISTS :"time_index" ON :"schema".:"audit_log" USING brin (commit_timestamp);

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON :"schema".:"audit_log"
    FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change_of_log();
ALTER TABLE :"schema".:"audit_log" ENABLE ALWAYS TRIGGER append_only;
SELECT audit_trail.refuse_truncate(:'audit_log_name'::regclass);

SELECT audit_trail.add_partitions(:'audit_log_name'::regclass, :'partition_prefix');

GRANT SELECT ON :"schema".:"audit_log" TO audit_trail_auditor;

RESET ROLE;
