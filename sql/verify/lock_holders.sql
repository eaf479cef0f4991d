-- Who keeps this session from the tables that it reads or writes, the strongest locks first: a session that has a lock, or one
-- that waits for a lock which everybody behind it waits for too. A partition is part of the table at the top.
SELECT
    l.relation::text AS oid,
    l.relation::regclass::text AS relation,
    nullif(pg_partition_root(l.relation), l.relation)::regclass::text AS part_of,
    l.pid::text AS pid,
    coalesce(a.application_name, '') AS application,
    -- NULL where this user may not see it.
    to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
    l.granted
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation'
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND l.pid <> pg_backend_pid()
    AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
ORDER BY l.mode <> 'AccessExclusiveLock', l.granted DESC, l.pid, relation;
