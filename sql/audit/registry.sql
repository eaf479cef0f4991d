-- What the trail knows of the audited tables, so that a query can find a log by its source table, and so that a
-- changed shape shows.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.audited_table (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    staging text NOT NULL,
    audit_log text NOT NULL,
    tombstone text NOT NULL,
    partition_prefix text NOT NULL,
    primary_key text[] NOT NULL,
    -- Column names and their types: those of the source at the last deployment, and what DMS has added since.
    columns jsonb NOT NULL,
    -- Columns that the source once had; staging keeps them.
    former_columns jsonb NOT NULL DEFAULT '{}',
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (table_schema, table_name)
);
-- Tombstones of keys that were deleted before this time may have been forgotten: see audit_trail.maintain().
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS tombstones_from timestamptz NOT NULL DEFAULT '-infinity';
-- The source table's oid and its columns' numbers in pg_attribute, by which a renamed column is known.
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS source_oid text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS attnums jsonb NOT NULL DEFAULT '{}';
-- From when on a former column is in no row of the source: the time at which a deployment missed it.
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS former_since jsonb NOT NULL DEFAULT '{}';
COMMENT ON TABLE audit_trail.audited_table IS 'One row per audited source table: where its trail is, and its columns.';

-- Gives columns of all rows of staging values that no change brought, so that the log hears nothing of it.
CREATE OR REPLACE FUNCTION audit_trail.fill_columns(staging regclass, assignments text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER log_change', staging);
    EXECUTE format('UPDATE %s SET %s', staging, assignments);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_change', staging);
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.fill_columns(regclass, text) FROM PUBLIC;

-- Enters a table, or brings its entry up to date; a difference in its columns is recorded as a gap, because rows
-- written before it and rows written after it do not say the same. Staging has the new columns by now.
DROP FUNCTION IF EXISTS audit_trail.register_table(text, text, text, text, text, text, text[], jsonb);
CREATE OR REPLACE FUNCTION audit_trail.register_table(
    source_schema text,
    source_table text,
    staging_table text,
    log_table text,
    tombstone_table text,
    log_partition_prefix text,
    key_columns text[],
    source_columns jsonb,
    new_oid text,
    new_attnums jsonb,
    missing_values jsonb
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    known audit_trail.audited_table;
    staging_name CONSTANT regclass := format('%I.%I', source_schema, staging_table);
    gone jsonb;
    renamed jsonb;
    anew jsonb;
    assignments text;
BEGIN
    SELECT * INTO known
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    IF NOT FOUND THEN
        INSERT INTO audit_trail.audited_table
            (
                table_schema, table_name, staging, audit_log, tombstone, partition_prefix, primary_key, columns,
                source_oid, attnums
            )
            VALUES (
                source_schema,
                source_table,
                staging_table,
                log_table,
                tombstone_table,
                log_partition_prefix,
                key_columns,
                source_columns,
                new_oid,
                new_attnums
            );
        RETURN;
    END IF;
    -- The same number is the same column, whatever its name: staging has its values under the old one. Under the name of
    -- a column that is new, staging may have the values of one that had it before.
    SELECT
        string_agg(
            format('%I = %s', n.key, coalesce(quote_ident(o.key), quote_nullable(missing_values ->> n.key))), ', '
        ),
        coalesce(jsonb_object_agg(o.key, n.key) FILTER (WHERE o.key IS NOT NULL), '{}'),
        coalesce(jsonb_object_agg(n.key, n.value) FILTER (WHERE o.key IS NULL AND known.columns ? n.key), '{}')
        INTO assignments, renamed, anew
        FROM jsonb_each_text(new_attnums) AS n
        LEFT JOIN jsonb_each_text(known.attnums) AS o ON known.source_oid = new_oid AND o.value = n.value
        WHERE n.key <> ALL (key_columns)
            AND CASE
                WHEN o.key IS NULL THEN
                    known.former_columns ? n.key OR (known.source_oid = new_oid AND known.columns ? n.key)
                ELSE o.key <> n.key AND known.columns ->> o.key = source_columns ->> n.key
            END;
    IF assignments IS NOT NULL THEN
        PERFORM audit_trail.fill_columns(staging_name, assignments);
    END IF;
    IF known.columns IS DISTINCT FROM source_columns OR assignments IS NOT NULL THEN
        SELECT coalesce(jsonb_object_agg(c.key, c.value), '{}')
            INTO gone
            FROM jsonb_each(known.columns) AS c
            WHERE NOT source_columns ? c.key;
        UPDATE audit_trail.audited_table AS t
            SET columns = source_columns,
                former_columns = (t.former_columns || gone) - ARRAY(SELECT jsonb_object_keys(source_columns)),
                former_since = (
                    t.former_since
                    || (SELECT coalesce(jsonb_object_agg(c, clock_timestamp()), '{}') FROM jsonb_object_keys(gone) AS c)
                ) - ARRAY(SELECT jsonb_object_keys(source_columns))
            WHERE t.table_schema = source_schema AND t.table_name = source_table;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'shape change',
                clock_timestamp(),
                jsonb_build_object('before', known.columns, 'after', source_columns)
                || CASE renamed WHEN '{}' THEN '{}' ELSE jsonb_build_object('renamed', renamed) END
                || CASE anew WHEN '{}' THEN '{}' ELSE jsonb_build_object('made_anew', anew) END
            );
    END IF;
    UPDATE audit_trail.audited_table AS t
        SET source_oid = new_oid, attnums = new_attnums
        WHERE (t.table_schema, t.table_name) = (source_schema, source_table)
            AND (t.source_oid, t.attnums) IS DISTINCT FROM (new_oid, new_attnums);
END
$function$;
REVOKE ALL ON FUNCTION
    audit_trail.register_table(text, text, text, text, text, text, text[], jsonb, text, jsonb, jsonb)
    FROM PUBLIC;

-- The arguments of a log's trigger, as SQL: former columns, each followed by the time from which on it is left out of
-- the log's rows. Arguments, because they cost a table without former columns nothing.
CREATE OR REPLACE FUNCTION audit_trail.log_trigger_arguments(source_schema text, source_table text) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT coalesce(string_agg(quote_literal(f.key) || ', ' || quote_literal(f.value), ', ' ORDER BY f.key), '')
    FROM audit_trail.audited_table AS t
    CROSS JOIN LATERAL jsonb_each_text(t.former_since) AS f
    WHERE t.table_schema = source_schema AND t.table_name = source_table;
END;
REVOKE ALL ON FUNCTION audit_trail.log_trigger_arguments(text, text) FROM PUBLIC;

-- The trigger has no condition: PostgreSQL prepares one anew for every statement, which costs a seventh of the apply
-- rate.
CREATE OR REPLACE FUNCTION audit_trail.put_log_trigger(source_schema text, source_table text, function_name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    staging text;
BEGIN
    SELECT format('%I.%I', t.table_schema, t.staging) INTO STRICT staging
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER log_change AFTER INSERT OR UPDATE ON %s
            FOR EACH ROW EXECUTE FUNCTION audit_trail.%I(%s)',
        staging, function_name, audit_trail.log_trigger_arguments(source_schema, source_table)
    );
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_change', staging);
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.put_log_trigger(text, text, text) FROM PUBLIC;

RESET ROLE;
