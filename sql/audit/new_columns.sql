-- Columns that DMS added to staging after the source got them. The trail's own tables and the catalog are all that is read.
SET LOCAL ROLE audit_trail_owner;

-- Brings the registry up to date, and enters a gap for each table; returns how many.
CREATE OR REPLACE FUNCTION audit_trail.register_new_columns() RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    registered audit_trail.audited_table;
    added jsonb;
    this_time timestamptz;
    new_gaps integer := 0;
BEGIN
    FOR registered IN SELECT * FROM audit_trail.audited_table LOOP
        SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
            INTO added
            FROM pg_attribute AS a
            JOIN pg_class AS c ON c.oid = a.attrelid
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            -- By the catalog: the name of a schema that the owner may not enter would be an error.
            WHERE (n.nspname, c.relname) = (registered.table_schema, registered.staging)
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attname <> ALL (CAST(:headers AS text[]))
                AND NOT EXISTS (
                    SELECT
                    FROM audit_trail.audited_column AS k
                    WHERE k.table_schema = registered.table_schema
                        AND k.table_name = registered.table_name
                        AND k.name = a.attname
                );
        CONTINUE WHEN added IS NULL;
        this_time := clock_timestamp();
        INSERT INTO audit_trail.audited_column (table_schema, table_name, name, type, present_from)
            SELECT registered.table_schema, registered.table_name, n.key, n.value, this_time
            FROM jsonb_each_text(added) AS n;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                registered.table_schema,
                registered.table_name,
                'shape change',
                this_time,
                jsonb_build_object('added', added, 'added_by', 'DMS')
            );
        new_gaps := new_gaps + 1;
    END LOOP;
    RETURN new_gaps;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.register_new_columns() FROM PUBLIC;

RESET ROLE;
