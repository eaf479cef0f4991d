-- The body of one table's log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- A change is known by its stream position. The greatest position logged for a key is kept in the key's staging row,
-- or in its tombstone once the row is deleted: a change beyond it is new, without a look into the log. Any other is
-- looked up. Found in another target transaction it is a replay, because DMS keeps a source transaction inside one
-- target transaction. A replay logs nothing and leaves staging as it was.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table's own columns would fail in DMS's session once that type changes.
DECLARE
    before_image jsonb;
    after_image jsonb;
    changed_key jsonb;
    committed_at timestamptz;
    change_position text;
    change_has_lsn boolean;
    -- What was known of the key: from the staging row, or from the tombstone.
    known_position text;
    buried boolean := false;
    removed jsonb;
    is_new boolean;
    keep_known boolean := false;
    same_headers boolean;
    is_replay boolean;
    is_second_step boolean;
    gap_kind text;
    error_code text;
    error_message text;
BEGIN
    -- The function's own writes to staging, further down.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    after_image := to_jsonb(NEW) - CAST('{operation,commit_timestamp,stream_position,change_seq}' AS text[]);
    changed_key := :new_key;
    change_position := coalesce(NEW.stream_position, '');
    committed_at := NEW.commit_timestamp AT TIME ZONE 'UTC';
    IF TG_OP = 'UPDATE' THEN
        known_position := coalesce(OLD.stream_position, '');
        before_image := to_jsonb(OLD) - CAST('{operation,commit_timestamp,stream_position,change_seq}' AS text[]);
    ELSE
        SELECT t.stream_position, t.removed_row
            INTO known_position, removed
            FROM audit_trail.:"tombstone" AS t
            WHERE t.row_key = changed_key;
        buried := FOUND;
        known_position := coalesce(known_position, '');
        before_image := removed - CAST('{operation,commit_timestamp,stream_position,change_seq}' AS text[]);
    END IF;

    -- Columns that the source no longer has: staging keeps their last values.
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        IF committed_at > CAST(TG_ARGV[i + 1] AS timestamptz) THEN
            before_image := before_image - TG_ARGV[i];
            after_image := after_image - TG_ARGV[i];
        END IF;
    END LOOP;

    -- A position ends in an LSN, %08X/%08X.
    is_new := change_position LIKE '%________/________'
        AND (
            known_position = ''
            OR (
                known_position LIKE '%________/________'
                AND CAST(right(change_position, 17) AS pg_lsn) > CAST(right(known_position, 17) AS pg_lsn)
            )
        );

    IF (
        is_new
        AND committed_at IS NOT NULL
        AND CASE NEW.operation
            WHEN 'U' THEN before_image @> changed_key
            WHEN 'I' THEN before_image IS NULL
            WHEN 'D' THEN before_image @> changed_key
        END
    ) IS NOT TRUE THEN
        change_has_lsn := change_position LIKE '%________/________';

        -- The full load gives its rows no position.
        IF change_position = '' AND coalesce(NEW.change_seq, '') = '' THEN
            IF TG_OP = 'UPDATE' THEN
                UPDATE :"schema".:"audit_log" AS l
                    SET new_row_data = after_image
                    WHERE l.row_key = changed_key
                        AND l.commit_timestamp = OLD.commit_timestamp AT TIME ZONE 'UTC'
                        AND l.operation = 'B'
                        AND l.applied_xid = pg_current_xact_id();
                IF FOUND THEN
                    RETURN NULL;
                END IF;
            END IF;
            INSERT INTO :"schema".:"audit_log"
                (operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq)
                VALUES ('B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', '');
            IF buried THEN
                DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
                PERFORM set_config('audit_trail.own_write', (SELECT w.token FROM audit_trail.own_write AS w), true);
                UPDATE :"schema".:"staging" AS s SET stream_position = known_position WHERE s.ctid = NEW.ctid;
                PERFORM set_config('audit_trail.own_write', '', true);
            END IF;
            RETURN NULL;
        END IF;

        IF is_new OR change_position = '' THEN
            is_second_step := false;
        ELSE
            same_headers := TG_OP = 'UPDATE' AND NEW.change_seq <> ''
                AND NEW.change_seq = OLD.change_seq AND NEW.stream_position = OLD.stream_position;
            SELECT
                coalesce(bool_or(l.applied_xid = pg_current_xact_id() AND l.change_seq = NEW.change_seq), false),
                coalesce(
                    bool_or(
                        l.applied_xid <> pg_current_xact_id()
                        AND CASE
                            WHEN change_has_lsn AND right(l.stream_position, 17) = right(change_position, 17) THEN true
                            WHEN l.stream_position = change_position THEN true
                            ELSE same_headers AND l.change_seq = NEW.change_seq
                        END
                    ),
                    false
                )
                INTO is_second_step, is_replay
                FROM :"schema".:"audit_log" AS l
                WHERE l.row_key = changed_key
                    AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                    AND l.commit_timestamp <= coalesce(committed_at, 'infinity');
            is_second_step := is_second_step AND TG_OP = 'UPDATE' AND NEW.operation <> 'D' AND NEW.change_seq <> '';

            IF is_second_step THEN
                -- DMS writes a row with large columns in two steps; the second has the change sequence of the first,
                -- or leaves the row's headers as they are. No other change of this transaction has it.
                UPDATE :"schema".:"audit_log" AS l
                    SET new_row_data = after_image
                    WHERE l.row_key = changed_key
                        AND l.commit_timestamp >= coalesce(committed_at, '-infinity')
                        AND l.commit_timestamp <= coalesce(committed_at, 'infinity')
                        AND l.change_seq = NEW.change_seq
                        AND l.applied_xid = pg_current_xact_id();
            ELSIF is_replay THEN
                PERFORM set_config('audit_trail.own_write', (SELECT w.token FROM audit_trail.own_write AS w), true);
                DELETE FROM :"schema".:"staging" AS s WHERE s.ctid = NEW.ctid;
                IF TG_OP = 'UPDATE' THEN
                    INSERT INTO :"schema".:"staging" SELECT OLD.*;
                ELSIF removed IS NOT NULL THEN
                    INSERT INTO :"schema".:"staging"
                        SELECT r.* FROM jsonb_populate_record(CAST(NULL AS :"schema".:"staging"), removed) AS r;
                    DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
                END IF;
                PERFORM set_config('audit_trail.own_write', '', true);
                RETURN NULL;
            END IF;
        END IF;

        -- The known position may be ahead: the WAL of a re-insert can begin before that of the delete it waited for.
        -- Staging keeps the greater one; the log has the change's own.
        keep_known := NOT is_new AND known_position <> ''
            AND (change_position = '' OR (change_has_lsn AND right(change_position, 17) <> right(known_position, 17)));
        IF keep_known AND NEW.operation <> 'D' THEN
            PERFORM set_config('audit_trail.own_write', (SELECT w.token FROM audit_trail.own_write AS w), true);
            UPDATE :"schema".:"staging" AS s SET stream_position = known_position WHERE s.ctid = NEW.ctid;
            PERFORM set_config('audit_trail.own_write', '', true);
        END IF;

        IF is_second_step THEN
            RETURN NULL;
        END IF;

        CASE NEW.operation
            WHEN 'I' THEN
                IF before_image IS NOT NULL THEN
                    gap_kind := 'insert over existing row';
                END IF;
            WHEN 'U' THEN
                IF before_image IS NULL THEN
                    gap_kind := 'row missing before update';
                END IF;
            WHEN 'D' THEN
                IF before_image IS NULL THEN
                    gap_kind := 'row missing before delete';
                END IF;
            ELSE
                RAISE EXCEPTION 'The operation is %, and not I, U or D.', coalesce(quote_literal(NEW.operation), 'null');
        END CASE;
        IF TG_OP = 'UPDATE' AND NOT before_image @> changed_key THEN
            -- DMS does not replicate these; should one arrive, the old key must not look as if it never was.
            gap_kind := 'primary key update';
            INSERT INTO audit_trail.:"tombstone" AS t (row_key, stream_position) VALUES (:old_key, known_position)
                ON CONFLICT (row_key) DO NOTHING;
        END IF;
        IF gap_kind IS NOT NULL THEN
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
                VALUES (
                    :'schema',
                    :'table',
                    gap_kind,
                    committed_at,
                    jsonb_build_object('row_key', changed_key, 'stream_position', change_position)
                );
        END IF;
        IF committed_at IS NULL THEN
            committed_at := clock_timestamp();
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, detail)
                VALUES (
                    :'schema',
                    :'table',
                    'commit timestamp missing',
                    jsonb_build_object('row_key', changed_key, 'stream_position', change_position)
                );
        END IF;
    END IF;

    INSERT INTO :"schema".:"audit_log"
        (operation, row_key, old_row_data, new_row_data, commit_timestamp, stream_position, change_seq)
        VALUES (
            NEW.operation,
            changed_key,
            CASE WHEN NEW.operation <> 'I' THEN before_image END,
            CASE WHEN NEW.operation <> 'D' THEN after_image END,
            committed_at,
            change_position,
            coalesce(NEW.change_seq, '')
        );

    IF NEW.operation = 'D' THEN
        INSERT INTO audit_trail.:"tombstone" AS t (row_key, stream_position)
            VALUES (changed_key, CASE WHEN keep_known THEN known_position ELSE change_position END)
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                removed_row = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM :"schema".:"staging" AS s WHERE s.ctid = NEW.ctid;
    ELSIF buried THEN
        DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
EXCEPTION
    -- An error here would make DMS drop the change or stop, so the change is kept where it can be found. Not so when
    -- the server lacks something (53: disk or memory, 57: shutdown, 58: I/O, 08: connection): that says nothing about
    -- the change, DMS tries again and everything goes on as it was.
    WHEN OTHERS THEN
        IF left(SQLSTATE, 2) IN ('08', '53', '57', '58') THEN
            RAISE;
        END IF;
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
        BEGIN
            INSERT INTO audit_trail.unlogged_change (
                table_schema, table_name, statement, operation, commit_timestamp, stream_position, change_seq,
                old_row, new_row, sqlstate, message
            )
            VALUES (
                :'schema',
                :'table',
                TG_OP,
                NEW.operation,
                NEW.commit_timestamp AT TIME ZONE 'UTC',
                NEW.stream_position,
                NEW.change_seq,
                row_to_json(OLD),
                row_to_json(NEW),
                error_code,
                error_message
            );
            RETURN NULL;
        EXCEPTION
            WHEN OTHERS THEN
                -- Neither logged nor kept.
                NULL;
        END;
        -- Going on would lose the change without a trace. The first error, not the last.
        RAISE;
END;
