-- Number of log rows, and the number of the first that is no row of a full load.
SELECT count(*)::text AS log_rows, (min(l.audit_id) FILTER (WHERE l.operation <> 'B'))::text AS first_change
FROM :"schema".:"audit_log" AS l;
