-- The transaction that process $1 waits for while it makes a slot; no row while it waits for none. Without the text of any
-- statement, which may hold secrets. Who may not see when another's transaction began gets NULL.
SELECT
    h.pid,
    p.gid,
    to_char(coalesce(p.prepared, a.xact_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS since,
    coalesce(p.owner, a.usename) AS username,
    a.application_name AS application,
    coalesce(p.database, a.datname) AS database
FROM pg_catalog.pg_locks AS w
-- A prepared transaction holds its lock without a process.
LEFT JOIN pg_catalog.pg_locks AS h
    ON h.locktype = 'transactionid' AND h.transactionid = w.transactionid AND h.granted
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = h.pid
LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = w.transactionid
WHERE w.pid = $1 AND w.locktype = 'transactionid' AND NOT w.granted;
