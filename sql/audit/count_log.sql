-- Counts of a log that nobody has to verify for: audit_trail.maintain() makes them, and verify compares the log with them as with
-- its own. So what is taken out of a log shows, although nobody verified since it was written.
SET LOCAL ROLE audit_trail_owner;

-- Enters how many rows the log of a table has got since it was counted last, and the sum of their hashes, as verify does. Rows
-- count by the transactions that wrote them, up to the oldest one that is running: those before it have ended, and bring
-- nothing more. It reads the whole log, which has no index by these transactions, and hashes the new rows only. Returns how
-- many rows were counted.
CREATE OR REPLACE FUNCTION audit_trail.count_log(source_schema text, source_table text) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    log regclass;
    since CONSTANT xid8 := coalesce(
        (
            SELECT c.below_xid
            FROM audit_trail.log_count AS c
            WHERE c.table_schema = source_schema AND c.table_name = source_table
            ORDER BY c.below_xid DESC
            LIMIT 1
        ),
        '0'
    );
    below xid8;
    counted_at timestamptz;
    log_rows bigint;
    hash_sum numeric;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    log := format('%I.%I', audited.table_schema, audited.audit_log);
    below := pg_snapshot_xmin(pg_current_snapshot());
    -- After the snapshot: of a transaction that it sees as ended, every row was recorded before.
    counted_at := clock_timestamp();
    IF below <= since THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'SELECT count(*), sum(%s) FROM %s AS l
         WHERE l.applied_xid >= $1 AND l.applied_xid < $2 AND l.recorded_at <= $3',
        format(
            :'row_hash',
            (
                SELECT string_agg(c.expression, '' ORDER BY c.at)
                FROM (VALUES :carried) AS c (at, name, expression)
                JOIN pg_attribute AS a ON a.attrelid = log AND a.attname = c.name AND NOT a.attisdropped
            )
        ),
        log
    ) INTO log_rows, hash_sum USING since, below, counted_at;
    IF log_rows > 0 THEN
        PERFORM audit_trail.enter_count(
            source_schema, source_table, since, below, counted_at, log_rows, hash_sum
        );
    END IF;
    RETURN log_rows;
END
$function$;

RESET ROLE;
