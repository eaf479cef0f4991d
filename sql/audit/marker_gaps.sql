-- Events at the source that no row of the audited table shows. They are recorded as gaps when their markers arrive.
-- Every group's task brings all markers. The task that carries the table records the gap, because there the marker comes
-- after what was committed before it.
SET LOCAL ROLE audit_trail_owner;

-- A marker of a kind that is not known here must not stop DMS: it is recorded under a kind of its own.
CREATE OR REPLACE FUNCTION audit_trail.record_marker_gap() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- The trigger hands over the name of its group.
    own_group CONSTANT text := coalesce(TG_ARGV[0], 'default');
    known_kind CONSTANT text := coalesce(
        (SELECT k.kind FROM audit_trail.gap_kind AS k WHERE k.kind = NEW.new_row_data ->> 'kind'),
        'unknown marker'
    );
    -- A guard of a partition names the partition.
    partitioned CONSTANT audit_trail.audited_partition := (
        SELECT p
        FROM audit_trail.audited_partition AS p
        WHERE (p.partition_schema, p.partition_name)
            = (NEW.new_row_data ->> 'table_schema', NEW.new_row_data ->> 'table_name')
    );
    about_schema CONSTANT text := coalesce(partitioned.table_schema, NEW.new_row_data ->> 'table_schema');
    about_table CONSTANT text := coalesce(partitioned.table_name, NEW.new_row_data ->> 'table_name');
BEGIN
    IF NOT audit_trail.is_told_by(about_schema, about_table, own_group) THEN
        RETURN NULL;
    END IF;
    -- A marker that was written while its own table was loaded arrives with the load. One that is older than the trail says
    -- nothing of it, and one that is told already came with an earlier load, or before it.
    IF NEW.operation = 'B' AND (
        CAST(NEW.new_row_data ->> 'created_at' AS timestamptz) < (
            SELECT min(t.registered_at)
            FROM audit_trail.audited_table AS t
            WHERE t.table_schema = 'audit_trail' AND coalesce(t.table_group, 'default') = own_group
        )
        OR EXISTS (SELECT FROM audit_trail.gap AS g WHERE g.detail -> 'marker' = NEW.row_key)
    ) THEN
        RETURN NULL;
    END IF;
    -- Or it came by the group in which the table was before. A source that was set back gives numbers once more.
    IF EXISTS (
        SELECT
        FROM audit_trail.gap AS g
        WHERE g.detail -> 'marker' = NEW.row_key AND g.from_timestamp = NEW.commit_timestamp
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
        VALUES (
            about_schema,
            about_table,
            known_kind,
            NEW.commit_timestamp,
            NEW.commit_timestamp,
            jsonb_build_object('marker', NEW.row_key, 'detail', NEW.new_row_data ->> 'detail')
            || CASE
                WHEN partitioned.label IS NULL THEN '{}'
                ELSE jsonb_build_object('partition', partitioned.label)
            END
            || CASE known_kind
                WHEN 'unknown marker' THEN jsonb_build_object('kind', NEW.new_row_data ->> 'kind')
                ELSE '{}'
            END
        );
    RETURN NULL;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_marker_gap() FROM PUBLIC;

-- The session of DMS that applied the last marker. Markers are rare, so that it costs the audited tables nothing to look
-- at the session here.
CREATE TABLE IF NOT EXISTS audit_trail.apply_session (
    table_group text PRIMARY KEY,
    session text NOT NULL,
    marker_committed_at timestamptz NOT NULL
);
COMMENT ON TABLE audit_trail.apply_session IS
    'For each group the session of DMS that applied its last marker, and when that was committed.';
-- Before there were groups it had one row.
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = 'audit_trail.apply_session'::regclass AND a.attname = 'table_group' AND NOT a.attisdropped
    ) THEN
        ALTER TABLE audit_trail.apply_session
            DROP CONSTRAINT apply_session_pkey,
            ALTER COLUMN session SET NOT NULL,
            ADD COLUMN table_group text DEFAULT 'default' PRIMARY KEY;
        ALTER TABLE audit_trail.apply_session ALTER COLUMN table_group DROP DEFAULT;
    END IF;
END
$do$;

-- Another session than last time: the task was stopped and resumed in between, or connected again. Nothing needs to be
-- missing, because DMS goes on from its slot.
CREATE OR REPLACE FUNCTION audit_trail.record_task_stop() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $function$
DECLARE
    -- The process number alone could come again after a restart of the server.
    this_session CONSTANT text := concat_ws(' of ', pg_backend_pid(), pg_postmaster_start_time());
    own_group CONSTANT text := coalesce(TG_ARGV[0], 'default');
    known audit_trail.apply_session;
BEGIN
    SELECT * INTO known FROM audit_trail.apply_session AS s WHERE s.table_group = own_group;
    IF NOT FOUND THEN
        INSERT INTO audit_trail.apply_session (table_group, session, marker_committed_at)
            VALUES (own_group, this_session, NEW.commit_timestamp);
        RETURN NULL;
    END IF;
    IF known.session <> this_session THEN
        INSERT INTO audit_trail.gap (kind, from_timestamp, to_timestamp, detail)
            VALUES (
                'task stopped',
                known.marker_committed_at,
                NEW.commit_timestamp,
                jsonb_build_object('found_by', 'another session of DMS applied the next marker')
                || CASE own_group WHEN 'default' THEN '{}' ELSE jsonb_build_object('group', own_group) END
            );
    END IF;
    UPDATE audit_trail.apply_session AS s
        SET session = this_session, marker_committed_at = NEW.commit_timestamp
        WHERE s.table_group = own_group;
    RETURN NULL;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.record_task_stop() FROM PUBLIC;

RESET ROLE;
