-- Takes the columns that the config leaves out of the trail from staging, with the values that were there. To be run when DMS
-- has been told that they are left out: until then it writes them.
SET LOCAL ROLE audit_trail_owner;

DO $do$
DECLARE
    excluded record;
BEGIN
    FOR excluded IN
        SELECT c.oid::regclass AS staging, a.attname AS name
        FROM (VALUES :excluded) AS e (table_schema, table_name, name)
        JOIN audit_trail.audited_table AS t ON (t.table_schema, t.table_name) = (e.table_schema, e.table_name)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.table_schema
        JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.staging
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = e.name AND NOT a.attisdropped
    LOOP
        EXECUTE format('ALTER TABLE %s DROP COLUMN %I', excluded.staging, excluded.name);
    END LOOP;
END
$do$;

RESET ROLE;
