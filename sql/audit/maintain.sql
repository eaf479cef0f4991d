-- What an operator does from time to time: a scheduler (pg_cron) may too.
SET LOCAL ROLE audit_trail_owner;

DROP FUNCTION IF EXISTS audit_trail.maintain();

-- Adds the partitions of the coming months to every log (rows of a month without one go to the default partition), and
-- forgets what only a replay needs: the tombstones of keys that were deleted longer ago than DMS can go back. That is as
-- far as its slot keeps the WAL, so the retention has to be longer than the longest stop of the task. The logs keep
-- everything. Returns how many tombstones were forgotten.
CREATE OR REPLACE FUNCTION audit_trail.maintain(retention interval DEFAULT '35 days') RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    registered audit_trail.audited_table;
    horizon timestamptz;
    forgotten bigint;
    all_forgotten bigint := 0;
BEGIN
    IF retention IS NULL OR retention < interval '1 day' THEN
        RAISE EXCEPTION 'A retention of % is too short: a replay of what was deleted within it would be logged again.',
            coalesce(retention::text, 'null')
            USING HINT = 'Give at least 1 day, better more than the longest stop of the task.';
    END IF;
    horizon := clock_timestamp() - retention;
    FOR registered IN SELECT * FROM audit_trail.audited_table LOOP
        PERFORM audit_trail.add_partitions(
            format('%I.%I', registered.table_schema, registered.audit_log)::regclass,
            registered.partition_prefix
        );
        -- One that holds a removed row waits for its end, however old.
        EXECUTE format(
            'DELETE FROM audit_trail.%I WHERE removed_row IS NULL AND removed_at < $1',
            registered.tombstone
        ) USING horizon;
        GET DIAGNOSTICS forgotten = ROW_COUNT;
        UPDATE audit_trail.audited_table AS t
            SET tombstones_from = greatest(t.tombstones_from, horizon)
            WHERE t.table_schema = registered.table_schema AND t.table_name = registered.table_name;
        all_forgotten := all_forgotten + forgotten;
    END LOOP;
    RETURN all_forgotten;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.maintain(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_trail.maintain(interval) TO audit_trail_operator;

RESET ROLE;
