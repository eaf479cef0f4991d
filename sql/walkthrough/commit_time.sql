-- On the source: when the transaction $1 was committed, as the source itself keeps it (track_commit_timestamp).
SELECT to_char(pg_xact_commit_timestamp($1::xid) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS committed;
