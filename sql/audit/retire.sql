-- Takes the log's trigger from the staging of tables that are audited no more, so that its function can go. To be run when
-- DMS has been told that they are: until then their changes are logged. Staging, log and ledgers stay.
SET LOCAL ROLE audit_trail_owner;

DO $do$
DECLARE
    retired record;
BEGIN
    FOR retired IN
        SELECT c.oid::regclass AS staging
        FROM audit_trail.audited_table AS t
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.table_schema
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.staging
        JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = c.oid AND g.tgname = 'log_change' AND NOT g.tgisinternal
        WHERE (t.table_schema, t.table_name) NOT IN (VALUES :audited)
    LOOP
        EXECUTE format('DROP TRIGGER log_change ON %s', retired.staging);
    END LOOP;
END
$do$;

RESET ROLE;
