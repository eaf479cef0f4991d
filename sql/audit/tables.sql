-- What deployment and maintenance do to a table of a trail.
SET LOCAL ROLE audit_trail_owner;

-- Changes the type of a staging column where PostgreSQL has no cast from the type that it has: each value is converted
-- through its text.
CREATE OR REPLACE FUNCTION audit_trail.read_anew(staging regclass, column_name text, column_type text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
AS $function$
BEGIN
    EXECUTE format(
        'ALTER TABLE %1$s ALTER COLUMN %2$I TYPE %3$s USING CAST(CAST(%2$I AS text) AS %3$s)',
        staging, column_name, column_type
    );
EXCEPTION
    WHEN data_exception OR cannot_coerce THEN
        RAISE EXCEPTION 'The column % of % has values that are no %, the type that the source has now: %',
            column_name, staging, column_type, SQLERRM
            USING HINT = audit_trail.begin_anew(staging);
END
$function$;

-- Makes one staging column what the source's column is. It adds the column, with the value that the source's older rows
-- have. It follows a changed type. It allows null unless the column belongs to the key: DMS writes null where a large value
-- follows later, and into the other columns of a deleted row.
CREATE OR REPLACE FUNCTION audit_trail.fit_column(
    staging regclass,
    column_name text,
    column_type text,
    in_key boolean,
    missing_value text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present record;
BEGIN
    SELECT format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null
        INTO present
        FROM pg_attribute AS a
        WHERE a.attrelid = staging AND a.attname = column_name AND NOT a.attisdropped;
    IF NOT FOUND THEN
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', staging, column_name, column_type)
            || coalesce(' DEFAULT ' || quote_literal(missing_value), '');
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', staging, column_name);
        RETURN;
    END IF;
    IF present.type <> column_type THEN
        BEGIN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', staging, column_name, column_type);
        EXCEPTION
            -- A change from a text to a number, for example: at the source, USING said how.
            WHEN datatype_mismatch THEN
                PERFORM audit_trail.read_anew(staging, column_name, column_type);
        END;
    END IF;
    IF present.not_null AND NOT in_key THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', staging, column_name);
    END IF;
END
$function$;

-- Stops a deployment if staging would get more columns than PostgreSQL allows. Staging keeps the columns that the source has
-- dropped, and PostgreSQL counts dropped columns too.
CREATE OR REPLACE FUNCTION audit_trail.check_width(source_table text, staging regclass, wanted text[]) RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    used CONSTANT bigint := (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = staging AND a.attnum > 0);
    missing CONSTANT bigint := (
        SELECT count(*)
        FROM unnest(wanted) AS w (name)
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a WHERE a.attrelid = staging AND a.attname = w.name AND NOT a.attisdropped
        )
    );
BEGIN
    IF used + missing > 1600 THEN
        RAISE EXCEPTION 'The staging table of % has % columns, with those that the source has dropped, and % would be added: PostgreSQL allows 1600',
            source_table, used, missing
            USING ERRCODE = 'too_many_columns',
                HINT = 'Leave the table out. ' || audit_trail.begin_anew(staging);
    END IF;
END
$function$;

-- Gives a log a column that it lacks. Nobody waits for long: where the log is there already, the caller has locked its
-- staging table, so that DMS does not write it, and the rows are not written anew.
CREATE OR REPLACE FUNCTION audit_trail.fit_log_column(log regclass, column_name text, definition text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = log AND a.attname = column_name AND NOT a.attisdropped
    ) THEN
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', log, column_name, definition);
    END IF;
END
$function$;

-- Stops a deployment whose source table is partitioned, and whose staging is not; or the reverse.
CREATE OR REPLACE FUNCTION audit_trail.check_partitioning(staging regclass, source_is_partitioned boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF source_is_partitioned <> (SELECT c.relkind = 'p' FROM pg_class AS c WHERE c.oid = staging) THEN
        RAISE EXCEPTION 'The source''s table is % now, and % is not.',
            CASE WHEN source_is_partitioned THEN 'partitioned' ELSE 'a plain table' END, staging
            USING HINT = audit_trail.begin_anew(staging);
    END IF;
END
$function$;

-- Stops a deployment whose source table has got another primary key: the log's row_key would change its meaning. The
-- staging of a partitioned table has its key in each partition; the registry says which, unless the table is new.
CREATE OR REPLACE FUNCTION audit_trail.check_key(staging regclass, expected text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present text[];
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = staging AND c.relkind = 'p') THEN
        SELECT t.primary_key INTO present
            FROM audit_trail.audited_table AS t
            WHERE to_regclass(format('%I.%I', t.table_schema, t.staging)) = check_key.staging;
        IF NOT FOUND OR present = expected THEN
            RETURN;
        END IF;
        RAISE EXCEPTION 'The source''s primary key is now (%), and the partitions of % have (%).',
            array_to_string(expected, ', '), staging, array_to_string(present, ', ')
            USING HINT = audit_trail.begin_anew(staging);
    END IF;
    SELECT array_agg(a.attname::text ORDER BY k.ordinality)
        INTO present
        FROM pg_constraint AS p
        CROSS JOIN unnest(p.conkey) WITH ORDINALITY AS k (attnum, ordinality)
        JOIN pg_attribute AS a ON a.attrelid = p.conrelid AND a.attnum = k.attnum
        WHERE p.conrelid = staging AND p.contype = 'p';
    IF present IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'The source''s primary key is now (%), and % has (%).',
            array_to_string(expected, ', '), staging, array_to_string(present, ', ')
            USING HINT = 'Give the table its former key back. ' || audit_trail.begin_anew(staging);
    END IF;
END
$function$;

-- Adds a partition to a log. It is made as a table and then attached. That does not wait for sessions that read or write the
-- log, but for those that use the default partition: PostgreSQL scans it, and it is empty as a rule.
CREATE OR REPLACE FUNCTION audit_trail.attach_partition(log regclass, partition_name text, bounds text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS)', partition_name, log);
    PERFORM audit_trail.refuse_truncate(partition_name::regclass);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', log, partition_name, bounds);
END
$function$;

-- Adds the log's partitions: one per month (UTC) and a default one for every other time. Can be run again at any time. A
-- month of which the default partition already holds rows stays there. Whoever calls this sets lock_timeout.
CREATE OR REPLACE FUNCTION audit_trail.add_partitions(
    log regclass,
    prefix text,
    months_back integer DEFAULT 1,
    months_ahead integer DEFAULT 24
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    log_schema text;
    default_partition text;
    partition_name text;
    month_start timestamptz;
    month_end timestamptz;
    in_default boolean;
BEGIN
    SELECT n.nspname
        INTO STRICT log_schema
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = log;

    default_partition := format('%I.%I', log_schema, prefix || 'default');
    IF to_regclass(default_partition) IS NULL THEN
        PERFORM audit_trail.attach_partition(log, default_partition, 'DEFAULT');
    END IF;

    FOR month_start IN
        SELECT generate_series(
            date_trunc('month', now()) - make_interval(months => months_back),
            date_trunc('month', now()) + make_interval(months => months_ahead),
            '1 month'
        )
    LOOP
        month_end := month_start + interval '1 month';
        partition_name := format('%I.%I', log_schema, prefix || to_char(month_start, '"y"YYYY"m"MM'));
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        -- An update and maintenance that find the same partition missing: the second waits, and then finds it there.
        -- Attaching takes the same lock, which holds up neither those who read the log nor those who write it.
        EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', log);
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %s WHERE commit_timestamp >= %L AND commit_timestamp < %L)',
            default_partition, month_start, month_end
        ) INTO in_default;
        IF in_default THEN
            RAISE NOTICE '% gets no partition for %: the default partition holds rows of that month.',
                log, to_char(month_start, 'YYYY-MM');
            CONTINUE;
        END IF;
        PERFORM audit_trail.attach_partition(
            log, partition_name, format('FOR VALUES FROM (%L) TO (%L)', month_start, month_end)
        );
    END LOOP;
END
$function$;

RESET ROLE;
