-- What an operator does from time to time: a scheduler (pg_cron) may too.
SET LOCAL ROLE audit_trail_owner;

-- Adds the partitions of the coming months to a log (rows of a month without one go to the default partition), and forgets
-- what only a replay needs: the tombstones of keys that were deleted longer ago than DMS can go back. That is as far as its
-- slot keeps the WAL, so the retention has to be longer than the longest stop of the task. The log keeps everything.
-- Returns how many tombstones were forgotten.
CREATE OR REPLACE FUNCTION audit_trail.maintain_table(source_schema text, source_table text, retention interval)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '2s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    -- Intervals are not compared: '-12 months 361 days' counts as a day, and ends in the future.
    horizon CONSTANT timestamptz := clock_timestamp() - retention;
    forgotten bigint;
BEGIN
    IF horizon IS NULL OR horizon > clock_timestamp() - interval '1 day' THEN
        RAISE EXCEPTION 'A retention of % is too short: a replay of what was deleted within it would be logged again.',
            coalesce(retention::text, 'null')
            USING HINT = 'Give at least 1 day, better more than the longest stop of the task.';
    END IF;
    audited := audit_trail.trail_of(source_schema, source_table);
    PERFORM audit_trail.add_partitions(
        format('%I.%I', audited.table_schema, audited.audit_log)::regclass,
        audited.partition_prefix
    );
    EXECUTE format(
        'DELETE FROM audit_trail.%I AS t WHERE t.kind = ''deleted'' AND t.removed_at < $1',
        audited.tombstone
    ) USING horizon;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    UPDATE audit_trail.audited_table AS t
        SET tombstones_from = greatest(t.tombstones_from, horizon)
        WHERE t.table_schema = audited.table_schema AND t.table_name = audited.table_name;
    RETURN forgotten;
END
$function$;

-- All tables, each in a transaction of its own, so that nobody waits for more than one, and in another one the count of its
-- log. A table that somebody keeps locked is tried again, and then left for the next time with a warning. A procedure that
-- commits can have neither settings nor the rights of its owner, so every name has its schema.
CREATE OR REPLACE PROCEDURE audit_trail.maintain(retention interval DEFAULT '35 days')
LANGUAGE plpgsql
AS $procedure$
DECLARE
    audited record;
    is_counting boolean;
    is_done boolean;
BEGIN
    FOR audited IN
        SELECT t.table_schema, t.table_name FROM audit_trail.audited_table AS t ORDER BY 1, 2
    LOOP
        FOREACH is_counting IN ARRAY ARRAY[false, true] LOOP
            is_done := false;
            FOR attempt IN 1 .. 3 LOOP
                BEGIN
                    IF is_counting THEN
                        PERFORM audit_trail.count_log(audited.table_schema, audited.table_name);
                    ELSE
                        PERFORM audit_trail.maintain_table(audited.table_schema, audited.table_name, retention);
                    END IF;
                    is_done := true;
                EXCEPTION
                    WHEN lock_not_available OR deadlock_detected THEN
                        NULL;
                END;
                COMMIT;
                EXIT WHEN is_done;
            END LOOP;
            IF NOT is_done THEN
                RAISE WARNING 'The trail of %.% was not %: somebody has kept it locked.',
                    audited.table_schema,
                    audited.table_name,
                    CASE WHEN is_counting THEN 'counted' ELSE 'maintained' END
                    USING HINT = 'Call audit_trail.maintain() again once long transactions on its log have ended.';
            END IF;
        END LOOP;
    END LOOP;
END
$procedure$;

REVOKE ALL ON PROCEDURE audit_trail.maintain(interval) FROM PUBLIC;

RESET ROLE;
