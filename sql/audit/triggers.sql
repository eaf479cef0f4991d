-- What the triggers of every trail share.
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

CREATE OR REPLACE FUNCTION audit_trail.begin_own_write() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT set_config('audit_trail.own_write', w.token, true) FROM audit_trail.own_write AS w;
END;

CREATE OR REPLACE FUNCTION audit_trail.end_own_write() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT set_config('audit_trail.own_write', '', true);
END;

-- Trigger of a staging table for a plain DELETE. No delete of the source arrives like this: a conflict policy of DMS
-- puts the row in again with the next statement. The tombstone keeps the row until then; a row that stays away is
-- recorded as a gap at commit.
CREATE OR REPLACE FUNCTION audit_trail.keep_removed_row() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    removed_key jsonb;
    removed_image jsonb;
BEGIN
    SELECT * INTO STRICT audited FROM audit_trail.trail_of_staging(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    removed_image := audit_trail.row_image(
        CAST(OLD AS text), audited.table_schema, audited.table_name, OLD.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
    );
    SELECT jsonb_object_agg(k, removed_image -> k) INTO removed_key FROM unnest(audited.primary_key) AS k;
    EXECUTE format(
        'INSERT INTO audit_trail.%I AS t (row_key, stream_position, kind, removed_record, removed_image)
            VALUES ($1, coalesce($2, ''''), ''removed'', $3, $4)
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = excluded.removed_record,
                removed_image = excluded.removed_image,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at',
        audited.tombstone
    ) USING removed_key, OLD.audit_trail_stream_position, CAST(OLD AS text), removed_image;
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
        'SELECT EXISTS (SELECT FROM %I.%I WHERE row_key = $1 AND removed_record = $2)', TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO still_removed USING NEW.row_key, NEW.removed_record;
    IF still_removed THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                TG_ARGV[0],
                TG_ARGV[1],
                'unflagged delete',
                NULL,
                clock_timestamp(),
                jsonb_build_object('row_key', NEW.row_key, 'row', NEW.removed_image)
            );
    END IF;
    RETURN NULL;
END
$function$;

-- Keeps a change that cannot be logged, with the place in the log that is its own: see audit_trail.bring_back().
CREATE OR REPLACE FUNCTION audit_trail.keep_unlogged(
    source_schema text,
    source_table text,
    statement text,
    operation text,
    committed_at timestamptz,
    stream_position text,
    change_seq text,
    old_row json,
    new_row json,
    old_image jsonb,
    new_image jsonb,
    error_code text,
    error_message text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    log text;
BEGIN
    SELECT format('%I.%I', a.table_schema, a.audit_log) INTO STRICT log
        FROM audit_trail.audited_table AS a
        WHERE a.table_schema = source_schema AND a.table_name = source_table;
    INSERT INTO audit_trail.unlogged_change (
        table_schema, table_name, statement, operation, commit_timestamp, stream_position, change_seq, old_row, new_row,
        old_image, new_image, sqlstate, message, audit_id
    )
    VALUES (
        source_schema, source_table, statement, operation, committed_at, stream_position, change_seq, old_row, new_row,
        old_image, new_image, error_code, error_message, nextval(pg_get_serial_sequence(log, 'audit_id'))
    );
END
$function$;

RESET ROLE;
