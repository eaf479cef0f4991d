-- Reloads: what happens when DMS loads a table again that has a log already.
SET LOCAL ROLE audit_trail_owner;

-- Notes that a reload begins, and returns the commit time of the last change that was applied before it: DMS may skip
-- later ones, whose rows the load brings. A reload that begins while another one is under way, because that failed, takes its
-- place: what the other one has loaded may have gone from the source since.
CREATE OR REPLACE FUNCTION audit_trail.note_reload(audited audit_trail.audited_table) RETURNS timestamptz
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    last_change timestamptz;
BEGIN
    EXECUTE format(
        'SELECT max(s.audit_trail_commit_timestamp) AT TIME ZONE ''UTC'' FROM %I.%I AS s',
        audited.table_schema, audited.staging
    ) INTO last_change;
    UPDATE audit_trail.audited_table AS t
        SET reload_began_at = clock_timestamp(), reload_from = coalesce(t.reload_from, last_change)
        WHERE t.table_schema = audited.table_schema AND t.table_name = audited.table_name;
    RETURN last_change;
END
$function$;

-- Statement trigger of a staging table, before a TRUNCATE. The greatest position of each key outlives it, so that a replay
-- of what was logged before is known as one.
CREATE OR REPLACE FUNCTION audit_trail.record_reload() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    something_logged boolean;
    last_change timestamptz;
BEGIN
    SELECT * INTO STRICT audited FROM audit_trail.trail_of_staging(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', audited.table_schema, audited.audit_log)
        INTO something_logged;
    IF NOT something_logged THEN
        RETURN NULL;
    END IF;
    last_change := audit_trail.note_reload(audited);
    EXECUTE format(
        'INSERT INTO audit_trail.%I (row_key, stream_position, kind)
            SELECT %s, coalesce(s.audit_trail_stream_position, ''''), ''emptied'' FROM %I.%I AS s
            ON CONFLICT (row_key) DO NOTHING',
        audited.tombstone,
        audit_trail.key_expression(audited.primary_key),
        TG_TABLE_SCHEMA,
        TG_TABLE_NAME
    );
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp)
        VALUES (
            audited.table_schema,
            audited.table_name,
            'reload',
            last_change,
            clock_timestamp()
        );
    RETURN NULL;
END
$function$;

-- The row key of a staging row that is read as s, as SQL.
CREATE OR REPLACE FUNCTION audit_trail.key_expression(key_columns text[]) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    -- One object for each column: a call of a function takes no more than a hundred arguments.
    SELECT string_agg(format('jsonb_build_object(%L, s.%I)', k.name, k.name), ' || ' ORDER BY k.ordinality)
    FROM unnest(key_columns) WITH ORDINALITY AS k (name, ordinality);
END;

-- Row trigger of a staging table while a reload is under way: a row of the load takes the place of the one that is there.
CREATE OR REPLACE FUNCTION audit_trail.make_room() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    own_key jsonb;
    removed_position text;
BEGIN
    IF NEW.audit_trail_change_seq <> '' THEN
        RETURN NEW;
    END IF;
    SELECT * INTO STRICT audited FROM audit_trail.trail_of_staging(TG_TABLE_SCHEMA, TG_TABLE_NAME);
    EXECUTE format('SELECT %s FROM (SELECT ($1).*) AS s', audit_trail.key_expression(audited.primary_key))
        INTO own_key USING NEW;
    EXECUTE format(
        'DELETE FROM %I.%I AS s WHERE (%s) = (%s) RETURNING s.audit_trail_stream_position',
        TG_TABLE_SCHEMA,
        TG_TABLE_NAME,
        (SELECT string_agg(format('s.%I', k), ', ') FROM unnest(audited.primary_key) AS k),
        (SELECT string_agg(format('($1).%I', k), ', ') FROM unnest(audited.primary_key) AS k)
    ) INTO removed_position USING NEW;
    IF removed_position IS NOT NULL THEN
        EXECUTE format(
            'INSERT INTO audit_trail.%I (row_key, stream_position, kind) VALUES ($1, $2, ''emptied'')
                ON CONFLICT (row_key) DO NOTHING',
            audited.tombstone
        ) USING own_key, removed_position;
    END IF;
    RETURN NEW;
END
$function$;

-- To be called before each load by which DMS loads a table again. Staging keeps its rows until those of the load take their
-- places, so that changes find the rows that they belong to all the time. Returns a time: rows that are recorded after it
-- count as loaded.
CREATE OR REPLACE FUNCTION audit_trail.begin_reload(source_schema text, source_table text) RETURNS timestamptz
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    staging text;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    staging := format('%I.%I', audited.table_schema, audited.staging);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', staging);
    PERFORM audit_trail.put_trigger(
        staging::regclass,
        'make_room',
        '%1$I BEFORE INSERT ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.make_room()'
    );
    PERFORM audit_trail.note_reload(audited);
    audited := audit_trail.trail_of(source_schema, source_table);
    RETURN audited.reload_began_at;
END
$function$;

-- To be called once DMS has loaded the table. Rows that the load did not bring have gone from the source in between: each
-- gets a closing row in the log, a D at the time when the reload began (or at that of its last change, where the source's
-- clock is ahead), with a remark. Returns their number.
CREATE OR REPLACE FUNCTION audit_trail.end_reload(
    source_schema text,
    source_table text,
    source_is_empty boolean DEFAULT false
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
SET lock_timeout = '5s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    staging text;
    log text;
    tombstone text;
    began_at timestamptz;
    is_loaded boolean;
    unloaded text;
    vanished bigint;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    staging := format('%I.%I', audited.table_schema, audited.staging);
    log := format('%I.%I', audited.table_schema, audited.audit_log);
    tombstone := format('audit_trail.%I', audited.tombstone);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', staging);
    audited := audit_trail.trail_of(source_schema, source_table);
    began_at := audited.reload_began_at;
    IF began_at IS NULL THEN
        RAISE EXCEPTION 'No reload of %.% is under way.', source_schema, source_table
            USING HINT = 'audit_trail.begin_reload() begins one, and so does a TRUNCATE of staging.';
    END IF;
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM %s AS l WHERE l.operation = ''B'' AND l.recorded_at >= $1)', log
    ) INTO is_loaded USING began_at;
    IF NOT is_loaded AND NOT source_is_empty THEN
        RAISE EXCEPTION 'DMS has loaded no row of %.% since %.', source_schema, source_table, began_at
            USING HINT = 'Wait until the table''s load is complete; where the source''s table is empty, say so with a third argument true.';
    END IF;

    -- DMS loads each partition by itself: the rows of one that it has not loaded have not vanished.
    IF NOT source_is_empty AND EXISTS (
        SELECT FROM audit_trail.audited_partition AS p
        WHERE p.table_schema = source_schema AND p.table_name = source_table
    ) THEN
        EXECUTE format(
            'SELECT string_agg(p.label, '', '' ORDER BY p.label)
             FROM audit_trail.audited_partition AS p
             WHERE p.table_schema = $1
                 AND p.table_name = $2
                 AND EXISTS (SELECT FROM %s AS s WHERE s.audit_trail_partition = p.label)
                 AND NOT EXISTS (
                     SELECT FROM %s AS l
                     WHERE l.source_partition = p.label AND l.operation = ''B'' AND l.recorded_at >= $3
                 )',
            staging, log
        ) INTO unloaded USING source_schema, source_table, began_at;
        IF unloaded IS NOT NULL THEN
            RAISE EXCEPTION 'DMS has loaded no row of these partitions of %.% since %: %.',
                source_schema, source_table, began_at, unloaded
                USING HINT = 'Reload every partition and wait until that is complete; where those are empty in the source, say so with a third argument true.';
        END IF;
    END IF;

    -- Rows of staging that neither the load nor a change has written since. A DELETE does not call the log's function.
    EXECUTE format(
        'WITH stale AS (
            SELECT s.tableoid AS part, s.ctid AS place, k.row_key,
                coalesce(s.audit_trail_stream_position, '''') AS stream_position,
                audit_trail.row_image(CAST(s.* AS text), $2, $3, $1) AS image,
                s.audit_trail_commit_timestamp AT TIME ZONE ''UTC'' AS changed_at
            FROM %1$s AS s
            CROSS JOIN LATERAL (SELECT %4$s AS row_key) AS k
            WHERE NOT EXISTS (
                SELECT FROM %2$s AS l
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
                    AND l.row_key = k.row_key
                    AND l.recorded_at >= $1
            )
        ),
        gone AS (
            DELETE FROM %1$s AS s USING stale AS v WHERE s.tableoid = v.part AND s.ctid = v.place
            RETURNING v.row_key, v.stream_position, v.image, v.changed_at
        ),
        buried AS (
            INSERT INTO %3$s AS t (row_key, stream_position, kind)
            SELECT g.row_key, g.stream_position, ''deleted'' FROM gone AS g
            ON CONFLICT (row_key) DO UPDATE SET kind = excluded.kind
        ),
        emptied AS (
            UPDATE %3$s AS t SET kind = ''deleted'' WHERE t.kind = ''emptied'' RETURNING t.row_key
        ),
        closed AS (
            INSERT INTO %2$s (
                operation, row_key, old_row_data, commit_timestamp, stream_position, change_seq, remarks
            )
            SELECT ''D'', c.row_key, c.image, greatest($1, c.changed_at), '''', '''', ARRAY[''vanished in reload'']
            FROM (
                SELECT g.row_key, g.image, g.changed_at FROM gone AS g
                UNION ALL
                SELECT e.row_key, last.new_row_data, last.commit_timestamp
                FROM emptied AS e
                CROSS JOIN LATERAL (
                    SELECT l.operation, l.new_row_data, l.commit_timestamp
                    FROM %2$s AS l
                    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(e.row_key, 0) AND l.row_key = e.row_key
                    ORDER BY l.audit_id DESC
                    LIMIT 1
                ) AS last
                WHERE last.operation <> ''D''
            ) AS c
            RETURNING 1
        )
        SELECT count(*) FROM closed',
        staging, log, tombstone, audit_trail.key_expression(audited.primary_key)
    ) INTO vanished USING began_at, source_schema, source_table;

    EXECUTE format('DROP TRIGGER IF EXISTS make_room ON %s', staging);
    UPDATE audit_trail.audited_table AS t
        SET reload_began_at = NULL, reload_from = NULL
        WHERE t.table_schema = audited.table_schema AND t.table_name = audited.table_name;
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        VALUES (
            audited.table_schema,
            audited.table_name,
            'reload',
            least(audited.reload_from, began_at),
            clock_timestamp(),
            jsonb_build_object('vanished', vanished)
        );
    RETURN vanished;
END
$function$;

-- The trail of a source table, or an error.
CREATE OR REPLACE FUNCTION audit_trail.trail_of(source_schema text, source_table text)
RETURNS audit_trail.audited_table
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited audit_trail.audited_table;
BEGIN
    SELECT * INTO audited
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%.% is not audited.', source_schema, source_table
            USING HINT = 'audit_trail.audited_table lists the tables that are.';
    END IF;
    RETURN audited;
END
$function$;

RESET ROLE;
