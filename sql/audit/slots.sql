-- What the audit side remembers of the source's replication slots: a slot that was dropped and made again begins after
-- changes that nobody will read.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.slot_observation (
    observed_at timestamptz PRIMARY KEY,
    slots text[] NOT NULL
);
COMMENT ON TABLE audit_trail.slot_observation IS
    'The replication slots that DMS had at the source when somebody looked last.';

-- Takes the names of the slots. It enters a gap when a slot of the last observation is gone, or when there was none and now
-- there is one: the new slot has not seen what was committed in between. An additional slot is another task's. For each
-- group that has left since then, one slot may be gone: it goes with the group's task.
-- Positions are not compared: after a crash of the source they go back, and nothing is lost. Returns the new gaps' number.
-- It believes its arguments, and a gap begins at the time of the observation before. So it runs with the rights of its
-- caller, which is verify.
CREATE OR REPLACE FUNCTION audit_trail.observe_slots(seen_slots text[]) RETURNS integer
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
BEGIN
    LOCK TABLE audit_trail.slot_observation IN SHARE ROW EXCLUSIVE MODE;
    SELECT o.observed_at, o.slots INTO last_time, known_slots FROM audit_trail.slot_observation AS o;
    IF NOT FOUND THEN
        -- Before the first task there is no slot that could have been lost.
        IF cardinality(seen_slots) > 0 THEN
            INSERT INTO audit_trail.slot_observation (observed_at, slots) VALUES (this_time, seen_slots);
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
        INSERT INTO audit_trail.gap (kind, from_timestamp, to_timestamp, detail)
            VALUES (
                'slot recreated',
                last_time,
                this_time,
                jsonb_build_object('slots_before', known_slots, 'slots_after', seen_slots)
            );
    END IF;
    UPDATE audit_trail.slot_observation SET observed_at = this_time, slots = seen_slots;
    RETURN is_recreated::integer;
END
$function$;
-- Operators had it in former versions.
REVOKE ALL ON FUNCTION audit_trail.observe_slots(text[]) FROM PUBLIC, audit_trail_operator;

RESET ROLE;
