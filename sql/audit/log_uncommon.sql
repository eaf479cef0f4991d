-- What one table's log function does with a change that is not plainly the next one of its key: replays, rows of the full load
-- and second steps of large columns that are not plain either, rows that are missing or should not be there, values that jsonb
-- does not take. docs/guarantees.md says what is promised of each.
--
-- A change under a position that is known already is dropped only if it is a change that the log has: the same
-- operation and row, at the same commit time and position. Nothing promises that DMS keeps a source transaction inside
-- one target transaction.
--
-- before_image and after_image are the rows without header columns. In a second try, after an error that a value caused,
-- they count for nothing, and are made here of what each value allows.
SET LOCAL ROLE audit_trail_owner;

CREATE OR REPLACE FUNCTION audit_trail.:"uncommon"(
    statement text,
    old_row :"schema".:"staging",
    new_row :"schema".:"staging",
    new_ctid tid,
    before_image jsonb,
    after_image jsonb,
    is_second_try boolean
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
#variable_conflict use_variable
DECLARE
    operation CONSTANT text := new_row.audit_trail_operation;
    sequence CONSTANT text := coalesce(new_row.audit_trail_change_seq, '');
    change_position CONSTANT text := coalesce(new_row.audit_trail_stream_position, '');
    change_lsn CONSTANT pg_lsn := audit_trail.lsn_of(new_row.audit_trail_stream_position);
    -- The second step of a large column may leave the row's headers as the first one wrote them.
    has_same_headers CONSTANT boolean := statement = 'UPDATE' AND sequence <> '' AND change_position <> ''
        AND sequence = old_row.audit_trail_change_seq AND change_position = old_row.audit_trail_stream_position;
    committed_at timestamptz := new_row.audit_trail_commit_timestamp AT TIME ZONE 'UTC';
    known_position text;
    tombstone audit_trail.:"tombstone";
    changed_key jsonb;
    this_change text;
    is_new boolean;
    logged record;
    later record;
    verdict text := 'change';
    log_operation text := operation;
    gap_kind text;
    gap_detail jsonb := '{}';
    kept_position text;
    remarks text[];
    last_change text;
    is_interleaved boolean := false;
BEGIN
    IF is_second_try THEN
        after_image := audit_trail.row_image(CAST(new_row AS text), :'schema', :'table', committed_at);
        before_image := CASE
            WHEN statement = 'UPDATE' THEN audit_trail.row_image(CAST(old_row AS text), :'schema', :'table', committed_at)
        END;
        remarks := ARRAY['value kept as text'];
    END IF;
    changed_key := :new_key;
    this_change := jsonb_hash_extended(changed_key, 0) || ' ' || change_position;
    IF statement = 'UPDATE' THEN
        known_position := coalesce(old_row.audit_trail_stream_position, '');
    ELSE
        SELECT * INTO tombstone FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
        known_position := coalesce(tombstone.stream_position, '');
        before_image := tombstone.removed_image;
        IF tombstone.kind = 'removed' THEN
            old_row := CAST(tombstone.removed_record AS :"schema".:"staging");
        END IF;
    END IF;

    -- The full load gives its rows no sequence, and no position either.
    IF sequence = '' AND (change_position = '' OR operation = 'I') THEN
        IF statement = 'UPDATE' THEN
            UPDATE :"schema".:"audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = old_row.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
                    AND l.operation = 'B'
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
        INSERT INTO :"schema".:"audit_log" (
            operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq, remarks:carried_columns
        )
        VALUES (
            'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', '', remarks:carried_values
        );
        IF tombstone.row_key IS NOT NULL THEN
            -- A load makes nothing that was logged before it unknown.
            DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
            PERFORM audit_trail.begin_own_write();
            UPDATE :"schema".:"staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid:in_partition;
            PERFORM audit_trail.end_own_write();
        END IF;
        RETURN;
    END IF;

    -- As in the fast path; what comes again counts as well, a second step only with headers of its own.
    IF committed_at IS NOT NULL AND change_lsn IS NOT NULL AND NOT has_same_headers THEN
        last_change := current_setting('audit_trail.last_change', true);
        is_interleaved := coalesce(
            starts_with(last_change, audit_trail.microseconds(committed_at) || ' ')
                AND change_lsn < audit_trail.lsn_of(split_part(last_change, ' ', 2)),
            false
        );
        -- In the form in which the fast path compares it.
        PERFORM set_config(
            'audit_trail.last_change',
            audit_trail.microseconds(committed_at) || ' ' || upper(right(change_position, 17)),
            false
        );
    END IF;
    IF coalesce(current_setting('audit_trail.session_start', true), '') = '' THEN
        PERFORM set_config('audit_trail.session_start', CAST(clock_timestamp() AS text), false);
    END IF;

    is_new := coalesce(change_lsn > audit_trail.lsn_of(known_position), false)
        OR change_lsn IS NOT NULL AND known_position = '';
    IF NOT is_new AND change_position <> '' THEN
        -- What the log has of this key at this commit time and position.
        SELECT
            count(*) AS rows,
            coalesce(bool_or(r.is_now AND r.change_seq = sequence), false) AS has_first_step,
            coalesce(bool_or(r.change_seq = sequence AND NOT r.is_now), false) AS has_sequence,
            coalesce(bool_or(r.is_this_session), false) AS is_this_session,
            coalesce(bool_or(r.is_same AND r.change_seq = sequence), false) AS is_same_change,
            coalesce(bool_or(r.is_same_but_large), false) AS is_same_but_large,
            coalesce(bool_or(r.has_operation), false) AS has_operation,
            coalesce(bool_or(r.has_operation AND r.change_seq = sequence), false) AS is_reread,
            (
                SELECT d.others = 0
                FROM audit_trail.count_differences(:'schema', :'table', before_image, now(), after_image) AS d
            ) AS is_large_alone,
            coalesce(bool_or(r.has_image), false) AS has_image,
            EXISTS (
                SELECT
                FROM jsonb_each(after_image) AS e
                WHERE e.value = 'null' AND before_image -> e.key <> 'null'
            ) AS is_first_step,
            coalesce(max(r.change_seq), '') < sequence AS is_later,
            jsonb_agg(r.new_row_data) AS images
            INTO logged
            FROM (
                SELECT
                    trim(l.operation) = operation AS has_operation,
                    l.change_seq,
                    l.new_row_data,
                    l.applied_xid = pg_current_xact_id() AS is_now,
                    l.recorded_at > CAST(nullif(current_setting('audit_trail.session_start', true), '') AS timestamptz)
                        AS is_this_session,
                    trim(l.operation) = operation AND (operation = 'D' OR d.others = 0 AND d.large = 0) AS is_same,
                    trim(l.operation) = operation AND (operation = 'D' OR d.others = 0) AS is_same_but_large,
                    d.others = 0 AND d.large = 0 AS has_image
                FROM :"schema".:"audit_log" AS l
                CROSS JOIN LATERAL audit_trail.count_differences(
                    :'schema', :'table', l.new_row_data, l.recorded_at, after_image
                ) AS d
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                    AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                    AND (
                        l.stream_position = change_position
                        OR audit_trail.lsn_of(l.stream_position) = change_lsn
                        OR has_same_headers AND l.change_seq = sequence
                    )
            ) AS r;

        -- What the log has of this key that was committed later.
        SELECT coalesce(max(l.commit_timestamp) > committed_at, false) AS is_overtaken,
            coalesce(max(l.commit_timestamp) FILTER (WHERE l.operation = 'B') > committed_at, false) AS is_in_baseline
            INTO later
            FROM :"schema".:"audit_log" AS l
            WHERE logged.rows = 0
                AND change_lsn < audit_trail.lsn_of(known_position)
                AND jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                AND l.row_key = changed_key;

        -- Within one session the stream does not go back: what it logged before is another change, or the first step.
        verdict := CASE
            WHEN logged.has_first_step AND statement = 'UPDATE' AND operation <> 'D' AND sequence <> '' THEN 'second step'
            -- An older change than those that the log has, and none of them: a full load has read what it made, or it
            -- was lost when it came first.
            WHEN logged.rows = 0 AND later.is_in_baseline THEN 'replay'
            WHEN logged.rows = 0 AND later.is_overtaken THEN 'unexplained'
            WHEN logged.rows = 0 THEN 'change'
            WHEN logged.is_same_change THEN 'replay'
            WHEN logged.is_this_session THEN
                CASE
                    WHEN logged.has_sequence AND statement = 'UPDATE' AND operation <> 'D' AND sequence <> ''
                        THEN 'late second step'
                    ELSE 'change'
                END
            -- A stop came between the two steps: the first one has just come again, alone under its position, and the log
            -- lacks what the second one brings.
            WHEN logged.is_large_alone AND NOT logged.is_first_step AND NOT logged.has_image AND logged.rows = 1
                AND statement = 'UPDATE' AND operation <> 'D'
                AND (change_position = known_position OR change_lsn = audit_trail.lsn_of(known_position))
                AND current_setting('audit_trail.last_replay', true) = this_change
                THEN 'late second step'
            WHEN logged.is_same_but_large THEN 'replay'
            -- The second step of a change whose first one met the row of a later change.
            WHEN logged.has_operation AND statement = 'UPDATE' AND logged.is_large_alone THEN 'replay'
            WHEN logged.is_reread THEN 'reread'
            -- A part of a transaction whose other parts were applied before a stop. A sequence need not be the same
            -- when a change comes again, but what comes again is logged as it is.
            WHEN logged.is_later THEN 'change'
            ELSE 'unexplained'
        END;
    END IF;

    IF verdict = 'second step' THEN
        -- DMS writes a row with large columns in two steps; the second has the change sequence of the first, or leaves
        -- the row's headers as they are. No other change of this transaction has it.
        UPDATE :"schema".:"audit_log" AS l
            SET new_row_data = after_image
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                AND l.row_key = changed_key
                AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                AND l.change_seq = sequence
                AND l.applied_xid = pg_current_xact_id();
    ELSIF verdict IN ('replay', 'reread', 'unexplained') THEN
        IF verdict <> 'replay' THEN
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
                VALUES (
                    :'schema',
                    :'table',
                    CASE verdict WHEN 'reread' THEN 'replay with other values' ELSE 'unexplained replay' END,
                    committed_at,
                    committed_at,
                    jsonb_build_object(
                        'row_key', changed_key,
                        'stream_position', change_position,
                        'change_seq', sequence,
                        'operation', operation,
                        'row', after_image,
                        'logged_rows', logged.images
                    )
                );
        END IF;
        PERFORM audit_trail.begin_own_write();
        DELETE FROM :"schema".:"staging" AS s WHERE s.ctid = new_ctid:in_partition;
        IF statement = 'UPDATE' OR tombstone.kind = 'removed' THEN
            INSERT INTO :"schema".:"staging" SELECT old_row.*;
        END IF;
        IF tombstone.kind = 'removed' THEN
            DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
        END IF;
        PERFORM audit_trail.end_own_write();
        PERFORM set_config('audit_trail.last_replay', this_change, false);
        RETURN;
    END IF;

    -- The known position may be ahead: the WAL of a re-insert can begin before that of the delete it waited for.
    -- Staging keeps the greater one; the log has the change's own.
    IF NOT is_new AND known_position <> ''
        AND (change_position = '' OR change_lsn IS NOT NULL AND change_lsn <> audit_trail.lsn_of(known_position))
    THEN
        kept_position := known_position;
        IF operation <> 'D' THEN
            PERFORM audit_trail.begin_own_write();
            UPDATE :"schema".:"staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid:in_partition;
            PERFORM audit_trail.end_own_write();
        END IF;
    END IF;
    IF verdict = 'second step' THEN
        RETURN;
    END IF;

    IF verdict = 'late second step' THEN
        -- The log row of the first step is committed and stays; what is new is said by a row of its own.
        log_operation := 'U';
        remarks := array_append(remarks, 'completes large column');
    ELSIF operation = 'I' AND before_image IS NOT NULL THEN
        gap_kind := 'insert over existing row';
    ELSIF operation = 'U' AND before_image IS NULL THEN
        gap_kind := 'row missing before update';
    ELSIF operation = 'D' AND before_image IS NULL THEN
        gap_kind := 'row missing before delete';
    ELSIF operation IS NULL OR operation NOT IN ('I', 'U', 'D') THEN
        RAISE EXCEPTION 'The operation is %, and not I, U or D.', coalesce(quote_literal(operation), 'null');
    END IF;
    IF tombstone.kind = 'emptied' AND before_image IS NULL THEN
        -- The gap of the reload tells it for all rows.
        gap_kind := NULL;
        remarks := array_append(remarks, 'overlaps baseline');
    END IF;
    IF before_image IS NOT NULL AND old_row.audit_trail_change_seq = ''
        AND new_row.audit_trail_commit_timestamp <= old_row.audit_trail_commit_timestamp + interval '1 second'
    THEN
        -- Captured while the table was loaded, and perhaps older than the row that the load has read.
        gap_kind := NULL;
        remarks := array_append(remarks, 'overlaps baseline');
    END IF;
    IF is_interleaved THEN
        remarks := array_append(remarks, 'shared commit time');
    END IF;
    IF statement = 'UPDATE' AND NOT before_image @> changed_key THEN
        -- DMS does not replicate these; should one arrive, the old key must not look as if it never was.
        gap_kind := 'primary key update';
        INSERT INTO audit_trail.:"tombstone" AS t (row_key, stream_position, kind)
            VALUES (:old_key, known_position, 'deleted')
            ON CONFLICT (row_key) DO NOTHING;
    END IF;
    gap_detail := jsonb_build_object('row_key', changed_key, 'stream_position', change_position);
    IF gap_kind IS NOT NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (:'schema', :'table', gap_kind, committed_at, gap_detail);
    END IF;
    IF committed_at IS NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, detail)
            VALUES (:'schema', :'table', 'commit timestamp missing', gap_detail);
    END IF;

    INSERT INTO :"schema".:"audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks:carried_columns
    )
    VALUES (
        log_operation,
        changed_key,
        CASE WHEN log_operation <> 'I' THEN before_image END,
        CASE WHEN log_operation <> 'D' THEN after_image END,
        coalesce(committed_at, clock_timestamp()),
        audit_trail.microseconds(committed_at),
        change_position,
        sequence,
        remarks:carried_values
    );

    IF operation = 'D' THEN
        INSERT INTO audit_trail.:"tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, coalesce(kept_position, change_position), 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM :"schema".:"staging" AS s WHERE s.ctid = new_ctid:in_partition;
    ELSIF tombstone.row_key IS NOT NULL THEN
        DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
EXCEPTION
    WHEN OTHERS THEN
        IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
            RAISE;
        END IF;
        IF NOT is_second_try THEN
            PERFORM audit_trail.:"uncommon"(statement, old_row, new_row, new_ctid, NULL, NULL, true);
            RETURN;
        END IF;
        BEGIN
            PERFORM audit_trail.keep_unlogged(
                :'schema', :'table', statement, operation, committed_at, change_position, sequence,
                CASE WHEN statement = 'UPDATE' THEN row_to_json(old_row) END, row_to_json(new_row),
                before_image, after_image, SQLSTATE, SQLERRM
            );
            IF operation = 'D' THEN
                -- It stays deleted, though the log does not say so.
                PERFORM audit_trail.begin_own_write();
                DELETE FROM :"schema".:"staging" AS s WHERE s.ctid = new_ctid:in_partition;
                PERFORM audit_trail.end_own_write();
            END IF;
            RETURN;
        EXCEPTION
            WHEN OTHERS THEN
                -- Neither logged nor kept.
                NULL;
        END;
        -- Going on would lose the change without a trace. The first error, not the last.
        RAISE;
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.:"uncommon"(
    text, :"schema".:"staging", :"schema".:"staging", tid, jsonb, jsonb, boolean
) FROM PUBLIC;

RESET ROLE;
