-- Enters into the gap ledger what DMS wrote into its control tables, and what it changed in staging. To be run from
-- time to time (npm run verify does); what is in the ledger already is not entered again.
SET LOCAL ROLE audit_trail_owner;

-- The source table behind a staging table, as the control tables name it.
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
    source_table text;
BEGIN
    SELECT t.table_name INTO source_table
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = staging_schema AND t.staging = staging_table;
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        SELECT staging_schema, coalesce(source_table, staging_table), gap_kind, gap_from, gap_to, gap_detail
        WHERE NOT EXISTS (
            SELECT FROM audit_trail.gap AS g
            WHERE g.kind = gap_kind AND g.detail = gap_detail AND g.to_timestamp IS NOT DISTINCT FROM gap_to
        );
    RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_once(text, text, text, timestamptz, timestamptz, jsonb) FROM PUBLIC;

-- Returns how many gaps were new.
CREATE OR REPLACE FUNCTION audit_trail.collect_gaps() RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    found_gap record;
    registered audit_trail.audited_table;
    added jsonb;
    new_gaps integer := 0;
BEGIN
    -- Two collectors at a time would both enter what neither sees of the other.
    PERFORM pg_advisory_xact_lock(hashtextextended('audit_trail.collect_gaps', 0));

    -- DMS makes its control tables when a task first needs them.
    IF to_regclass('awsdms_control.awsdms_apply_exceptions') IS NOT NULL THEN
        FOR found_gap IN EXECUTE
            'SELECT "TABLE_OWNER" AS owner, "TABLE_NAME" AS name, "ERROR_TIME" AT TIME ZONE ''UTC'' AS at,
                 jsonb_build_object(''task'', "TASK_NAME", ''error'', "ERROR", ''statement'', "STATEMENT") AS detail
             FROM awsdms_control.awsdms_apply_exceptions'
        LOOP
            new_gaps := new_gaps + audit_trail.record_once(
                found_gap.owner, found_gap.name, 'apply exception', found_gap.at, found_gap.at, found_gap.detail
            );
        END LOOP;
    END IF;

    IF to_regclass('awsdms_control.awsdms_suspended_tables') IS NOT NULL THEN
        FOR found_gap IN EXECUTE
            'SELECT table_owner AS owner, table_name AS name, suspend_timestamp AT TIME ZONE ''UTC'' AS at,
                 jsonb_build_object(''task'', task_name, ''reason'', suspend_reason) AS detail
             FROM awsdms_control.awsdms_suspended_tables'
        LOOP
            new_gaps := new_gaps + audit_trail.record_once(
                found_gap.owner, found_gap.name, 'table suspended', found_gap.at, found_gap.at, found_gap.detail
            );
        END LOOP;
    END IF;

    -- A task that runs writes a history row for every time slot, also when nothing happens. Where one slot's end and
    -- the next one's start are more than a slot apart, the task did not run. Markers may have told it already.
    IF to_regclass('awsdms_control.awsdms_history') IS NOT NULL THEN
        FOR found_gap IN EXECUTE
            'SELECT h.ended AS stopped, h.next_start AS resumed, jsonb_build_object(''task'', h.task_name) AS detail
             FROM (
                 SELECT
                     task_name,
                     timeslot_duration,
                     (timeslot + make_interval(mins => timeslot_duration::integer)) AT TIME ZONE ''UTC'' AS ended,
                     lead(timeslot) OVER (PARTITION BY task_name ORDER BY timeslot) AT TIME ZONE ''UTC'' AS next_start
                 FROM awsdms_control.awsdms_history
             ) AS h
             WHERE h.next_start > h.ended + make_interval(mins => h.timeslot_duration::integer)
                 AND NOT EXISTS (
                     SELECT FROM audit_trail.gap AS g
                     WHERE g.kind = ''task stopped'' AND g.detail ? ''found_by''
                         AND g.from_timestamp <= h.ended AND g.to_timestamp >= h.next_start
                 )'
        LOOP
            new_gaps := new_gaps + audit_trail.record_once(
                NULL, NULL, 'task stopped', found_gap.stopped, found_gap.resumed, found_gap.detail
            );
        END LOOP;
    END IF;

    -- Columns that DMS added to staging after the source got them.
    FOR registered IN SELECT * FROM audit_trail.audited_table LOOP
        SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
            INTO added
            FROM pg_attribute AS a
            WHERE a.attrelid = to_regclass(format('%I.%I', registered.table_schema, registered.staging))
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attname <> ALL (CAST(:headers AS text[]))
                AND NOT EXISTS (
                    SELECT
                    FROM audit_trail.audited_column AS c
                    WHERE c.table_schema = registered.table_schema
                        AND c.table_name = registered.table_name
                        AND c.name = a.attname
                );
        CONTINUE WHEN added IS NULL;
        INSERT INTO audit_trail.audited_column (table_schema, table_name, name, type, present_from)
            SELECT registered.table_schema, registered.table_name, n.key, n.value, clock_timestamp()
            FROM jsonb_each_text(added) AS n;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                registered.table_schema,
                registered.table_name,
                'shape change',
                clock_timestamp(),
                jsonb_build_object('added', added, 'added_by', 'DMS')
            );
        new_gaps := new_gaps + 1;
    END LOOP;
    RETURN new_gaps;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.collect_gaps() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_trail.collect_gaps() TO audit_trail_operator;

RESET ROLE;
