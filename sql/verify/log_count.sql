-- Number of log rows.
SELECT count(*)::text AS log_rows FROM :"schema".:"audit_log";
