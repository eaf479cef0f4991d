-- The body of one table's log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- This is the fast path: the change's position is beyond all that is known of its key (the greatest one is in the key's
-- staging row, or in its tombstone once the row is deleted), the key is unchanged, and the row is there or not as the
-- operation says. Everything else goes to the function of sql/audit/log_uncommon.sql, which takes a transaction id each time. So
-- what a table has many of is logged here too: the rows of the full load, and second steps of large columns.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table's own columns would fail in DMS's session once that type changes.
#variable_conflict use_variable
DECLARE
    before_image jsonb;
    after_image jsonb;
    changed_key jsonb;
    has_images boolean;
    committed_at timestamptz(6);
    commit_microseconds bigint;
    change_position text;
    known_position text;
    is_common boolean;
    has_tombstone boolean;
    this_change text;
    remarks text[];
BEGIN
    -- The functions' own writes to staging.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    -- An error that a value causes (22, 23, 54, 0A, P0) would make DMS drop the change or stop. All that can fail because of a
    -- value is in this block, for every type that DMS may give a new column. Nothing in it writes: a block that writes takes a
    -- transaction id of its own for each change.
    BEGIN
        committed_at := NEW.audit_trail_commit_timestamp AT TIME ZONE 'UTC';
        after_image := to_jsonb(NEW) - CAST(:headers AS text[]);
        changed_key := :new_key;
        IF TG_OP = 'UPDATE' THEN
            before_image := to_jsonb(OLD) - CAST(:headers AS text[]);
            known_position := right(OLD.audit_trail_stream_position, 17);
            is_common := NEW.audit_trail_operation IN ('U', 'D')
                AND before_image @> changed_key
                -- A row of the full load may be younger than a change that was captured while it ran.
                AND (
                    OLD.audit_trail_change_seq <> ''
                    OR NEW.audit_trail_commit_timestamp > OLD.audit_trail_commit_timestamp + interval '1 second'
                );
        ELSE
            SELECT right(t.stream_position, 17), t.kind = 'deleted'
                INTO known_position, is_common
                FROM audit_trail.:"tombstone" AS t
                WHERE t.row_key = changed_key;
            has_tombstone := FOUND;
            is_common := NEW.audit_trail_operation = 'I' AND is_common IS NOT FALSE;
        END IF;
        -- Columns that the source no longer has: staging keeps their last values.
        IF TG_NARGS > 0 THEN
            FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
                IF committed_at > CAST(TG_ARGV[i + 1] AS timestamptz) THEN
                    before_image := before_image - TG_ARGV[i];
                    after_image := after_image - TG_ARGV[i];
                END IF;
            END LOOP;
        END IF;
        has_images := true;

        -- The LSN in which a position ends. The last change, below, is compared as text: small letters are uncommon.
        change_position := right(NEW.audit_trail_stream_position, 17);
        commit_microseconds := audit_trail.microseconds(committed_at);
        is_common := is_common
            AND commit_microseconds IS NOT NULL
            AND NEW.audit_trail_change_seq <> ''
            AND change_position LIKE '________/________'
            AND change_position = upper(change_position COLLATE "C")
            AND CASE
                WHEN coalesce(known_position, '') = '' THEN CAST(change_position AS pg_lsn) IS NOT NULL
                ELSE known_position LIKE '________/________'
                    AND CAST(change_position AS pg_lsn) > CAST(known_position AS pg_lsn)
            END
            -- The index of deleted keys takes 2,704 bytes.
            AND (NEW.audit_trail_operation <> 'D' OR pg_column_size(changed_key) < 2000);
    EXCEPTION
        WHEN OTHERS THEN
            -- Every other error says nothing about the change: DMS tries again.
            IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
                RAISE;
            END IF;
            is_common := false;
    END;

    IF is_common IS NOT TRUE THEN
        -- A row of the full load, of a key that nothing is known of.
        IF TG_OP = 'INSERT'
            AND has_images
            AND NOT has_tombstone
            AND coalesce(NEW.audit_trail_change_seq, '') = ''
            AND (coalesce(NEW.audit_trail_stream_position, '') = '' OR NEW.audit_trail_operation = 'I')
        THEN
            INSERT INTO :"schema".:"audit_log" (
                operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq:carried_columns
            )
            VALUES (
                'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', '':carried_values
            );
            RETURN NULL;
        END IF;
        -- The second step of a large column, right after the first one.
        IF TG_OP = 'UPDATE'
            AND has_images
            AND NEW.audit_trail_operation IN ('I', 'U')
            AND NEW.audit_trail_change_seq <> ''
            AND NEW.audit_trail_stream_position <> ''
            AND NEW.audit_trail_change_seq = OLD.audit_trail_change_seq
            AND NEW.audit_trail_stream_position = OLD.audit_trail_stream_position
        THEN
            UPDATE :"schema".:"audit_log" AS l
                SET new_row_data = after_image
                WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(changed_key, 0)
                    AND l.row_key = changed_key
                    AND l.commit_timestamp = committed_at
                    AND l.change_seq = NEW.audit_trail_change_seq
                    AND l.applied_xid = pg_current_xact_id();
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        PERFORM audit_trail.:"uncommon"(TG_OP, OLD, NEW, NEW.ctid, before_image, after_image, has_images IS NULL);
        RETURN NULL;
    END IF;

    -- DMS hands over the transactions one after the other, in the order of their commits. Nearly always the last change sorts
    -- before this one.
    this_change := commit_microseconds || ' ' || change_position;
    IF (current_setting('audit_trail.last_change', true) COLLATE "C" BETWEEN '0' AND this_change) IS NOT TRUE THEN
        remarks := audit_trail.remark_step_back(this_change);
    END IF;
    -- An assignment costs less than a PERFORM.
    this_change := set_config('audit_trail.last_change', this_change, false);:moved

    IF NEW.audit_trail_operation = 'D' THEN
        after_image := NULL;
    END IF;
    -- Plain values cost less than expressions, which are prepared anew for each row.
    INSERT INTO :"schema".:"audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks:carried_columns
    )
    VALUES (
        NEW.audit_trail_operation,
        changed_key,
        before_image,
        after_image,
        committed_at,
        commit_microseconds,
        NEW.audit_trail_stream_position,
        NEW.audit_trail_change_seq,
        remarks:carried_values
    );

    IF NEW.audit_trail_operation = 'D' THEN
        INSERT INTO audit_trail.:"tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, NEW.audit_trail_stream_position, 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM :"schema".:"staging" AS s WHERE s.ctid = NEW.ctid:in_partition;
    ELSIF has_tombstone THEN
        DELETE FROM audit_trail.:"tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
END;
