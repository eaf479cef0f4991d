-- The log of one table: append-only, partitioned by the month of the source's commit.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS :"schema".:"audit_log" (
    -- Rises in the order in which changes were applied. A change that was brought back has the number that was set aside
    -- for it when it could not be logged.
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    -- B, I, U or D. The log's function sees to that: a check constraint here costs an eighth of the apply rate.
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL
) PARTITION BY RANGE (commit_timestamp);
COMMENT ON TABLE :"schema".:"audit_log" IS :'comment';

-- A log that is there already gets the columns that it lacks. Its rows are not rewritten.
SELECT audit_trail.fit_log_column(:'audit_log_name'::regclass, c.name, c.definition)
FROM (
    VALUES
        -- The source's commit time in microseconds since 1970: the same for all rows of one source transaction, and
        -- another one for every transaction that did not commit in the same microsecond. Null for B.
        ('transaction_id', 'bigint'),
        -- As DMS gave them; empty for B.
        ('stream_position', 'text NOT NULL'),
        ('change_seq', 'text NOT NULL'),
        ('recorded_at', 'timestamptz NOT NULL DEFAULT clock_timestamp()'),
        -- The transaction on this side.
        ('applied_xid', 'xid8 NOT NULL DEFAULT pg_current_xact_id()'),
        -- What a reader must know of this row beyond its values, docs/guarantees.md; null for nearly all.
        ('remarks', 'text[]'):carried_columns
) AS c (name, definition);

-- The history of a row, and the look-up that tells a replayed change from a new one. A hash of the key, because comparing
-- jsonb is the largest single cost of a full log's index: audit_trail.is_key() asks by it. The other two columns keep the
-- changes of a key with very many in order.
CREATE INDEX IF NOT EXISTS :"row_key_index" ON :"schema".:"audit_log"
    (jsonb_hash_extended(row_key, 0), commit_timestamp, audit_id);
-- Windows of time, and transactions: rows arrive in commit order, so a block range index is enough.
CREATE INDEX IF NOT EXISTS :"time_index" ON :"schema".:"audit_log"
    USING brin (commit_timestamp, transaction_id) WITH (autosummarize = on);

SELECT audit_trail.put_trigger(
    :'audit_log_name'::regclass,
    'append_only',
    '%1$I BEFORE UPDATE OR DELETE ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change_of_log()'
);
SELECT audit_trail.refuse_truncate(:'audit_log_name'::regclass);

SELECT audit_trail.add_partitions(:'audit_log_name'::regclass, :'partition_prefix');

RESET ROLE;
