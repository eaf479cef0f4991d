-- The transactions in which DMS writes now, and which statement each is at, without those of other groups' tasks. Empty for a
-- user who may not see the sessions of others.
SELECT
    a.pid || ' ' || a.backend_xid AS transaction,
    a.query_start::text AS statement
FROM pg_catalog.pg_stat_activity AS a
WHERE a.usename = :'dms' AND a.datname = current_database() AND a.backend_xid IS NOT NULL
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.apply_session AS known
        WHERE known.session = concat_ws(' of ', a.pid, pg_catalog.pg_postmaster_start_time()) AND known.table_group <> :'group'
    );
