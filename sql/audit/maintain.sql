-- What an operator does from time to time: a scheduler (pg_cron) may too.
SET LOCAL ROLE audit_trail_owner;

-- Adds the partitions of the coming months to every log. Rows of a month without one go to the default partition.
CREATE OR REPLACE FUNCTION audit_trail.maintain() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    registered audit_trail.audited_table;
BEGIN
    FOR registered IN SELECT * FROM audit_trail.audited_table LOOP
        PERFORM audit_trail.add_partitions(
            format('%I.%I', registered.table_schema, registered.audit_log)::regclass,
            registered.partition_prefix
        );
    END LOOP;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.maintain() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_trail.maintain() TO audit_operator;

RESET ROLE;
