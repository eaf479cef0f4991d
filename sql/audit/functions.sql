-- Functions that the tables of every trail share.
SET LOCAL ROLE audit_trail_owner;

-- A log row never changes, with one exception: DMS writes a row with large columns in two steps, and the second
-- step completes the row's new image inside the transaction that wrote it, before anyone else can have read it.
CREATE OR REPLACE FUNCTION audit_trail.refuse_change_of_log() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'UPDATE'
        AND OLD.applied_xid = pg_current_xact_id()
        AND to_jsonb(NEW) - 'new_row_data' = to_jsonb(OLD) - 'new_row_data'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%.% is append-only: % is refused.', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$function$;

-- Makes one column of a staging table what the source has: adds it, with the value that the rows have which were there
-- before it, follows a changed type, allows null unless it belongs to the key (DMS fills large columns and clears
-- deleted rows with nulls).
DROP FUNCTION IF EXISTS audit_trail.fit_column(regclass, text, text, boolean);
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
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', staging, column_name, column_type);
    END IF;
    IF present.not_null AND NOT in_key THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', staging, column_name);
    END IF;
END
$function$;

-- Stops a deployment whose source table has got another primary key: the log's row_key would change its meaning.
CREATE OR REPLACE FUNCTION audit_trail.check_key(staging regclass, expected text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    present text[];
BEGIN
    SELECT array_agg(a.attname::text ORDER BY k.ordinality)
        INTO present
        FROM pg_constraint AS p
        CROSS JOIN unnest(p.conkey) WITH ORDINALITY AS k (attnum, ordinality)
        JOIN pg_attribute AS a ON a.attrelid = p.conrelid AND a.attnum = k.attnum
        WHERE p.conrelid = staging AND p.contype = 'p';
    IF present IS DISTINCT FROM expected THEN
        RAISE EXCEPTION 'The source''s primary key is now (%), and % has (%).',
            array_to_string(expected, ', '), staging, array_to_string(present, ', ')
            USING HINT = 'Stop the DMS task, rename the staging table away, deploy again and reload the task.';
    END IF;
END
$function$;

-- Adds the log's partitions: one per month (UTC) and a default one for every other time. Can be run again at any
-- time, by a scheduler for example. A month of which the default partition already holds rows stays there.
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

    partition_name := prefix || 'default';
    IF to_regclass(format('%I.%I', log_schema, partition_name)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', log_schema, partition_name, log);
        PERFORM audit_trail.refuse_truncate(format('%I.%I', log_schema, partition_name)::regclass);
    END IF;

    FOR month_start IN
        SELECT generate_series(
            date_trunc('month', now()) - make_interval(months => months_back),
            date_trunc('month', now()) + make_interval(months => months_ahead),
            '1 month'
        )
    LOOP
        month_end := month_start + interval '1 month';
        partition_name := prefix || to_char(month_start, '"y"YYYY"m"MM');
        CONTINUE WHEN to_regclass(format('%I.%I', log_schema, partition_name)) IS NOT NULL;
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I.%I WHERE commit_timestamp >= %L AND commit_timestamp < %L)',
            log_schema, prefix || 'default', month_start, month_end
        ) INTO in_default;
        IF in_default THEN
            RAISE NOTICE '%.% gets no partition for %: the default partition holds rows of that month.',
                log_schema, log, to_char(month_start, 'YYYY-MM');
            CONTINUE;
        END IF;
        EXECUTE format(
            'CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
            log_schema, partition_name, log, month_start, month_end
        );
        PERFORM audit_trail.refuse_truncate(format('%I.%I', log_schema, partition_name)::regclass);
    END LOOP;
END
$function$;

-- Row triggers of a partitioned table reach its partitions by themselves, statement triggers do not.
CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate(log regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER append_only_truncate BEFORE TRUNCATE ON %s
            FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change()', log
    );
    EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER append_only_truncate', log);
END
$function$;

-- How a log's function tells its own writes to staging from those of others, which fire it as well: it puts the token
-- into this setting, which lasts no longer than the transaction. Nobody else can read the token.
CREATE TABLE IF NOT EXISTS audit_trail.own_write (
    token text PRIMARY KEY DEFAULT gen_random_uuid()
);
INSERT INTO audit_trail.own_write SELECT WHERE NOT EXISTS (SELECT FROM audit_trail.own_write);

CREATE OR REPLACE FUNCTION audit_trail.is_own_write() RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM audit_trail.own_write AS w WHERE w.token = current_setting('audit_trail.own_write', true)
    );
END;

-- Statement trigger of a staging table. DMS empties staging before it loads the table again; what the source did in
-- between is in no log.
CREATE OR REPLACE FUNCTION audit_trail.record_reload() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited audit_trail.audited_table;
    something_logged boolean;
    last_change timestamp;
BEGIN
    SELECT * INTO STRICT audited
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = TG_TABLE_SCHEMA AND t.staging = TG_TABLE_NAME;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', TG_TABLE_SCHEMA, audited.audit_log) INTO something_logged;
    IF something_logged THEN
        EXECUTE format('SELECT max(commit_timestamp) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO last_change;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp)
            VALUES (
                audited.table_schema,
                audited.table_name,
                'reload',
                last_change AT TIME ZONE 'UTC',
                clock_timestamp()
            );
    END IF;
    RETURN NULL;
END
$function$;

-- Trigger of a staging table for a plain DELETE. No delete of the source arrives like this: a conflict policy of DMS
-- puts the row in again with the next statement. The tombstone keeps the row until then; a row that stays away is
-- recorded as a gap at commit.
CREATE OR REPLACE FUNCTION audit_trail.keep_removed_row() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
AS $function$
DECLARE
    audited audit_trail.audited_table;
    removed CONSTANT jsonb := to_jsonb(OLD);
    removed_key jsonb;
BEGIN
    SELECT * INTO STRICT audited
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = TG_TABLE_SCHEMA AND t.staging = TG_TABLE_NAME;
    SELECT jsonb_object_agg(k, removed -> k) INTO removed_key FROM unnest(audited.primary_key) AS k;
    EXECUTE format(
        'INSERT INTO audit_trail.%I AS t (row_key, stream_position, removed_row)
            VALUES ($1, coalesce($2, ''''), $3)
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                removed_row = excluded.removed_row,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at',
        audited.tombstone
    ) USING removed_key, OLD.stream_position, removed;
    RETURN NULL;
END
$function$;

-- Deferred trigger of a tombstone table, with the source's schema and table as arguments: at commit, a row that was
-- removed by a plain DELETE and not put in again was deleted without anyone saying when the source deleted it. What
-- cannot be recorded fails the commit: better a task that stops than a row that is gone without a trace.
CREATE OR REPLACE FUNCTION audit_trail.record_unflagged_delete() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    still_removed boolean;
BEGIN
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %I.%I WHERE row_key = $1 AND removed_row = $2)', TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO still_removed USING NEW.row_key, NEW.removed_row;
    IF still_removed THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                TG_ARGV[0],
                TG_ARGV[1],
                'unflagged delete',
                (NEW.removed_row ->> 'commit_timestamp')::timestamp AT TIME ZONE 'UTC',
                clock_timestamp(),
                jsonb_build_object('row_key', NEW.row_key, 'row', NEW.removed_row)
            );
    END IF;
    RETURN NULL;
END
$function$;

REVOKE ALL ON FUNCTION
    audit_trail.refuse_change_of_log(),
    audit_trail.fit_column(regclass, text, text, boolean, text),
    audit_trail.check_key(regclass, text[]),
    audit_trail.add_partitions(regclass, text, integer, integer),
    audit_trail.refuse_truncate(regclass),
    audit_trail.record_reload(),
    audit_trail.is_own_write(),
    audit_trail.keep_removed_row(),
    audit_trail.record_unflagged_delete()
    FROM PUBLIC;

RESET ROLE;
