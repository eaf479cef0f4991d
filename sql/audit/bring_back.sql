-- Brings a change that could not be logged back into its log, once what stood in the way is gone.
SET LOCAL ROLE audit_trail_owner;

-- Makes an explicit log row of an unlogged change, at the place in the log that was set aside for it, with the remark
-- 'brought back'. What jsonb cannot hold is kept as text. Returns its audit_id. It is no gap from then on.
CREATE OR REPLACE FUNCTION audit_trail.bring_back(unlogged bigint) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    change audit_trail.unlogged_change;
    audited audit_trail.audited_table;
    own_key jsonb;
    staged json;
    carried_columns text;
    carried_values text;
BEGIN
    SELECT * INTO change FROM audit_trail.unlogged_change AS u WHERE u.unlogged_id = unlogged;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no unlogged change %.', unlogged
            USING HINT = 'audit_trail.unlogged_change lists them.';
    END IF;
    audited := audit_trail.trail_at(change.table_schema, change.table_name, change.recorded_at);
    SELECT jsonb_object_agg(k, change.new_image -> k) INTO own_key FROM unnest(audited.primary_key) AS k;
    IF change.operation IS NULL OR change.operation NOT IN ('I', 'U', 'D') THEN
        RAISE EXCEPTION 'Unlogged change % has the operation %, and not I, U or D.',
            unlogged, coalesce(quote_literal(change.operation), 'null')
            USING HINT = 'audit_trail.unlogged_change has the row; what it was, the source alone can tell.';
    END IF;
    IF change.new_image IS NULL THEN
        RAISE EXCEPTION 'The row of unlogged change % cannot be held by jsonb.', unlogged
            USING HINT = 'audit_trail.unlogged_change has it as json, in new_row.';
    END IF;
    -- The second of two callers waits here for the first.
    INSERT INTO audit_trail.brought_back (unlogged_id) VALUES (unlogged) ON CONFLICT (unlogged_id) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Unlogged change % has been brought back already.', unlogged;
    END IF;
    -- What the log takes over from staging as it is, out of the row that DMS wrote.
    SELECT
        string_agg(format(', %I', c.log), '' ORDER BY a.attnum),
        string_agg(
            format(', CAST($11 ->> %L AS %s)', c.staging, format_type(a.atttypid, a.atttypmod)), '' ORDER BY a.attnum
        )
        INTO carried_columns, carried_values
        FROM (VALUES :carried) AS c (staging, log)
        JOIN pg_attribute AS a ON a.attname = c.log
        WHERE a.attrelid = format('%I.%I', audited.table_schema, audited.audit_log)::regclass
            AND NOT a.attisdropped;
    staged := change.new_row;
    BEGIN
        PERFORM staged ->> 'audit_trail_operation';
    EXCEPTION
        -- A json value with \u0000, in whatever column: then nothing of the row can be read.
        WHEN untranslatable_character THEN
            staged := NULL;
    END;
    EXECUTE format(
        'INSERT INTO %I.%I (
            audit_id, operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position,
            change_seq, remarks%s
        )
        OVERRIDING SYSTEM VALUE
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10%s)',
        audited.table_schema,
        audited.audit_log,
        coalesce(carried_columns, ''),
        coalesce(carried_values, '')
    ) USING
        change.audit_id,
        change.operation,
        own_key,
        CASE WHEN change.operation <> 'I' THEN change.old_image END,
        CASE WHEN change.operation <> 'D' THEN change.new_image END,
        coalesce(change.commit_timestamp, change.recorded_at),
        audit_trail.microseconds(change.commit_timestamp),
        coalesce(change.stream_position, ''),
        coalesce(change.change_seq, ''),
        ARRAY['brought back'],
        staged;
    IF change.operation = 'D' THEN
        -- What a logged delete would have left, unless the key came again since.
        BEGIN
            EXECUTE format(
                'INSERT INTO audit_trail.%1$I (row_key, stream_position, kind)
                    SELECT $1, $2, ''deleted''
                    WHERE NOT EXISTS (
                        SELECT FROM %2$I.%3$I AS l
                        WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($1, 0)
                            AND l.row_key = $1
                            AND l.audit_id > $3
                    )
                    ON CONFLICT (row_key) DO NOTHING',
                audited.tombstone, audited.table_schema, audited.audit_log
            ) USING own_key, coalesce(change.stream_position, ''), change.audit_id;
        EXCEPTION
            -- A key that does not fit the index: without a tombstone a replay of the row is logged again.
            WHEN program_limit_exceeded THEN
                NULL;
        END;
    END IF;
    RETURN change.audit_id;
END
$function$;

RESET ROLE;
