-- What the audit side remembers of the source's replication slots: a slot that was dropped and made again begins after
-- changes that nobody will read.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.slot_observation (
    observed_at timestamptz PRIMARY KEY,
    slots text[] NOT NULL
);
COMMENT ON TABLE audit_trail.slot_observation IS
    'The replication slots that DMS had at the source when somebody looked last, and by group the sessions in which it applied.';
ALTER TABLE audit_trail.slot_observation ADD COLUMN IF NOT EXISTS sessions jsonb NOT NULL DEFAULT '{}';

-- It did not know which groups had kept theirs.
DROP FUNCTION IF EXISTS audit_trail.observe_slots(text[]);

-- Takes the names of the slots. It enters a gap when a slot of the last observation is gone, or when there was none and now
-- there is one: the new slot has not seen what was committed in between. An additional slot is another task's. For each
-- group that has left since then, one slot may be gone: it goes with the group's task.
-- A task makes a new slot only when it starts. So a group has kept its own if its task has just brought a marker, in the session
-- in which it applied when somebody looked last: these groups are the second argument, as far as they brought one. The gap is
-- that of the tables of all other groups, one for each table, or one for all tables where no group has kept its slot.
-- Positions are not compared: after a crash of the source they go back, and nothing is lost. Returns the new gaps' number.
-- It believes its arguments, and a gap begins at the time of the observation before. So it runs with the rights of its
-- caller, which is verify.
CREATE OR REPLACE FUNCTION audit_trail.observe_slots(seen_slots text[], bringing_groups text[]) RETURNS integer
LANGUAGE plpgsql
SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    this_time CONSTANT timestamptz := clock_timestamp();
    last_time timestamptz;
    known_slots text[];
    vanished integer;
    is_recreated boolean;
    known_sessions jsonb;
    these_sessions CONSTANT jsonb := coalesce(
        (SELECT jsonb_object_agg(s.table_group, s.session) FROM audit_trail.apply_session AS s), '{}'
    );
    about_slots jsonb;
    kept_groups text[];
    gap_count integer := 0;
BEGIN
    LOCK TABLE audit_trail.slot_observation IN SHARE ROW EXCLUSIVE MODE;
    SELECT o.observed_at, o.slots, o.sessions INTO last_time, known_slots, known_sessions
        FROM audit_trail.slot_observation AS o;
    IF NOT FOUND THEN
        -- Before the first task there is no slot that could have been lost.
        IF cardinality(seen_slots) > 0 THEN
            INSERT INTO audit_trail.slot_observation (observed_at, slots, sessions)
                VALUES (this_time, seen_slots, these_sessions);
        END IF;
        RETURN 0;
    END IF;

    vanished := (SELECT count(*) FROM unnest(known_slots) AS k (slot) WHERE k.slot <> ALL (seen_slots));
    is_recreated := vanished > (
            SELECT count(*)
            FROM audit_trail.audited_table AS t
            WHERE t.table_schema = 'audit_trail' AND t.left_at > last_time
        )
        OR (cardinality(known_slots) = 0 AND cardinality(seen_slots) > 0);
    IF is_recreated THEN
        about_slots := jsonb_build_object('slots_before', known_slots, 'slots_after', seen_slots);
        kept_groups := ARRAY(
            SELECT g.name FROM unnest(bringing_groups) AS g (name) WHERE known_sessions ->> g.name = these_sessions ->> g.name
        );
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            SELECT
                t.table_schema,
                t.table_name,
                'slot recreated',
                last_time,
                this_time,
                about_slots || jsonb_build_object('group', coalesce(t.table_group, 'default'))
            FROM audit_trail.audited_table AS t
            WHERE t.table_schema <> 'audit_trail'
                AND t.left_after IS NULL
                AND cardinality(kept_groups) > 0
                AND coalesce(t.table_group, 'default') <> ALL (kept_groups);
        GET DIAGNOSTICS gap_count = ROW_COUNT;
        IF gap_count = 0 THEN
            INSERT INTO audit_trail.gap (kind, from_timestamp, to_timestamp, detail)
                VALUES ('slot recreated', last_time, this_time, about_slots);
            gap_count := 1;
        END IF;
    END IF;
    UPDATE audit_trail.slot_observation SET observed_at = this_time, slots = seen_slots, sessions = these_sessions;
    RETURN gap_count;
END
$function$;
-- Operators had it in former versions.
REVOKE ALL ON FUNCTION audit_trail.observe_slots(text[], text[]) FROM PUBLIC, audit_trail_operator;

RESET ROLE;
