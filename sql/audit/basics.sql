-- What positions, keys, times and errors mean, and how a trigger is made: used by everything that follows.
SET LOCAL ROLE audit_trail_owner;

-- The LSN in which a stream position ends, %08X/%08X, as $AR_H_STREAM_POSITION has it; null for any other text. The log's
-- function computes it for each change: without settings of its own it is inlined.
CREATE OR REPLACE FUNCTION audit_trail.lsn_of(stream_position text) RETURNS pg_lsn
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        -- Cheaper than a regular expression.
        WHEN stream_position LIKE '%________/________'
            AND translate(right(stream_position, 17), '0123456789ABCDEFabcdef', '') = '/'
            THEN CAST(right(stream_position, 17) AS pg_lsn)
    END;
END;

-- A commit time as the log's transaction_id: microseconds since 1970. Inlined as well.
CREATE OR REPLACE FUNCTION audit_trail.microseconds(moment timestamptz) RETURNS bigint
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT CAST(extract(epoch FROM moment) * 1000000 AS bigint);
END;

-- Whether a log row has this key, by way of the index on the key's hash: for WHERE clauses, where it is inlined.
CREATE OR REPLACE FUNCTION audit_trail.is_key(row_key jsonb, key jsonb) RETURNS boolean
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_hash_extended(row_key, 0) = jsonb_hash_extended(key, 0) AND row_key = key;
END;

-- Whether an error is a property of the row that met it: data exceptions, constraints, limits, what PostgreSQL does not
-- support, and what our own functions raise. https://www.postgresql.org/docs/current/errcodes-appendix.html
CREATE OR REPLACE FUNCTION audit_trail.is_caused_by_value(error_code text) RETURNS boolean
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT left(error_code, 2) IN ('22', '23', '54', '0A', 'P0');
END;

-- The remarks of a change before which the session's last change does not sort; each is the commit time in microseconds, a space
-- and the LSN. Where the position steps back within one commit time, another transaction has begun that committed in the
-- same microsecond. The first change of a session begins it.
CREATE OR REPLACE FUNCTION audit_trail.remark_step_back(this_change text) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    last_change CONSTANT text := current_setting('audit_trail.last_change', true);
BEGIN
    IF starts_with(last_change, split_part(this_change, ' ', 1) || ' ') THEN
        IF last_change COLLATE "C" > this_change THEN
            RETURN ARRAY['shared commit time'];
        END IF;
    ELSIF concat(last_change, current_setting('audit_trail.session_start', true)) = '' THEN
        PERFORM set_config('audit_trail.session_start', CAST(clock_timestamp() AS text), false);
    END IF;
    RETURN NULL;
END
$function$;

-- Makes a trigger as it is to be, ENABLE ALWAYS; one that is so already costs no lock. The definition is what follows
-- CREATE TRIGGER, with %1$I for the trigger's name and %2$s for the table.
CREATE OR REPLACE FUNCTION audit_trail.put_trigger(relation regclass, trigger_name text, definition text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    wanted CONSTANT text := format(definition, trigger_name, relation);
    made text;
BEGIN
    -- The comment holds what the trigger was made of and what came of it, which pg_get_triggerdef() writes in its own words:
    -- a trigger that somebody has replaced keeps the comment.
    IF EXISTS (
        SELECT
        FROM pg_trigger AS t
        WHERE t.tgrelid = relation
            AND t.tgname = trigger_name
            AND t.tgenabled = 'A'
            AND obj_description(t.oid, 'pg_trigger') = concat(wanted, E'\n', pg_get_triggerdef(t.oid))
    ) THEN
        RETURN;
    END IF;
    EXECUTE 'CREATE OR REPLACE TRIGGER ' || wanted;
    -- Without ONLY: a row trigger of a partitioned table is one of each partition as well.
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, trigger_name);
    SELECT concat(wanted, E'\n', pg_get_triggerdef(t.oid)) INTO STRICT made
        FROM pg_trigger AS t
        WHERE t.tgrelid = relation AND t.tgname = trigger_name;
    EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, relation, made);
END
$function$;

-- Row triggers of a partitioned table reach its partitions by themselves, statement triggers do not.
CREATE OR REPLACE FUNCTION audit_trail.refuse_truncate(log regclass) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT audit_trail.put_trigger(
        log,
        'append_only_truncate',
        '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.refuse_change()'
    );
END;

RESET ROLE;
