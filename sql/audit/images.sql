-- Rows as the log has them.
SET LOCAL ROLE audit_trail_owner;

-- json as jsonb, or as a string of its text where jsonb refuses it: an escaped null character, a lone surrogate, a number
-- without bounds.
CREATE OR REPLACE FUNCTION audit_trail.json_image(value json) RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN CAST(value AS jsonb);
EXCEPTION
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN to_jsonb(CAST(value AS text));
END
$function$;

-- Types that DMS treats as large objects, as format_type() writes them.
-- https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
CREATE OR REPLACE FUNCTION audit_trail.is_large(type text) RETURNS boolean
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT type LIKE '%[]'
        OR type IN ('text', 'bytea', 'xml', 'json', 'jsonb')
        OR type ~ '(^|[.])"?(citext|hstore)"?$';
END;

-- A staging row, given as the text of its record, as the log has it, value by value, for rows that to_jsonb() refuses as a
-- whole: without header columns, and without the columns that the source had no more when it was committed.
CREATE OR REPLACE FUNCTION audit_trail.row_image(
    staging_record text,
    source_schema text,
    source_table text,
    committed_at timestamptz
) RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    staging regclass;
    parts text;
    image jsonb;
BEGIN
    IF staging_record IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT format('%I.%I', a.table_schema, a.staging)::regclass INTO STRICT staging
        FROM audit_trail.audited_table AS a
        WHERE a.table_schema = source_schema AND a.table_name = source_table;
    SELECT
        string_agg(
            format('jsonb_build_object(%L, audit_trail.json_image(to_json(r.%I)))', c.attname, c.attname), ' || '
        )
        INTO parts
        FROM pg_attribute AS c
        WHERE c.attrelid = staging
            AND c.attnum > 0
            AND NOT c.attisdropped
            AND c.attname <> ALL (CAST(:headers AS text[]))
            AND NOT EXISTS (
                SELECT
                FROM audit_trail.former_column AS f
                WHERE f.table_schema = source_schema
                    AND f.table_name = source_table
                    AND f.name = c.attname
                    AND f.gone_since < committed_at
            );
    EXECUTE format('SELECT %s FROM (SELECT (CAST($1 AS %s)).*) AS r', parts, staging)
        INTO image USING staging_record;
    RETURN image;
END
$function$;

-- In how many columns a row that arrives differs from a logged one, apart from columns that came, went or changed since
-- that was logged: in how many that DMS treats as large objects, and in how many others. A large value may come later than
-- its row.
CREATE OR REPLACE FUNCTION audit_trail.count_differences(
    source_schema text,
    source_table text,
    logged jsonb,
    logged_at timestamptz,
    arrived jsonb,
    OUT large bigint,
    OUT others bigint
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT
        count(*) FILTER (WHERE audit_trail.is_large(c.type)),
        count(*) FILTER (WHERE NOT audit_trail.is_large(c.type))
    FROM audit_trail.audited_column AS c
    WHERE c.table_schema = source_schema
        AND c.table_name = source_table
        AND c.gone_since IS NULL
        AND c.present_from <= logged_at
        AND (logged -> c.name) IS DISTINCT FROM (arrived -> c.name);
END;

RESET ROLE;
