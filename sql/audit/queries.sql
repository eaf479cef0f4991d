-- For people who read the trail. Each answer says how many known gaps touch it. The functions run with the rights of
-- who calls them.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE VIEW audit_trail.known_gap AS
    SELECT
        f.table_schema,
        f.table_name,
        f.kind,
        f.from_timestamp,
        f.to_timestamp,
        f.detail,
        f.recorded_at,
        -- A kind that nobody knows may hide anything.
        coalesce(k.hides_changes, true) AS hides_changes
    FROM (
        SELECT g.table_schema, g.table_name, g.kind, g.from_timestamp, g.to_timestamp, g.detail, g.recorded_at
        FROM audit_trail.gap AS g
        UNION ALL
        SELECT
            u.table_schema,
            u.table_name,
            'unlogged change',
            u.commit_timestamp,
            u.commit_timestamp,
            jsonb_build_object('unlogged_id', u.unlogged_id, 'sqlstate', u.sqlstate, 'message', u.message),
            u.recorded_at
        FROM audit_trail.unlogged_change AS u
        WHERE NOT EXISTS (SELECT FROM audit_trail.brought_back AS b WHERE b.unlogged_id = u.unlogged_id)
    ) AS f
    LEFT JOIN audit_trail.gap_kind AS k ON k.kind = f.kind;
COMMENT ON VIEW audit_trail.known_gap IS
    'All that is known of what the logs lack: the gap ledger, and the changes that reached staging but no log.';

-- The gaps of one table in a span of commit times. A gap that names no table concerns all, one without an end is open. A log
-- that was set aside has the gaps that were recorded under its table's name before; so has the log that took its place.
CREATE OR REPLACE FUNCTION audit_trail.gaps_between(
    source_schema text,
    source_table text,
    span_start timestamptz,
    span_end timestamptz
) RETURNS SETOF audit_trail.known_gap
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT g.*
    FROM audit_trail.known_gap AS g
    WHERE (
            g.table_schema IS NULL
            OR (g.table_schema, g.table_name) = (source_schema, source_table)
            OR EXISTS (
                SELECT
                FROM audit_trail.audited_table AS a
                WHERE (a.table_schema, a.table_name) = (source_schema, source_table)
                    AND (a.table_schema, a.former_name) = (g.table_schema, g.table_name)
                    AND g.recorded_at <= a.set_aside_at
            )
        )
        AND coalesce(g.from_timestamp, g.to_timestamp, '-infinity') <= span_end
        AND coalesce(g.to_timestamp, 'infinity') >= span_start
    ORDER BY g.to_timestamp, g.recorded_at;
END;

-- All changes of one row, oldest first, with the number of known gaps since the change before.
CREATE OR REPLACE FUNCTION audit_trail.row_history(source_schema text, source_table text, key jsonb)
RETURNS TABLE (
    audit_id bigint,
    operation "char",
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz,
    transaction_id bigint,
    stream_position text,
    remarks text[],
    known_gaps bigint
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    staging CONSTANT text := format('%I.%I', audited.table_schema, audited.staging);
    given text[];
    own_key jsonb := key;
BEGIN
    -- A key that can have no history must not look like one that never changed.
    IF jsonb_typeof(key) = 'object' THEN
        SELECT array_agg(k ORDER BY k) INTO given FROM jsonb_object_keys(key) AS k;
    END IF;
    IF given IS DISTINCT FROM ARRAY(SELECT k FROM unnest(audited.primary_key) AS k ORDER BY k) THEN
        RAISE EXCEPTION '% is not a key of %.%.', coalesce(key::text, 'null'), source_schema, source_table
            USING HINT = format(
                'Give an object with the primary key''s columns: %s.', array_to_string(audited.primary_key, ', ')
            );
    END IF;
    -- As the log has it: a number may have been given as a text, a time in another zone. A value that the column's type does
    -- not take is an error.
    IF to_regclass(staging) IS NOT NULL THEN
        EXECUTE format(
            'SELECT %s FROM jsonb_populate_record(CAST(NULL AS %s), $1) AS s',
            (
                SELECT string_agg(format('jsonb_build_object(%L, s.%I)', k, k), ' || ')
                FROM unnest(audited.primary_key) AS k
            ),
            staging
        ) INTO own_key USING key;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT c.audit_id, c.operation::"char", c.old_row_data, c.new_row_data, c.commit_timestamp, c.transaction_id,
             c.stream_position, c.remarks,
             (SELECT count(*) FROM audit_trail.gaps_between($1, $2, c.since, c.commit_timestamp))
         FROM (
             SELECT l.*, coalesce(lag(l.commit_timestamp) OVER (ORDER BY l.audit_id), l.commit_timestamp) AS since
             FROM %I.%I AS l
             WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($3, 0) AND l.row_key = $3
         ) AS c
         ORDER BY c.audit_id',
        audited.table_schema, audited.audit_log
    ) USING source_schema, source_table, own_key;
END
$function$;

-- The table as it was at a commit time: the rows that every reader saw who began after that commit and before the
-- next one, and the number of known gaps up to then. A time before the full load of a table with rows is an error. Of
-- a column that has come since a row's last change the row knows nothing; one that had gone by then is left out.
CREATE OR REPLACE FUNCTION audit_trail.as_of(source_schema text, source_table text, at timestamptz)
RETURNS TABLE (row_key jsonb, row_data jsonb, known_gaps bigint)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    log CONSTANT text := format('%I.%I', audited.table_schema, audited.audit_log);
    gaps bigint;
    known_from timestamptz;
    is_known boolean;
    gone text[];
BEGIN
    SELECT coalesce(array_agg(f.name), '{}') INTO gone
        FROM audit_trail.former_column AS f
        WHERE f.table_schema = source_schema AND f.table_name = source_table AND at > f.gone_since;
    -- No log row up to then: either the table was empty or its trail had not begun, which must not look alike.
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS l WHERE l.commit_timestamp <= $1)', log) INTO is_known USING at;
    IF NOT is_known THEN
        EXECUTE format('SELECT min(l.commit_timestamp) FROM %s AS l WHERE l.operation = $1', log)
            INTO known_from
            USING 'B'::char(1);
        IF at < known_from THEN
            RAISE EXCEPTION 'The trail of %.% begins at %; it knows nothing of %.',
                source_schema, source_table, known_from, at
                USING HINT = 'The rows of the full load are the first that it knows.';
        END IF;
    END IF;
    SELECT count(*) INTO gaps FROM audit_trail.gaps_between(source_schema, source_table, '-infinity', at);
    RETURN QUERY EXECUTE format(
        'SELECT s.row_key, s.new_row_data - $3, $2
         FROM (
             SELECT DISTINCT ON (l.row_key) l.row_key, l.new_row_data
             FROM %s AS l
             WHERE l.commit_timestamp <= $1
             ORDER BY l.row_key, l.audit_id DESC
         ) AS s
         WHERE s.new_row_data IS NOT NULL',
        log
    ) USING at, gaps, gone;
END
$function$;

RESET ROLE;
