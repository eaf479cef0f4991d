-- Enters into the gap ledger what DMS wrote into its control tables, and what it changed in staging. To be run from
-- time to time (npm run verify does); what is in the ledger already is not entered again.
SET LOCAL ROLE audit_trail_owner;

-- Enters one gap unless it is there, under the name of the source table behind a staging table.
CREATE OR REPLACE FUNCTION audit_trail.record_once(
    staging_schema text,
    staging_table text,
    gap_kind text,
    gap_from timestamptz,
    gap_to timestamptz,
    gap_detail jsonb
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited audit_trail.audited_table;
    source_schema text;
    source_table text;
BEGIN
    SELECT * INTO audited FROM audit_trail.trail_of_staging(staging_schema, staging_table);
    source_schema := coalesce(audited.table_schema, staging_schema);
    source_table := coalesce(audited.table_name, staging_table);
    -- DMS may say the same of two tables at the same moment.
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        SELECT source_schema, source_table, gap_kind, gap_from, gap_to, gap_detail
        WHERE NOT EXISTS (
            SELECT FROM audit_trail.gap AS g
            WHERE g.kind = gap_kind
                AND g.table_schema IS NOT DISTINCT FROM source_schema
                AND g.table_name IS NOT DISTINCT FROM source_table
                AND g.detail = gap_detail
                AND g.to_timestamp IS NOT DISTINCT FROM gap_to
        );
    RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_once(text, text, text, timestamptz, timestamptz, jsonb) FROM PUBLIC;

-- The gaps that the rows of a control table report.
CREATE OR REPLACE FUNCTION audit_trail.gaps_told_by(control_table text)
RETURNS TABLE (
    staging_schema text,
    staging_table text,
    kind text,
    from_timestamp timestamptz,
    to_timestamp timestamptz,
    detail jsonb
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
AS $function$
BEGIN
    CASE control_table
        WHEN 'awsdms_apply_exceptions' THEN
            RETURN QUERY
                SELECT
                    c ->> 'table_owner',
                    c ->> 'table_name',
                    'apply exception',
                    (c ->> 'error_time')::timestamptz,
                    (c ->> 'error_time')::timestamptz,
                    jsonb_build_object('task', c -> 'task_name', 'error', c -> 'error', 'statement', c -> 'statement')
                FROM audit_trail.control_rows(
                    control_table, '{task_name,table_owner,table_name,error_time,statement,error}'
                ) AS c;
        WHEN 'awsdms_suspended_tables' THEN
            RETURN QUERY
                SELECT
                    c ->> 'table_owner',
                    c ->> 'table_name',
                    'table suspended',
                    (c ->> 'suspend_timestamp')::timestamptz,
                    (c ->> 'suspend_timestamp')::timestamptz,
                    jsonb_build_object('task', c -> 'task_name', 'reason', c -> 'suspend_reason')
                FROM audit_trail.control_rows(
                    control_table, '{task_name,table_owner,table_name,suspend_reason,suspend_timestamp}'
                ) AS c;
        WHEN 'awsdms_history' THEN
            -- A task that runs writes a row for every time slot, also when nothing happens. Where one slot's end and the
            -- next one's start are more than a slot apart, the task did not run. A marker may have recorded that already.
            RETURN QUERY
                SELECT NULL, NULL, 'task stopped', h.ended, h.next_start, jsonb_build_object('task', h.task)
                FROM (
                    SELECT
                        s.task,
                        s.duration,
                        s.start + s.duration AS ended,
                        lead(s.start) OVER (PARTITION BY s.task ORDER BY s.start) AS next_start
                    FROM (
                        SELECT
                            c -> 'task_name' AS task,
                            (c ->> 'timeslot')::timestamptz AS start,
                            make_interval(mins => (c ->> 'timeslot_duration')::integer) AS duration
                        FROM audit_trail.control_rows(control_table, '{task_name,timeslot,timeslot_duration}') AS c
                    ) AS s
                ) AS h
                WHERE h.next_start > h.ended + h.duration
                    AND NOT EXISTS (
                        SELECT FROM audit_trail.gap AS g
                        WHERE g.kind = 'task stopped' AND g.detail ? 'found_by'
                            AND g.from_timestamp <= h.ended AND g.to_timestamp >= h.next_start
                    );
    END CASE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.gaps_told_by(text) FROM PUBLIC;

-- Lets one collector in at a time: two at once would both enter the same gap. This is a table lock, because anybody could
-- take an advisory lock and hold it. It takes the right to write the ledger, and does not hold up those who write.
CREATE OR REPLACE FUNCTION audit_trail.wait_for_collectors() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    LOCK TABLE audit_trail.gap IN SHARE UPDATE EXCLUSIVE MODE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.wait_for_collectors() FROM PUBLIC;

RESET ROLE;

-- Returns how many gaps were new. It runs as a role that can read the control tables, write gaps, and do nothing else: code
-- that DMS's user may have put there must find no rights worth stealing. The same role owns this function, so that such code
-- could have altered it: the first question looks for that. A control table that cannot be read is a gap of its own, because
-- nobody knows what it would have reported.
CREATE OR REPLACE FUNCTION audit_trail.collect_gaps() RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    control_table text;
    recorded integer;
    new_gaps integer := 0;
BEGIN
    IF current_user <> 'audit_trail_collector' THEN
        RAISE EXCEPTION 'audit_trail.collect_gaps() would read DMS''s tables as %; run the update again.', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM audit_trail.wait_for_collectors();

    FOREACH control_table IN ARRAY ARRAY['awsdms_apply_exceptions', 'awsdms_suspended_tables', 'awsdms_history'] LOOP
        BEGIN
            SELECT coalesce(
                sum(
                    audit_trail.record_once(
                        t.staging_schema, t.staging_table, t.kind, t.from_timestamp, t.to_timestamp, t.detail
                    )
                ),
                0
            )
                INTO recorded
                FROM audit_trail.gaps_told_by(control_table) AS t;
            new_gaps := new_gaps + recorded;
        EXCEPTION
            WHEN lock_not_available THEN
                RAISE EXCEPTION 'awsdms_control.% is locked by another session; try again when that one has ended.',
                    control_table
                    USING ERRCODE = 'lock_not_available';
            WHEN wrong_object_type THEN
                new_gaps := new_gaps + audit_trail.record_once(
                    NULL, NULL, 'unreadable control table', NULL, NULL, jsonb_build_object('problem', SQLERRM)
                );
            -- The texts of other errors may hold values, so that each time would be another gap.
            WHEN data_exception OR insufficient_privilege THEN
                new_gaps := new_gaps + audit_trail.record_once(
                    NULL, NULL, 'unreadable control table', NULL, NULL,
                    jsonb_build_object(
                        'problem',
                        format('awsdms_control.%s cannot be read (SQLSTATE %s).', control_table, SQLSTATE)
                    )
                );
        END;
    END LOOP;
    RETURN new_gaps + audit_trail.register_new_columns();
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.collect_gaps() FROM PUBLIC;

-- An owner must be able to create in the schema, for as long as it takes to become one.
GRANT CREATE ON SCHEMA audit_trail TO audit_trail_collector;
ALTER FUNCTION audit_trail.collect_gaps() OWNER TO audit_trail_collector;
REVOKE CREATE ON SCHEMA audit_trail FROM audit_trail_collector;
