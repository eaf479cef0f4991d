-- The least a client can do to write a log: the log's columns, no trigger, no index, no partition.
CREATE TABLE bare_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL,
    stream_position text NOT NULL,
    change_seq text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
