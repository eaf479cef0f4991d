-- What came into the log after a row number: how many changes, and in how many seconds from the first to the last
-- commit of the stand-in.
SELECT
    count(*)::integer AS changes,
    extract(epoch FROM max(committed) - min(committed))::float8 AS seconds
FROM (
    SELECT pg_xact_commit_timestamp(applied_xid::xid) AS committed
    FROM public.items_audit_log
    WHERE audit_id > $1
) AS applied
