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
COMMENT ON TABLE audit_trail.audited_table IS 'One row per audited source table: where its trail is, and its columns.';

-- Enters a table, or brings its entry up to date; a difference in its columns is recorded as a gap, because rows
-- written before it and rows written after it do not say the same.
CREATE OR REPLACE FUNCTION audit_trail.register_table(
    source_schema text,
    source_table text,
    staging_table text,
    log_table text,
    tombstone_table text,
    log_partition_prefix text,
    key_columns text[],
    source_columns jsonb
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    known audit_trail.audited_table;
    gone jsonb;
BEGIN
    SELECT * INTO known
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    IF NOT FOUND THEN
        INSERT INTO audit_trail.audited_table
            (table_schema, table_name, staging, audit_log, tombstone, partition_prefix, primary_key, columns)
            VALUES (
                source_schema,
                source_table,
                staging_table,
                log_table,
                tombstone_table,
                log_partition_prefix,
                key_columns,
                source_columns
            );
    ELSIF known.columns IS DISTINCT FROM source_columns THEN
        SELECT coalesce(jsonb_object_agg(c.key, c.value), '{}')
            INTO gone
            FROM jsonb_each(known.columns) AS c
            WHERE NOT source_columns ? c.key;
        UPDATE audit_trail.audited_table AS t
            SET columns = source_columns, former_columns = (t.former_columns || gone) - ARRAY(
                SELECT jsonb_object_keys(source_columns)
            )
            WHERE t.table_schema = source_schema AND t.table_name = source_table;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'shape change',
                clock_timestamp(),
                jsonb_build_object('before', known.columns, 'after', source_columns)
            );
    END IF;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.register_table(text, text, text, text, text, text, text[], jsonb) FROM PUBLIC;

RESET ROLE;
