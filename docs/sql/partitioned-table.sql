-- Written by `npm run docs`; change sql/, trail/ and verify/, not this file.
-- What a deployment runs on the source cluster, in this order.

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/source/guard_begin.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- Takes away the guards that the table has now; those it shall have follow.
-- Nobody shall wait behind a deployment that waits for a long transaction on the table.
SET LOCAL lock_timeout = '10s';

SELECT audit_trail.remove_guards(format('%I.%I', 'public', 'readings')::regclass);

--> sql/source/guard_owners.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- What follows is for the owners of the table and its partitions to do.
SELECT audit_trail.borrow_owners(format('%I.%I', 'public', 'readings')::regclass);

--> sql/source/guard_truncate.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- A statement trigger: no row of any INSERT, UPDATE or DELETE meets it.
CREATE TRIGGER "audit_trail_refuse_truncate" BEFORE TRUNCATE ON "public"."readings"
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail."refuse_truncate"();
ALTER TABLE "public"."readings" ENABLE ALWAYS TRIGGER "audit_trail_refuse_truncate";

--> sql/source/guard_key_update.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- AFTER: BEFORE would lock every updated row first, and write WAL for it. With a list of columns an UPDATE that does not
-- name them does nothing for this trigger; without one its condition is made ready for every UPDATE. The condition
-- compares bytes, as the WAL does: equal is not the same to an interval, a -0 or a text with a collation of its own. The
-- function and not the operator *<>, which pg_dump, and so pg_upgrade, writes as one of the columns and not of the rows.
CREATE TRIGGER "audit_trail_refuse_key_update" AFTER UPDATE OF "sensor", "taken_at" ON "public"."readings"
    FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(OLD."sensor", OLD."taken_at"), ROW(NEW."sensor", NEW."taken_at")))
    EXECUTE FUNCTION audit_trail."refuse_key_update"('sensor', 'taken_at');
ALTER TABLE "public"."readings" ENABLE ALWAYS TRIGGER "audit_trail_refuse_key_update";

--> sql/source/guard_partitions.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- The guard against TRUNCATE on each partition.
SELECT audit_trail.guard_partitions(format('%I.%I', 'public', 'readings')::regclass, 'audit_trail_refuse_truncate');

--> sql/source/guard_limits.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- Refuses values beyond the limits that the config declares for columns whose types have none: DMS would round or cut them, and
-- nothing would tell. AFTER, because BEFORE triggers of the application may still change the row; the condition is what rows
-- within the limits cost.
CREATE TRIGGER audit_trail_refuse_over_limit AFTER INSERT OR UPDATE ON "public"."readings"
    FOR EACH ROW WHEN (pg_catalog.abs(NEW."value") >= CAST('100000000' AS numeric) OR NEW."value" <> pg_catalog.round(NEW."value", 4) OR pg_catalog.char_length(NEW."note") > 200)
    EXECUTE FUNCTION audit_trail.refuse_over_limit('value numeric(12,4)', 'note character varying(200)');
ALTER TABLE "public"."readings" ENABLE ALWAYS TRIGGER audit_trail_refuse_over_limit;

--> sql/source/guard_revoke_truncate.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- Who is not the owner needs no right to truncate either.
SELECT audit_trail.revoke_truncate(format('%I.%I', 'public', 'readings')::regclass);

--> sql/source/replica_identity_before.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- Takes back the replica identity that an earlier deployment has set for this table.
SELECT audit_trail.identify_as_before(format('%I.%I', 'public', 'readings')::regclass);

--> sql/source/guard_end.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- The session is a member of nobody any more whom it became a member of.
SELECT audit_trail.return_owners();

COMMIT;

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/source/hold_table.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- Holds one table of the source as it is until the transaction ends, and fails if it cannot be read safely. Its owner is not the
-- reader: under the same name a view could be put, whose functions run with the reader's rights. So would the casts of a type
-- that somebody has made: no column may have one that was not known when the reading statements were made.
LOCK TABLE ONLY "public"."readings" IN ACCESS SHARE MODE;

DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS c
        WHERE c.oid = pg_catalog.to_regclass('"public"."readings"')
            AND (
                c.relkind = 'r'
                -- Its partitions are its own: they are locked when it is read, and another cannot take their place by its name alone.
                OR c.relkind = 'p'
                AND NOT EXISTS (
                    SELECT
                    FROM pg_catalog.pg_partition_tree(c.oid) AS t
                    JOIN pg_catalog.pg_class AS l ON l.oid = t.relid
                    WHERE l.relkind NOT IN ('r', 'p')
                )
            )
            AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_attribute AS a
                JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND a.attname <> ALL (ARRAY['sensor', 'taken_at', 'place', 'words']::name[])
                    -- A domain is read as the type that it is made of.
                    AND CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END >= 16384
            )
    ) THEN
        RAISE EXCEPTION '% is not a plain table, or has got a column of a type that somebody made', '"public"."readings"';
    END IF;
END
$do$;

--> sql/source/check_limits.sql | source cluster | as the master user | script source-database-guards, once the catalog is read, when its text or its table is another one, or what it made is gone | public.readings
-- Whether the rows that are there keep to the limits that the config declares. After the guard, which waited for whoever wrote
-- before it: what is written from then on has met it. The table is held, and where a policy would hide rows from this look, it
-- fails: the policy's functions would run with the rights of whoever looks.
SET LOCAL row_security = off;

DO $do$
BEGIN
    IF EXISTS (SELECT FROM "public"."readings" AS t WHERE pg_catalog.abs(t."value") >= CAST('100000000' AS numeric) OR t."value" <> pg_catalog.round(t."value", 4) OR pg_catalog.char_length(t."note") > 200) THEN
        RAISE EXCEPTION 'The table % has values beyond the limit that the config key columns declares (%).', 'public.readings', 'value numeric(12,4), note character varying(200)'
            USING HINT = 'Declare a wider limit, change the values, or exclude the column.';
    END IF;
END
$do$;

COMMIT;

-- What a deployment then runs on the audit cluster for the tables.

BEGIN;
SET LOCAL lock_timeout = 5000;
DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(418581342580);
    END LOOP;
END
$lock$;

--> sql/audit/staging.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- Staging: the source's columns as plain columns, then the header columns that DMS adds. DMS writes every column. So there is
-- no default, no identity, no generated column, and no constraint but the key.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS "public"."readings_staging" (
    "sensor" integer,
    "taken_at" timestamp with time zone,
    "value" numeric(12,4),
    "place" character varying(255),
    "note" character varying(200),
    "audit_trail_operation" character varying(50),
    "audit_trail_commit_timestamp" timestamp(6) without time zone,
    "audit_trail_stream_position" character varying(50),
    "audit_trail_change_seq" character varying(50),
    "audit_trail_partition" text
) PARTITION BY LIST ("audit_trail_partition");
-- DMS locks staging first, and the log and everything else after it. So does whoever changes a trail.
LOCK TABLE "public"."readings_staging" IN SHARE ROW EXCLUSIVE MODE;
COMMENT ON TABLE "public"."readings_staging" IS 'Current rows of public.readings, written by AWS DMS alone.';

SELECT audit_trail.check_partitioning('"public"."readings_staging"'::regclass, true);
SELECT audit_trail.check_key('"public"."readings_staging"'::regclass, ARRAY['sensor', 'taken_at']);
SELECT audit_trail.fit_column('"public"."readings_staging"'::regclass, c.name, c.type, c.in_key, c.missing)
FROM (
    VALUES
        ('sensor', 'integer', true, NULL),
        ('taken_at', 'timestamp with time zone', true, NULL),
        ('value', 'numeric(12,4)', false, NULL),
        ('place', 'character varying(255)', false, NULL),
        ('note', 'character varying(200)', false, NULL),
        ('audit_trail_operation', 'character varying(50)', false, NULL),
        ('audit_trail_commit_timestamp', 'timestamp(6) without time zone', false, NULL),
        ('audit_trail_stream_position', 'character varying(50)', false, NULL),
        ('audit_trail_change_seq', 'character varying(50)', false, NULL),
        ('audit_trail_partition', 'text', true, NULL)
) AS c (name, type, in_key, missing);

RESET ROLE;

--> sql/audit/audit_log.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- The log of one table: append-only, partitioned by the month of the source's commit.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS "public"."readings_audit_log" (
    -- Rises in the order in which changes were applied. A change that was brought back has the number that was set aside
    -- for it when it could not be logged.
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    -- B, I, U or D. The log's function sees to that: a check constraint here costs an eighth of the apply rate.
    operation char(1) NOT NULL,
    row_key jsonb NOT NULL,
    old_row_data jsonb,
    new_row_data jsonb,
    commit_timestamp timestamptz(6) NOT NULL
) PARTITION BY RANGE (commit_timestamp);
COMMENT ON TABLE "public"."readings_audit_log" IS 'Every change of public.readings: old row, new row, the source''s commit time. Append-only.';

-- A log that is there already gets the columns that it lacks. Its rows are not rewritten.
SELECT audit_trail.fit_log_column('"public"."readings_audit_log"'::regclass, c.name, c.definition)
FROM (
    VALUES
        -- The source's commit time in microseconds since 1970: the same for all rows of one source transaction, and
        -- another one for every transaction that did not commit in the same microsecond. Null for B.
        ('transaction_id', 'bigint'),
        -- As DMS gave them; empty for B.
        ('stream_position', 'text NOT NULL'),
        ('change_seq', 'text NOT NULL'),
        ('recorded_at', 'timestamptz NOT NULL DEFAULT clock_timestamp()'),
        -- The transaction on this side.
        ('applied_xid', 'xid8 NOT NULL DEFAULT pg_current_xact_id()'),
        -- What a reader must know of this row beyond its values, docs/guarantees.md; null for nearly all.
        ('remarks', 'text[]'),
        -- Taken over from staging as it is.
        ('source_partition', 'text')
) AS c (name, definition);

-- The history of a row, and the look-up that tells a replayed change from a new one. A hash of the key, because comparing
-- jsonb is the largest single cost of a full log's index: audit_trail.is_key() asks by it. The other two columns keep the
-- changes of a key with very many in order.
CREATE INDEX IF NOT EXISTS "readings_audit_log_row_key_idx" ON "public"."readings_audit_log"
    (jsonb_hash_extended(row_key, 0), commit_timestamp, audit_id);
-- Windows of time, and transactions: rows arrive in commit order, so a block range index is enough.
CREATE INDEX IF NOT EXISTS "readings_audit_log_time_idx" ON "public"."readings_audit_log"
    USING brin (commit_timestamp, transaction_id) WITH (autosummarize = on);

SELECT audit_trail.put_trigger(
    '"public"."readings_audit_log"'::regclass,
    'append_only',
    '%1$I BEFORE UPDATE OR DELETE ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.refuse_change_of_log()'
);
SELECT audit_trail.refuse_truncate('"public"."readings_audit_log"'::regclass);

SELECT audit_trail.add_partitions('"public"."readings_audit_log"'::regclass, 'readings_audit_log_');

RESET ROLE;

--> sql/audit/tombstone.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- Keys that staging does not hold at present. stream_position is the greatest one known of the key: what tells the replay
-- of an old change from the first insert of a key that is used again. The kinds:
--   deleted   the source deleted the row, and the log says so
--   removed   DMS removed the staging row by a plain DELETE, as its conflict policies do before they insert the row
--             again; the row is kept until then, as a record to put back and as an image for the log
--   emptied   staging was emptied for a reload; what the load does not bring back has gone from the source
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail."public_readings_tombstone" (
    row_key jsonb PRIMARY KEY,
    stream_position text NOT NULL,
    kind text NOT NULL,
    -- The text of the whole staging row, its header columns included: it can be read back whatever the types are.
    removed_record text,
    removed_image jsonb,
    removed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A constraint trigger cannot be replaced, only be missing.
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = '"audit_trail"."public_readings_tombstone"'::regclass AND t.tgname = 'unflagged_delete'
    ) THEN
        CREATE CONSTRAINT TRIGGER unflagged_delete AFTER INSERT OR UPDATE ON audit_trail."public_readings_tombstone"
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'removed')
            EXECUTE FUNCTION audit_trail.record_unflagged_delete('public', 'readings');
        ALTER TABLE audit_trail."public_readings_tombstone" ENABLE ALWAYS TRIGGER unflagged_delete;
    END IF;
END
$do$;

RESET ROLE;

--> sql/audit/register.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- Enters the table and its columns into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_table(
    'public',
    'readings',
    'readings_staging',
    'readings_audit_log',
    'public_readings_tombstone',
    'readings_audit_log_',
    ARRAY['sensor', 'taken_at'],
    '0',
    to_jsonb(ARRAY[
        jsonb_build_object('attnum', 1, 'name', 'sensor', 'type', 'integer', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 2, 'name', 'taken_at', 'type', 'timestamp with time zone', 'missing', NULL, 'source_type', NULL),
        jsonb_build_object('attnum', 3, 'name', 'value', 'type', 'numeric(12,4)', 'missing', NULL, 'source_type', 'numeric'),
        jsonb_build_object('attnum', 4, 'name', 'place', 'type', 'character varying(255)', 'missing', NULL, 'source_type', 'point'),
        jsonb_build_object('attnum', 5, 'name', 'note', 'type', 'character varying(200)', 'missing', NULL, 'source_type', 'character varying'),
        jsonb_build_object('attnum', 6, 'name', 'words', 'type', 'tsvector', 'excluded', 'made of the other columns')
    ])
);

RESET ROLE;

--> sql/audit/register_partitions.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- Enters the partitions that a table has now into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_partitions('public', 'readings', CAST('[["public","readings_2026","public.readings_2026","readings_2026_staging","0"],["public","readings_2027","public.readings_2027","readings_2027_staging","0"]]' AS jsonb));

RESET ROLE;

--> sql/audit/log_uncommon.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
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

CREATE OR REPLACE FUNCTION audit_trail."public_readings_eabff2b9_log_uncommon"(
    statement text,
    old_row "public"."readings_staging",
    new_row "public"."readings_staging",
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
    tombstone audit_trail."public_readings_tombstone";
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
        after_image := audit_trail.row_image(CAST(new_row AS text), 'public', 'readings', committed_at);
        before_image := CASE
            WHEN statement = 'UPDATE' THEN audit_trail.row_image(CAST(old_row AS text), 'public', 'readings', committed_at)
        END;
        remarks := ARRAY['value kept as text'];
    END IF;
    changed_key := jsonb_build_object('sensor', after_image -> 'sensor', 'taken_at', after_image -> 'taken_at');
    this_change := jsonb_hash_extended(changed_key, 0) || ' ' || change_position;
    IF statement = 'UPDATE' THEN
        known_position := coalesce(old_row.audit_trail_stream_position, '');
    ELSE
        SELECT * INTO tombstone FROM audit_trail."public_readings_tombstone" AS t WHERE t.row_key = changed_key;
        known_position := coalesce(tombstone.stream_position, '');
        before_image := tombstone.removed_image;
        IF tombstone.kind = 'removed' THEN
            old_row := CAST(tombstone.removed_record AS "public"."readings_staging");
        END IF;
    END IF;

    -- The full load gives its rows no sequence, and no position either.
    IF sequence = '' AND (change_position = '' OR operation = 'I') THEN
        IF statement = 'UPDATE' THEN
            UPDATE "public"."readings_audit_log" AS l
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
        INSERT INTO "public"."readings_audit_log" (
            operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq, remarks, "source_partition"
        )
        VALUES (
            'B', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '', '', remarks, new_row."audit_trail_partition"
        );
        IF tombstone.row_key IS NOT NULL THEN
            -- A load makes nothing that was logged before it unknown.
            DELETE FROM audit_trail."public_readings_tombstone" AS t WHERE t.row_key = changed_key;
            PERFORM audit_trail.begin_own_write();
            UPDATE "public"."readings_staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid AND s.audit_trail_partition = new_row.audit_trail_partition;
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
                FROM audit_trail.count_differences('public', 'readings', before_image, now(), after_image) AS d
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
                FROM "public"."readings_audit_log" AS l
                CROSS JOIN LATERAL audit_trail.count_differences(
                    'public', 'readings', l.new_row_data, l.recorded_at, after_image
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
            FROM "public"."readings_audit_log" AS l
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
        UPDATE "public"."readings_audit_log" AS l
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
                    'public',
                    'readings',
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
        DELETE FROM "public"."readings_staging" AS s WHERE s.ctid = new_ctid AND s.audit_trail_partition = new_row.audit_trail_partition;
        IF statement = 'UPDATE' OR tombstone.kind = 'removed' THEN
            INSERT INTO "public"."readings_staging" SELECT old_row.*;
        END IF;
        IF tombstone.kind = 'removed' THEN
            DELETE FROM audit_trail."public_readings_tombstone" AS t WHERE t.row_key = changed_key;
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
            UPDATE "public"."readings_staging" AS s
                SET audit_trail_stream_position = known_position
                WHERE s.ctid = new_ctid AND s.audit_trail_partition = new_row.audit_trail_partition;
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
        INSERT INTO audit_trail."public_readings_tombstone" AS t (row_key, stream_position, kind)
            VALUES (jsonb_build_object('sensor', before_image -> 'sensor', 'taken_at', before_image -> 'taken_at'), known_position, 'deleted')
            ON CONFLICT (row_key) DO NOTHING;
    END IF;
    gap_detail := jsonb_build_object('row_key', changed_key, 'stream_position', change_position);
    IF gap_kind IS NOT NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES ('public', 'readings', gap_kind, committed_at, gap_detail);
    END IF;
    IF committed_at IS NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, detail)
            VALUES ('public', 'readings', 'commit timestamp missing', gap_detail);
    END IF;

    INSERT INTO "public"."readings_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks, "source_partition"
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
        remarks, new_row."audit_trail_partition"
    );

    IF operation = 'D' THEN
        INSERT INTO audit_trail."public_readings_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, coalesce(kept_position, change_position), 'deleted')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "public"."readings_staging" AS s WHERE s.ctid = new_ctid AND s.audit_trail_partition = new_row.audit_trail_partition;
    ELSIF tombstone.row_key IS NOT NULL THEN
        DELETE FROM audit_trail."public_readings_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
EXCEPTION
    WHEN OTHERS THEN
        IF NOT audit_trail.is_caused_by_value(SQLSTATE) THEN
            RAISE;
        END IF;
        IF NOT is_second_try THEN
            PERFORM audit_trail."public_readings_eabff2b9_log_uncommon"(statement, old_row, new_row, new_ctid, NULL, NULL, true);
            RETURN;
        END IF;
        BEGIN
            PERFORM audit_trail.keep_unlogged(
                'public', 'readings', statement, operation, committed_at, change_position, sequence,
                CASE WHEN statement = 'UPDATE' THEN row_to_json(old_row) END, row_to_json(new_row),
                before_image, after_image, SQLSTATE, SQLERRM
            );
            IF operation = 'D' THEN
                -- It stays deleted, though the log does not say so.
                PERFORM audit_trail.begin_own_write();
                DELETE FROM "public"."readings_staging" AS s WHERE s.ctid = new_ctid AND s.audit_trail_partition = new_row.audit_trail_partition;
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
REVOKE ALL ON FUNCTION audit_trail."public_readings_eabff2b9_log_uncommon"(
    text, "public"."readings_staging", "public"."readings_staging", tid, jsonb, jsonb, boolean
) FROM PUBLIC;

RESET ROLE;

--> sql/audit/trigger.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- Puts the log's function on the staging table. A new one was made a moment ago, under a name that no function had before,
-- with the rights of whoever calls it: it gets its settings, its owner and then its rights before any change can run it.
-- One whose body somebody has changed gets its own back; it loses its settings by that, and has them again at the end of
-- the same transaction, before which no other session sees any of it.
CREATE OR REPLACE FUNCTION audit_trail."public_readings_eabff2b9_log_change"() RETURNS trigger
LANGUAGE plpgsql
AS '-- The body of one table''s log function: turns what DMS inserts into staging, or updates there, into one row of the log.
--
-- This is the fast path: the change''s position is beyond all that is known of its key (the greatest one is in the key''s
-- staging row, or in its tombstone once the row is deleted), the key is unchanged, and the row is there or not as the
-- operation says. Everything else goes to the function of sql/audit/log_uncommon.sql, which takes a transaction id each time. So
-- what a table has many of is logged here too: the rows of the full load, and second steps of large columns.
--
-- NEW and OLD are used as whole rows, apart from the header columns: a plan that is cached with the type of one of
-- the table''s own columns would fail in DMS''s session once that type changes.
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
    -- The functions'' own writes to staging.
    IF pg_trigger_depth() > 1 AND audit_trail.is_own_write() THEN
        RETURN NULL;
    END IF;

    -- An error that a value causes (22, 23, 54, 0A, P0) would make DMS drop the change or stop. All that can fail because of a
    -- value is in this block, for every type that DMS may give a new column. Nothing in it writes: a block that writes takes a
    -- transaction id of its own for each change.
    BEGIN
        committed_at := NEW.audit_trail_commit_timestamp AT TIME ZONE ''UTC'';
        after_image := to_jsonb(NEW) - CAST(''{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq,audit_trail_partition}'' AS text[]);
        changed_key := jsonb_build_object(''sensor'', after_image -> ''sensor'', ''taken_at'', after_image -> ''taken_at'');
        IF TG_OP = ''UPDATE'' THEN
            before_image := to_jsonb(OLD) - CAST(''{audit_trail_operation,audit_trail_commit_timestamp,audit_trail_stream_position,audit_trail_change_seq,audit_trail_partition}'' AS text[]);
            known_position := right(OLD.audit_trail_stream_position, 17);
            is_common := NEW.audit_trail_operation IN (''U'', ''D'')
                AND before_image @> changed_key
                -- A row of the full load may be younger than a change that was captured while it ran.
                AND (
                    OLD.audit_trail_change_seq <> ''''
                    OR NEW.audit_trail_commit_timestamp > OLD.audit_trail_commit_timestamp + interval ''1 second''
                );
        ELSE
            SELECT right(t.stream_position, 17), t.kind = ''deleted''
                INTO known_position, is_common
                FROM audit_trail."public_readings_tombstone" AS t
                WHERE t.row_key = changed_key;
            has_tombstone := FOUND;
            is_common := NEW.audit_trail_operation = ''I'' AND is_common IS NOT FALSE;
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
            AND NEW.audit_trail_change_seq <> ''''
            AND change_position LIKE ''________/________''
            AND change_position = upper(change_position COLLATE "C")
            AND CASE
                WHEN coalesce(known_position, '''') = '''' THEN CAST(change_position AS pg_lsn) IS NOT NULL
                ELSE known_position LIKE ''________/________''
                    AND CAST(change_position AS pg_lsn) > CAST(known_position AS pg_lsn)
            END
            -- The index of deleted keys takes 2,704 bytes.
            AND (NEW.audit_trail_operation <> ''D'' OR pg_column_size(changed_key) < 2000);
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
        IF TG_OP = ''INSERT''
            AND has_images
            AND NOT has_tombstone
            AND coalesce(NEW.audit_trail_change_seq, '''') = ''''
            AND (coalesce(NEW.audit_trail_stream_position, '''') = '''' OR NEW.audit_trail_operation = ''I'')
        THEN
            INSERT INTO "public"."readings_audit_log" (
                operation, row_key, new_row_data, commit_timestamp, stream_position, change_seq, "source_partition"
            )
            VALUES (
                ''B'', changed_key, after_image, coalesce(committed_at, clock_timestamp()), '''', '''', NEW."audit_trail_partition"
            );
            RETURN NULL;
        END IF;
        -- The second step of a large column, right after the first one.
        IF TG_OP = ''UPDATE''
            AND has_images
            AND NEW.audit_trail_operation IN (''I'', ''U'')
            AND NEW.audit_trail_change_seq <> ''''
            AND NEW.audit_trail_stream_position <> ''''
            AND NEW.audit_trail_change_seq = OLD.audit_trail_change_seq
            AND NEW.audit_trail_stream_position = OLD.audit_trail_stream_position
        THEN
            UPDATE "public"."readings_audit_log" AS l
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
        PERFORM audit_trail."public_readings_eabff2b9_log_uncommon"(TG_OP, OLD, NEW, NEW.ctid, before_image, after_image, has_images IS NULL);
        RETURN NULL;
    END IF;

    -- DMS hands over the transactions one after the other, in the order of their commits. Nearly always the last change sorts
    -- before this one.
    this_change := commit_microseconds || '' '' || change_position;
    IF (current_setting(''audit_trail.last_change'', true) COLLATE "C" BETWEEN ''0'' AND this_change) IS NOT TRUE THEN
        remarks := audit_trail.remark_step_back(this_change);
    END IF;
    -- An assignment costs less than a PERFORM.
    this_change := set_config(''audit_trail.last_change'', this_change, false);
    remarks := audit_trail.remark_move(remarks, NEW.audit_trail_operation, TG_RELID, changed_key, commit_microseconds);

    IF NEW.audit_trail_operation = ''D'' THEN
        after_image := NULL;
    END IF;
    -- Plain values cost less than expressions, which are prepared anew for each row.
    INSERT INTO "public"."readings_audit_log" (
        operation, row_key, old_row_data, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
        remarks, "source_partition"
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
        remarks, NEW."audit_trail_partition"
    );

    IF NEW.audit_trail_operation = ''D'' THEN
        INSERT INTO audit_trail."public_readings_tombstone" AS t (row_key, stream_position, kind)
            VALUES (changed_key, NEW.audit_trail_stream_position, ''deleted'')
            ON CONFLICT (row_key) DO UPDATE SET
                stream_position = excluded.stream_position,
                kind = excluded.kind,
                removed_record = NULL,
                removed_image = NULL,
                removed_xid = excluded.removed_xid,
                removed_at = excluded.removed_at;
        DELETE FROM "public"."readings_staging" AS s WHERE s.ctid = NEW.ctid AND s.audit_trail_partition = NEW.audit_trail_partition;
    ELSIF has_tombstone THEN
        DELETE FROM audit_trail."public_readings_tombstone" AS t WHERE t.row_key = changed_key;
    END IF;
    RETURN NULL;
END;
';

ALTER FUNCTION audit_trail."public_readings_eabff2b9_log_change"() OWNER TO audit_trail_owner;

SET LOCAL ROLE audit_trail_owner;

ALTER FUNCTION audit_trail."public_readings_eabff2b9_log_change"() SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION audit_trail."public_readings_eabff2b9_log_change"() SET "TimeZone" = 'UTC';
ALTER FUNCTION audit_trail."public_readings_eabff2b9_log_change"() SECURITY DEFINER;
REVOKE ALL ON FUNCTION audit_trail."public_readings_eabff2b9_log_change"() FROM PUBLIC;

SELECT audit_trail.put_log_trigger('public', 'readings', 'public_readings_eabff2b9_log_change', 'public_readings_eabff2b9_log_uncommon');
-- The trail's own functions delete as its owner; whoever deletes otherwise is another role.
SELECT audit_trail.put_trigger(
    '"public"."readings_staging"'::regclass,
    'keep_removed_row',
    '%1$I AFTER DELETE ON %2$s FOR EACH ROW WHEN (current_user <> ''audit_trail_owner'')
        EXECUTE FUNCTION audit_trail.keep_removed_row()'
);
SELECT audit_trail.put_trigger(
    '"public"."readings_staging"'::regclass,
    'log_reload',
    '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload()'
);

RESET ROLE;

--> sql/audit/partition_staging.sql | audit cluster | as the master user | script audit-database-tables, when its text or its table is another one, or what it made is gone | public.readings
-- Makes staging tables that a table's partitions lack.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.make_partition_staging('public', 'readings', 100);

RESET ROLE;

COMMIT;

-- What verify asks about each table. $n are values that are known only then: keys, numbers of rows, times.

--> sql/verify/staging_columns.sql | audit cluster | as the user of verify's address | first | public.readings
-- The columns of a staging table, or of a log; no row when there is no such table.
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('"public"."readings_staging"') AND a.attnum > 0 AND NOT a.attisdropped;

--> sql/verify/acknowledgements.sql | audit cluster | as the user of verify's address | first | public.readings
-- What somebody has explained of one table: gaps, also those that name no table, and differences. The oldest counts.
SELECT DISTINCT ON (k.gap_id, k.finding)
    k.gap_id::text AS gap_id,
    k.finding,
    coalesce(k.kind, g.kind) AS kind,
    k.acknowledged_by AS "by",
    to_char(k.acknowledged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
    k.reason
FROM audit_trail.acknowledgement AS k
LEFT JOIN audit_trail.gap AS g ON g.gap_id = k.gap_id
WHERE (k.table_schema = 'public' AND k.table_name = 'readings')
    OR (g.gap_id IS NOT NULL AND g.table_name IS NULL)
    OR (g.table_schema = 'public' AND g.table_name = 'readings')
ORDER BY k.gap_id, k.finding, k.acknowledgement_id;

--> sql/source/hold_table.sql | source cluster | as the user of verify's address | BEGIN READ ONLY and this before each statement that reads the table; ROLLBACK after it | public.readings
-- Holds one table of the source as it is until the transaction ends, and fails if it cannot be read safely. Its owner is not the
-- reader: under the same name a view could be put, whose functions run with the reader's rights. So would the casts of a type
-- that somebody has made: no column may have one that was not known when the reading statements were made.
LOCK TABLE ONLY "public"."readings" IN ACCESS SHARE MODE;

DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_class AS c
        WHERE c.oid = pg_catalog.to_regclass('"public"."readings"')
            AND (
                c.relkind = 'r'
                -- Its partitions are its own: they are locked when it is read, and another cannot take their place by its name alone.
                OR c.relkind = 'p'
                AND NOT EXISTS (
                    SELECT
                    FROM pg_catalog.pg_partition_tree(c.oid) AS t
                    JOIN pg_catalog.pg_class AS l ON l.oid = t.relid
                    WHERE l.relkind NOT IN ('r', 'p')
                )
            )
            AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_attribute AS a
                JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid
                    AND a.attnum > 0
                    AND NOT a.attisdropped
                    AND a.attname <> ALL (ARRAY['words']::name[])
                    -- A domain is read as the type that it is made of.
                    AND CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END >= 16384
            )
    ) THEN
        RAISE EXCEPTION '% is not a plain table, or has got a column of a type that somebody made', '"public"."readings"';
    END IF;
END
$do$;

--> sql/verify/chunk_end.sql | source cluster | as the user of verify's address | for each range of keys | public.readings
-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (jsonb_build_object('sensor', t."sensor", 'taken_at', CASE t."taken_at" WHEN '-infinity' THEN '4713-01-01 00:00:00+00 BC' WHEN 'infinity' THEN '9999-12-31 23:59:59+00' ELSE t."taken_at" END))::text AS row_key
FROM "public"."readings" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CASE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) END))
ORDER BY t."sensor", t."taken_at"
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/chunk_end.sql | audit cluster | as the user of verify's address | for each range of keys | public.readings
-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (jsonb_build_object('sensor', t."sensor", 'taken_at', t."taken_at"))::text AS row_key
FROM "public"."readings_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone)))
ORDER BY t."sensor", t."taken_at"
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/chunk_order.sql | source cluster | as the user of verify's address | where the ranges of both sides end otherwise | public.readings
-- Whether key $3 lies behind $1 and before $2 (null: no bound), in this database's own order of keys.
SELECT
    ($1::jsonb IS NULL OR (CAST($3::jsonb ->> 'sensor' AS integer), CASE CAST($3::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($3::jsonb ->> 'taken_at' AS timestamp with time zone) END) > (CAST($1::jsonb ->> 'sensor' AS integer), CASE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) END)) AND ($2::jsonb IS NULL OR (CAST($3::jsonb ->> 'sensor' AS integer), CASE CAST($3::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($3::jsonb ->> 'taken_at' AS timestamp with time zone) END) < (CAST($2::jsonb ->> 'sensor' AS integer), CASE CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone) END)) AS between;

--> sql/verify/chunk_sum.sql | source cluster | as the user of verify's address | for each range of keys | public.readings
-- One chunk's number of rows and the sum of their hashes, which does not depend on their order; and of each column in which the
-- log takes different values for the same, how many rows have such a value.
SELECT
    count(*)::text AS rows,
    coalesce(sum(hashtextextended(((((SELECT to_jsonb(r.*) FROM (SELECT t."sensor", t."taken_at", t."value", t."place", t."note") AS r) ) || jsonb_build_object('taken_at', CASE t."taken_at" WHEN '-infinity' THEN '4713-01-01 00:00:00+00 BC' WHEN 'infinity' THEN '9999-12-31 23:59:59+00' ELSE t."taken_at" END) || jsonb_build_object('value', trim_scale((((SELECT to_jsonb(r.*) FROM (SELECT t."sensor", t."taken_at", t."value", t."place", t."note") AS r) ) ->> 'value')::numeric))))::text, 0)), 0)::text AS sum,
    CAST(ARRAY[] AS text[]) AS blurred
FROM "public"."readings" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CASE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) END)) AND ($2::jsonb IS NULL OR (t."sensor", t."taken_at") <= (CAST($2::jsonb ->> 'sensor' AS integer), CASE CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone) END));

--> sql/verify/chunk_sum.sql | audit cluster | as the user of verify's address | for each range of keys | public.readings
-- One chunk's number of rows and the sum of their hashes, which does not depend on their order; and of each column in which the
-- log takes different values for the same, how many rows have such a value.
SELECT
    count(*)::text AS rows,
    coalesce(sum(hashtextextended((((to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq', 'audit_trail_partition']) || jsonb_build_object('value', trim_scale((to_jsonb(t.*) ->> 'value')::numeric))))::text, 0)), 0)::text AS sum,
    CAST(ARRAY[] AS text[]) AS blurred
FROM "public"."readings_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone))) AND ($2::jsonb IS NULL OR (t."sensor", t."taken_at") <= (CAST($2::jsonb ->> 'sensor' AS integer), CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone)));

--> sql/verify/chunk_hashes.sql | source cluster | as the user of verify's address | for a range that differs | public.readings
-- One chunk's keys, each with the hash of its row.
SELECT (jsonb_build_object('sensor', t."sensor", 'taken_at', CASE t."taken_at" WHEN '-infinity' THEN '4713-01-01 00:00:00+00 BC' WHEN 'infinity' THEN '9999-12-31 23:59:59+00' ELSE t."taken_at" END))::text AS row_key, hashtextextended(((((SELECT to_jsonb(r.*) FROM (SELECT t."sensor", t."taken_at", t."value", t."place", t."note") AS r) ) || jsonb_build_object('taken_at', CASE t."taken_at" WHEN '-infinity' THEN '4713-01-01 00:00:00+00 BC' WHEN 'infinity' THEN '9999-12-31 23:59:59+00' ELSE t."taken_at" END) || jsonb_build_object('value', trim_scale((((SELECT to_jsonb(r.*) FROM (SELECT t."sensor", t."taken_at", t."value", t."place", t."note") AS r) ) ->> 'value')::numeric))))::text, 0)::text AS hash
FROM "public"."readings" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CASE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone) END)) AND ($2::jsonb IS NULL OR (t."sensor", t."taken_at") <= (CAST($2::jsonb ->> 'sensor' AS integer), CASE CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone) WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone) END));

--> sql/verify/chunk_hashes.sql | audit cluster | as the user of verify's address | for a range that differs | public.readings
-- One chunk's keys, each with the hash of its row.
SELECT (jsonb_build_object('sensor', t."sensor", 'taken_at', t."taken_at"))::text AS row_key, hashtextextended((((to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq', 'audit_trail_partition']) || jsonb_build_object('value', trim_scale((to_jsonb(t.*) ->> 'value')::numeric))))::text, 0)::text AS hash
FROM "public"."readings_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone))) AND ($2::jsonb IS NULL OR (t."sensor", t."taken_at") <= (CAST($2::jsonb ->> 'sensor' AS integer), CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone)));

--> sql/verify/source_rows.sql | source cluster | as the user of verify's address | for keys that differ | public.readings
-- The source's rows of the keys in the JSON array $1, in its order; null where there is none. Beside their JSON, what that
-- does not tell.
SELECT hashtextextended(r.image::text, 0)::text AS hash, r.image::text AS image, r.told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
LEFT JOIN LATERAL (
    SELECT (((SELECT to_jsonb(r.*) FROM (SELECT t."sensor", t."taken_at", t."value", t."place", t."note") AS r) ) || jsonb_build_object('taken_at', CASE t."taken_at" WHEN '-infinity' THEN '4713-01-01 00:00:00+00 BC' WHEN 'infinity' THEN '9999-12-31 23:59:59+00' ELSE t."taken_at" END) || jsonb_build_object('value', trim_scale((((SELECT to_jsonb(r.*) FROM (SELECT t."sensor", t."taken_at", t."value", t."place", t."note") AS r) ) ->> 'value')::numeric))) AS image, CAST(ARRAY[] AS text[]) AS told
    FROM "public"."readings" AS t
    WHERE t."sensor" = CAST(k.row_key ->> 'sensor' AS integer) AND t."taken_at" IN (CAST(k.row_key ->> 'taken_at' AS timestamp with time zone), CASE CAST(k.row_key ->> 'taken_at' AS timestamp with time zone) WHEN '4713-01-01 00:00:00+00 BC' THEN '-infinity' WHEN '9999-12-31 23:59:59+00' THEN 'infinity' ELSE CAST(k.row_key ->> 'taken_at' AS timestamp with time zone) END)
    -- An infinite time and what DMS makes of it are the same key in the log.
    LIMIT 1
) AS r ON true
ORDER BY k.at;

--> sql/verify/log_versions.sql | audit cluster | as the user of verify's address | for keys that differ | public.readings
-- What the log says of the keys in the JSON array $1: the last version that was applied before the target transaction
-- $2 and every version from then on. A null hash is a deleted row.
SELECT
    k.at::integer AS at,
    v.applied_xid < $2::xid8 AS is_before,
    CASE WHEN v.operation <> 'D' THEN hashtextextended(v.image::text, 0)::text END AS hash
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
CROSS JOIN LATERAL (
    (
        SELECT l.audit_id, l.applied_xid, l.operation, ((CAST('{"sensor":null,"taken_at":null,"value":null,"place":null,"note":null}' AS jsonb) || l.new_row_data) || jsonb_build_object('value', trim_scale((l.new_row_data ->> 'value')::numeric))) AS image
        FROM "public"."readings_audit_log" AS l
        WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
            AND l.row_key = k.row_key
            AND l.applied_xid < $2::xid8
        ORDER BY l.audit_id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT l.audit_id, l.applied_xid, l.operation, ((CAST('{"sensor":null,"taken_at":null,"value":null,"place":null,"note":null}' AS jsonb) || l.new_row_data) || jsonb_build_object('value', trim_scale((l.new_row_data ->> 'value')::numeric))) AS image
    FROM "public"."readings_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
        AND l.row_key = k.row_key
        AND l.applied_xid >= $2::xid8
) AS v
ORDER BY k.at, v.audit_id;

--> sql/verify/silent_columns.sql | audit cluster | as the user of verify's address | for keys whose rows did not change meanwhile | public.readings
-- Of the keys in the JSON array $1, the columns in which staging is not the source's row in the array $2 of JSON texts, and of
-- which the key's last log row says nothing, because they came after it. Nothing of keys that have changed in a target
-- transaction since $3. One statement, so one snapshot of staging and log.
SELECT k.at::integer AS at, jsonb_agg(c.name ORDER BY c.name) AS columns
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
JOIN unnest($2::text[]) WITH ORDINALITY AS i (image, at) ON i.at = k.at
CROSS JOIN LATERAL (
    SELECT ((to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq', 'audit_trail_partition']) || jsonb_build_object('value', trim_scale((to_jsonb(t.*) ->> 'value')::numeric))) AS image FROM "public"."readings_staging" AS t WHERE t."sensor" = CAST(k.row_key ->> 'sensor' AS integer) AND t."taken_at" = CAST(k.row_key ->> 'taken_at' AS timestamp with time zone)
) AS s
CROSS JOIN LATERAL (
    SELECT l.applied_xid, l.new_row_data
    FROM "public"."readings_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS o
CROSS JOIN LATERAL jsonb_object_keys(s.image || i.image::jsonb) AS c (name)
WHERE o.applied_xid < $3::xid8
    AND (s.image -> c.name) IS DISTINCT FROM (i.image::jsonb -> c.name)
    AND NOT o.new_row_data ? c.name
GROUP BY k.at
ORDER BY k.at;

--> sql/verify/told_apart.sql | audit cluster | as the user of verify's address | for those, where the log cannot hold every value | public.readings
-- Of the keys in the JSON array $1, what staging's rows have besides their JSON. Nothing of keys that have changed in a target
-- transaction since $2. One statement, so one snapshot of staging and log.
SELECT k.at::integer AS at, s.told AS told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
CROSS JOIN LATERAL (
    SELECT CAST(ARRAY[] AS text[]) AS told FROM "public"."readings_staging" AS t WHERE t."sensor" = CAST(k.row_key ->> 'sensor' AS integer) AND t."taken_at" = CAST(k.row_key ->> 'taken_at' AS timestamp with time zone)
) AS s
CROSS JOIN LATERAL (
    SELECT l.applied_xid
    FROM "public"."readings_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS o
WHERE o.applied_xid < $2::xid8
ORDER BY k.at;

--> sql/verify/differing_columns.sql | audit cluster | as the user of verify's address | for a row that differs | public.readings
-- The columns in which the log's last version of key $1 is not the source's row $2. A text that ends after whole KiB, as
-- DMS cuts large values, is told apart; in JSON a bytea is two hexadecimal digits per byte after a "\x", and DMS does not
-- cut a character.
SELECT
    c.name,
    v.image ->> c.name <> '' AND starts_with($2::jsonb ->> c.name, v.image ->> c.name) AND CASE
        WHEN v.image ->> c.name LIKE '\\x%' THEN (octet_length(v.image ->> c.name) - 2) % 2048 = 0
        ELSE (octet_length(v.image ->> c.name) + 3) % 1024 <= 3
    END AS is_cut
FROM (
    SELECT ((CAST('{"sensor":null,"taken_at":null,"value":null,"place":null,"note":null}' AS jsonb) || l.new_row_data) || jsonb_build_object('value', trim_scale((l.new_row_data ->> 'value')::numeric))) AS image
    FROM "public"."readings_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended($1::jsonb, 0) AND l.row_key = $1::jsonb
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS v
CROSS JOIN LATERAL jsonb_object_keys(v.image || $2::jsonb) AS c (name)
WHERE (v.image -> c.name) IS DISTINCT FROM ($2::jsonb -> c.name)
ORDER BY c.name;

--> sql/verify/record_cut_value.sql | audit cluster | as the user of verify's address | for a value that DMS has cut | public.readings
-- Enters into the gap ledger, once, that DMS has cut column $2 of the row with key $1.
SELECT audit_trail.record_once(
    'public',
    'readings_staging',
    'lob truncated',
    NULL,
    NULL,
    jsonb_build_object('row_key', $1::jsonb, 'column', $2::text)
) AS found;

--> sql/verify/known_counts.sql | audit cluster | as the user of verify's address | each time | public.readings
-- What was counted of a table's log before. Of spans in which the table had another log, which was set aside, this one has no
-- row; the gap ledger says so too.
WITH aside AS (
    SELECT max(t.set_aside_at) AS at
    FROM audit_trail.audited_table AS t
    WHERE t.table_schema = 'public'
        AND t.former_name = 'readings'
        AND EXISTS (
            SELECT
            FROM audit_trail.gap AS g
            WHERE g.kind = 'not audited'
                AND (g.table_schema, g.table_name) = ('public', 'readings')
                AND g.detail -> 'before' = jsonb_build_object('schema', t.table_schema, 'table', t.table_name)
        )
)
SELECT
    c.count_id::text AS count_id,
    c.from_xid::text AS from_xid,
    c.below_xid::text AS below_xid,
    c.counted_at::text AS counted_at,
    (CASE WHEN c.counted_at < a.at THEN 0 ELSE c.log_rows END)::text AS log_rows,
    (CASE WHEN c.counted_at < a.at THEN 0 ELSE c.hash_sum END)::text AS hash_sum
FROM audit_trail.log_count AS c
CROSS JOIN aside AS a
WHERE c.table_schema = 'public' AND c.table_name = 'readings'
ORDER BY c.below_xid;

--> sql/verify/staging_columns.sql | audit cluster | as the user of verify's address | each time | public.readings
-- The columns of a staging table, or of a log; no row when there is no such table.
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('"public"."readings_audit_log"') AND a.attnum > 0 AND NOT a.attisdropped;

--> sql/verify/log_count.sql | audit cluster | as the user of verify's address | each time | public.readings
-- The log's rows by the counts that were made of it before, which end below the transactions $1 and were made at $2: bucket 0 is
-- what the first one counted. Behind the last one come the rows that can be counted now, because every transaction up
-- to the oldest one that runs has ended, and those that cannot. Rows that a count could not have had are in its total only.
-- first_change is the number of the first row that is no row of a full load; waits_since is when the first row was recorded,
-- where that was more than an hour ago. One hash for each row, made of all that it says
-- but the number of the transaction, by which it is in its bucket.
WITH horizon AS MATERIALIZED (
    SELECT
        CASE
            WHEN pg_snapshot_xmin(pg_current_snapshot()) > coalesce(h.last, '0') THEN pg_snapshot_xmin(pg_current_snapshot())
        END AS below_xid,
        -- After the snapshot: of a transaction that it sees as ended, every row was recorded before.
        clock_timestamp() AS counted_at
    FROM (SELECT ($1::xid8[])[cardinality($1::xid8[])] AS last) AS h
),
bounds AS MATERIALIZED (
    SELECT
        array_remove($1::xid8[] || h.below_xid, NULL) AS xids,
        $2::timestamptz[] || h.counted_at AS times
    FROM horizon AS h
),
hashed AS (
    SELECT
        width_bucket(l.applied_xid, b.xids) AS bucket,
        l.recorded_at,
        CASE WHEN l.operation <> 'B' THEN l.audit_id END AS change_id,
        hashtextextended(
            l.stream_position || l.change_seq || CASE WHEN l.remarks IS NULL THEN '' ELSE l.remarks::text END || coalesce(' ' || CAST(l."source_partition" AS text), ''),
            hashfloat8extended(
                date_part('epoch', l.commit_timestamp),
                hashfloat8extended(
                    date_part('epoch', l.recorded_at),
                    jsonb_hash_extended(
                        coalesce(l.new_row_data, 'null'),
                        jsonb_hash_extended(
                            coalesce(l.old_row_data, 'null'),
                            jsonb_hash_extended(
                                l.row_key,
                                hashint8extended(
                                    coalesce(l.transaction_id, 0), hashcharextended(l.operation::"char", l.audit_id)
                                )
                            )
                        )
                    )
                )
            )
        ) AS hash
    FROM "public"."readings_audit_log" AS l
    CROSS JOIN bounds AS b
    OFFSET 0
),
buckets AS (
    SELECT
        r.bucket,
        count(*) AS log_rows,
        count(*) FILTER (WHERE r.recorded_at <= b.times[r.bucket + 1]) AS counted_rows,
        sum(r.hash) FILTER (WHERE r.recorded_at <= b.times[r.bucket + 1]) AS hash_sum,
        min(r.change_id) AS first_change,
        min(r.recorded_at) AS first_recorded
    FROM hashed AS r
    CROSS JOIN bounds AS b
    GROUP BY r.bucket
)
SELECT
    h.below_xid::text AS below_xid,
    h.counted_at::text AS counted_at,
    b.bucket,
    coalesce(b.log_rows, 0)::text AS log_rows,
    coalesce(b.counted_rows, 0)::text AS counted_rows,
    coalesce(b.hash_sum, 0)::text AS hash_sum,
    b.first_change::text AS first_change,
    CASE
        WHEN b.first_recorded < h.counted_at - interval '1 hour' THEN date_trunc('second', b.first_recorded)::text
    END AS waits_since
FROM horizon AS h
LEFT JOIN buckets AS b ON true
ORDER BY b.bucket;

--> sql/verify/enter_count.sql | audit cluster | as the user of verify's address | for rows that are not counted yet | public.readings
-- Enters a count of a table's log.
SELECT audit_trail.enter_count(
    'public', 'readings', $1::xid8, $2::xid8, $3::timestamptz, $4::bigint, $5::numeric
);

--> sql/verify/log_statistics.sql | audit cluster | as the user of verify's address | each time | public.readings
-- How many rows of a log were deleted, in transactions that were rolled back too, as PostgreSQL counts them, and since when it
-- counts, where somebody has begun that anew.
-- https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT
    coalesce(sum(pg_stat_get_tuples_deleted(t.relid)), 0)::text AS deleted,
    (SELECT s.stats_reset::text FROM pg_catalog.pg_stat_database AS s WHERE s.datname = current_database()) AS since
FROM pg_partition_tree(to_regclass('"public"."readings_audit_log"')) AS t
WHERE t.isleaf;

--> sql/verify/log_chunk_end.sql | audit cluster | as the user of verify's address | for each range of log rows | public.readings
-- The hash of the key whose log rows end a chunk of $2 log rows behind hash $1; no row when fewer are left.
SELECT jsonb_hash_extended(l.row_key, 0)::text AS row_key
FROM "public"."readings_audit_log" AS l
WHERE ($1::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) > $1::bigint)
ORDER BY jsonb_hash_extended(l.row_key, 0)
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/log_chunk.sql | audit cluster | as the user of verify's address | for each range of log rows | public.readings
-- Whether the log rows of the keys whose hashes lie behind $1 and up to $2 fit each other, and each key's last one its staging row or its tombstone.
-- $3 is the number of the log's first change. One statement, so one snapshot: DMS writes staging, log and tombstone in one
-- transaction.
WITH reloads AS (
    SELECT
        max(g.recorded_at) FILTER (WHERE g.kind = 'reload') AS last,
        -- Whether DMS has loaded the table more than once, or may be about to: a reload under way has no gap yet.
        count(g.kind) > 0 OR EXISTS (
            SELECT
            FROM pg_catalog.pg_trigger AS t
            WHERE t.tgrelid = to_regclass('"public"."readings_staging"') AND t.tgname = 'make_room'
        ) AS is_reloaded
    FROM audit_trail.gap AS g
    WHERE g.kind IN ('reload', 'not audited', 'partition added', 'other table under this name') AND g.table_schema = 'public' AND g.table_name = 'readings'
),
-- The columns that a row may have, and those that every row has, because they neither came nor went.
shape AS (
    SELECT
        array_agg(c.name) || CAST(
            ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = to_regclass('"public"."readings_staging"'))
            AS text[]
        ) AS known,
        coalesce(array_agg(c.name) FILTER (WHERE c.present_from = '-infinity' AND c.gone_since IS NULL), '{}') AS steady
    FROM audit_trail.audited_column AS c
    WHERE c.table_schema = 'public' AND c.table_name = 'readings'
),
-- Older deletes may have lost their tombstones to audit_trail.maintain().
horizon AS (
    SELECT r.tombstones_from
    FROM audit_trail.audited_table AS r
    WHERE r.table_schema = 'public' AND r.table_name = 'readings'
),
-- Times at which a column came, went, or got another name or type: rows of before and after differ in it. As an array for
-- each column, because it is read for many rows.
turns AS (
    SELECT t.name, array_agg(t.at) AS at
    FROM (
        SELECT c.name, unnest(ARRAY[c.present_from, c.gone_since]) AS at
        FROM audit_trail.audited_column AS c
        WHERE c.table_schema = 'public' AND c.table_name = 'readings'
    ) AS t
    WHERE t.at > '-infinity'
    GROUP BY t.name
),
-- Columns that the source has dropped: staging keeps them, newer rows of the log are without them.
former AS (
    SELECT f.name
    FROM audit_trail.former_column AS f
    WHERE f.table_schema = 'public' AND f.table_name = 'readings'
),
ordered AS (
    SELECT
        l.*,
        lag(l.operation) OVER w AS previous_operation,
        lag(l.new_row_data) OVER w AS previous_row,
        lag(l.commit_timestamp) OVER w AS previous_commit,
        lag(l.stream_position) OVER w AS previous_position,
        lag(l.remarks) OVER w AS previous_remarks,
        lag(l.change_seq) OVER w AS previous_seq,
        lag(l.recorded_at) OVER w AS previous_recorded,
        lead(l.audit_id) OVER w IS NULL AS is_last,
        -- For the key's last row: the partition of the source that all its log rows name, if that is one. NULL where they name
        -- several, one of them none, or the table has no partitions.
        CASE WHEN count(l.source_partition) OVER w = count(*) OVER w AND min(l.source_partition) OVER w = max(l.source_partition) OVER w THEN l.source_partition END AS only_partition
    FROM "public"."readings_audit_log" AS l
    WHERE ($1::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) > $1::bigint)
        AND ($2::bigint IS NULL OR jsonb_hash_extended(l.row_key, 0) <= $2::bigint)
    WINDOW w AS (PARTITION BY l.row_key ORDER BY l.audit_id)
),
-- Each key's last row with its staging row, which is read by its key from a plain table. Of a table with partitions it is joined as
-- a whole, in the one partition that the log names for it or in all of them: a look into hundreds of partitions for each row takes
-- minutes. A row in a partition that the key's log does not name is found by staging_without_log.sql. OFFSET 0, here and below:
-- what it computes is computed once for each row.
found AS (
    SELECT
        o.*,
        CASE WHEN t.tableoid IS NULL THEN s.row ELSE to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq', 'audit_trail_partition'] END AS staging_row,
        coalesce(s.commit_timestamp, t.audit_trail_commit_timestamp) AS staging_commit,
        coalesce(s.stream_position, t.audit_trail_stream_position) AS staging_position,
        coalesce(s.change_seq, t.audit_trail_change_seq) AS staging_seq
    FROM ordered AS o
    LEFT JOIN LATERAL (
        SELECT
            to_jsonb(t.*) - ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq', 'audit_trail_partition'] AS row,
            t.audit_trail_commit_timestamp AS commit_timestamp,
            t.audit_trail_stream_position AS stream_position,
            t.audit_trail_change_seq AS change_seq
        FROM "public"."readings_staging" AS t
        WHERE NOT true AND o.is_last AND t."sensor" = CAST(o.row_key ->> 'sensor' AS integer) AND t."taken_at" = CAST(o.row_key ->> 'taken_at' AS timestamp with time zone)
        OFFSET 0
    ) AS s ON true
    LEFT JOIN "public"."readings_staging" AS t
        ON true AND o.is_last AND (o.only_partition IS NULL OR t."audit_trail_partition" = o.only_partition) AND t."sensor" = CAST(o.row_key ->> 'sensor' AS integer) AND t."taken_at" = CAST(o.row_key ->> 'taken_at' AS timestamp with time zone)
    OFFSET 0
),
judged AS (
    SELECT
        o.row_key,
        o.audit_id,
        o.stream_position,
        CASE
            WHEN o.operation NOT IN ('B', 'I', 'U', 'D')
                OR o.operation IN ('B', 'I') AND o.old_row_data IS NOT NULL
                OR (o.operation = 'D') <> (o.new_row_data IS NULL)
                -- A delete of a row that staging did not have has none.
                OR NOT coalesce(o.new_row_data, o.old_row_data, o.row_key) @> o.row_key
                OR NOT o.new_row_data ?& h.steady
                OR NOT o.old_row_data ?& h.steady
                OR o.new_row_data - h.known <> '{}'
                OR o.old_row_data - h.known <> '{}'
                OR o.operation = 'B' AND (o.stream_position, o.change_seq) <> ('', '')
                OR CASE
                    WHEN o.operation = 'B' THEN o.transaction_id IS NOT NULL
                    WHEN o.transaction_id IS NULL THEN
                        NOT coalesce(o.remarks && '{brought back,vanished in reload,partition left}', false)
                        AND NOT EXISTS (
                            SELECT
                            FROM audit_trail.gap AS g
                            WHERE g.kind = 'commit timestamp missing'
                                AND g.table_schema = 'public'
                                AND g.table_name = 'readings'
                                AND g.detail -> 'row_key' = o.row_key
                                AND g.detail ->> 'stream_position' = o.stream_position
                        )
                    ELSE o.transaction_id <> audit_trail.microseconds(o.commit_timestamp)
                END
                THEN 'malformed log row'
            WHEN o.change_seq <> ''
                AND o.change_seq = o.previous_seq
                AND o.stream_position = o.previous_position
                AND NOT coalesce('completes large column' = ANY (o.remarks), false)
                THEN 'change logged twice'
            -- The full load comes before every change; only another one brings a row after them.
            WHEN o.operation = 'B' THEN
                CASE
                    WHEN NOT loads.is_reloaded
                        AND (
                            o.audit_id > $3::bigint
                            OR o.previous_operation <> 'B'
                            -- A large value that the load writes by a second step, in a transaction of its own.
                            OR o.previous_operation = 'B' AND o.commit_timestamp <> o.previous_commit
                        )
                        THEN 'baseline without a load'
                END
            -- The full load has read the row that this change made, or a later one, or had not yet read it: the row says so.
            WHEN 'overlaps baseline' = ANY (o.remarks)
                AND (
                    o.previous_operation = 'B'
                    AND o.operation = 'I'
                    AND (o.commit_timestamp <= o.previous_commit + interval '1 second' OR loads.is_reloaded)
                    OR o.previous_operation IS NOT NULL AND o.old_row_data IS NULL AND loads.is_reloaded
                )
                THEN NULL
            WHEN o.operation = 'I' AND o.previous_operation <> 'D' THEN 'insert over existing row'
            WHEN o.operation <> 'I' AND o.previous_operation IS NULL THEN 'no start'
            WHEN o.operation <> 'I' AND o.previous_operation = 'D' THEN 'change of a deleted row'
            WHEN o.operation <> 'I' AND o.previous_row IS DISTINCT FROM o.old_row_data
                AND (
                    o.old_row_data IS NULL
                    OR EXISTS (
                        SELECT
                        FROM jsonb_object_keys(o.previous_row || o.old_row_data) AS c (name)
                        WHERE (o.previous_row -> c.name) IS DISTINCT FROM (o.old_row_data -> c.name)
                            AND NOT EXISTS (
                                SELECT
                                FROM turns AS r
                                CROSS JOIN unnest(r.at) AS x (at)
                                WHERE r.name = c.name
                                    AND x.at > least(o.previous_recorded, o.previous_commit)
                                    AND x.at <= o.recorded_at
                            )
                    )
                )
                THEN 'broken chain'
            -- The position tells what came first; where it says that this one did not, the source's clock was set back. A
            -- change that was captured during the full load is older than the row's baseline.
            WHEN o.previous_operation <> 'B' AND o.commit_timestamp < o.previous_commit THEN
                CASE
                    WHEN audit_trail.lsn_of(o.stream_position) > audit_trail.lsn_of(o.previous_position)
                        THEN 'commit clock stepped back'
                    ELSE 'commit time goes back'
                END
            WHEN o.stream_position <> ''
                AND o.stream_position = o.previous_position
                AND length(o.change_seq) = length(o.previous_seq)
                AND o.change_seq COLLATE "C" < o.previous_seq COLLATE "C"
                THEN 'sequence goes back'
        END AS chain,
        CASE
            WHEN NOT o.is_last THEN NULL
            WHEN o.operation = 'D' THEN
                CASE
                    WHEN o.staging_row IS NOT NULL THEN 'deleted but in staging'
                    WHEN o.recorded_at >= (SELECT h.tombstones_from FROM horizon AS h)
                        AND NOT EXISTS (SELECT FROM audit_trail."public_readings_tombstone" AS t WHERE t.row_key = o.row_key)
                        THEN 'deleted without tombstone'
                END
            WHEN o.staging_row IS NULL THEN
                -- The reload's gap covers rows that vanished in it.
                CASE WHEN o.recorded_at < loads.last THEN NULL ELSE 'not in staging' END
            WHEN o.new_row_data <> o.staging_row
                AND EXISTS (
                    SELECT
                    FROM jsonb_object_keys(o.new_row_data || o.staging_row) AS c (name)
                    WHERE (o.new_row_data -> c.name) IS DISTINCT FROM (o.staging_row -> c.name)
                        AND NOT EXISTS (
                            SELECT
                            FROM turns AS r
                            CROSS JOIN unnest(r.at) AS x (at)
                            WHERE r.name = c.name AND x.at > least(o.recorded_at, o.commit_timestamp)
                        )
                        AND NOT EXISTS (SELECT FROM former AS f WHERE f.name = c.name)
                )
                THEN 'log and staging differ'
            WHEN o.staging_seq <> o.change_seq
                OR o.staging_commit AT TIME ZONE 'UTC' <> o.commit_timestamp
                -- Staging keeps the greatest position of the key, which may be that of an earlier change.
                OR o.staging_position <> o.stream_position
                    AND NOT EXISTS (
                        SELECT
                        FROM "public"."readings_audit_log" AS x
                        WHERE jsonb_hash_extended(x.row_key, 0) = jsonb_hash_extended(o.row_key, 0)
                            AND x.row_key = o.row_key
                            AND x.stream_position = o.staging_position
                    )
                THEN 'log and staging have other headers'
        END AS ending
    FROM found AS o
    CROSS JOIN reloads AS loads
    CROSS JOIN shape AS h
    OFFSET 0
),
problems AS (
    SELECT j.audit_id, j.row_key, p.kind
    FROM judged AS j
    CROSS JOIN LATERAL (VALUES (j.chain), (j.ending)) AS p (kind)
    WHERE p.kind IS NOT NULL
        -- The trigger has recorded these itself; the gap is what is reported.
        AND NOT (
            p.kind IN ('insert over existing row', 'no start', 'change of a deleted row', 'broken chain')
            AND EXISTS (
                SELECT
                FROM audit_trail.gap AS g
                WHERE g.table_schema = 'public'
                    AND g.table_name = 'readings'
                    AND g.detail -> 'row_key' = j.row_key
                    AND g.detail ->> 'stream_position' = j.stream_position
            )
        )
)
SELECT p.row_key::text AS row_key, p.kind, p.audit_id::text AS audit_id
FROM problems AS p
ORDER BY p.audit_id;

--> sql/verify/source_rows.sql | audit cluster | as the user of verify's address | for a staging row that differs | public.readings
-- The source's rows of the keys in the JSON array $1, in its order; null where there is none. Beside their JSON, what that
-- does not tell.
SELECT hashtextextended(r.image::text, 0)::text AS hash, r.image::text AS image, r.told
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS k (row_key, at)
LEFT JOIN LATERAL (
    SELECT to_jsonb(t.*) AS image, CAST(ARRAY[] AS text[]) AS told
    FROM "public"."readings_staging" AS t
    WHERE t."sensor" = CAST(k.row_key ->> 'sensor' AS integer) AND t."taken_at" = CAST(k.row_key ->> 'taken_at' AS timestamp with time zone)
    -- An infinite time and what DMS makes of it are the same key in the log.
    LIMIT 1
) AS r ON true
ORDER BY k.at;

--> sql/verify/chunk_end.sql | audit cluster | as the user of verify's address | for each range of keys | public.readings
-- The key that ends a chunk of $2 rows behind key $1; no row when fewer are left.
SELECT (jsonb_build_object('sensor', t."sensor", 'taken_at', t."taken_at"))::text AS row_key
FROM "public"."readings_staging" AS t
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone)))
ORDER BY t."sensor", t."taken_at"
OFFSET $2::bigint - 1
LIMIT 1;

--> sql/verify/staging_without_log.sql | audit cluster | as the user of verify's address | for each range of keys | public.readings
-- Staging rows of a range of keys that the log does not know, in their partition of the source. The commit time leads to one
-- partition of the log.
SELECT (jsonb_build_object('sensor', t."sensor", 'taken_at', t."taken_at"))::text AS row_key
FROM "public"."readings_staging" AS t
LEFT JOIN LATERAL (
    SELECT true AS found
    FROM "public"."readings_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(jsonb_build_object('sensor', t."sensor", 'taken_at', t."taken_at"), 0)
        AND l.row_key = jsonb_build_object('sensor', t."sensor", 'taken_at', t."taken_at")
        AND l.commit_timestamp = t.audit_trail_commit_timestamp AT TIME ZONE 'UTC'
        AND l.source_partition = t."audit_trail_partition"
    LIMIT 1
) AS logged ON true
WHERE ($1::jsonb IS NULL OR (t."sensor", t."taken_at") > (CAST($1::jsonb ->> 'sensor' AS integer), CAST($1::jsonb ->> 'taken_at' AS timestamp with time zone))) AND ($2::jsonb IS NULL OR (t."sensor", t."taken_at") <= (CAST($2::jsonb ->> 'sensor' AS integer), CAST($2::jsonb ->> 'taken_at' AS timestamp with time zone)))
    AND logged.found IS NULL;

--> sql/verify/keys_without_log.sql | audit cluster | as the user of verify's address | for keys without a log row | public.readings
-- Those of the keys in the JSON array $1 that are in staging and have no log row of any time, or none that names the partition
-- of the source that staging has the key in. A log row that names none may be of any.
SELECT
    k.row_key::text AS row_key,
    CASE
        WHEN EXISTS (
            SELECT
            FROM "public"."readings_audit_log" AS l
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0) AND l.row_key = k.row_key
        )
            THEN 'in staging under a partition that the log does not name'
        ELSE 'in staging but not in the log'
    END AS kind
FROM jsonb_array_elements($1::jsonb) AS k (row_key)
WHERE EXISTS (
    SELECT
    FROM "public"."readings_staging" AS t
    WHERE t."sensor" = CAST(k.row_key ->> 'sensor' AS integer) AND t."taken_at" = CAST(k.row_key ->> 'taken_at' AS timestamp with time zone)
        AND NOT EXISTS (
            SELECT
            FROM "public"."readings_audit_log" AS l
            WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(k.row_key, 0)
                AND l.row_key = k.row_key
                AND (l.source_partition = t."audit_trail_partition" OR l.source_partition IS NULL)
        )
);

--> sql/verify/tombstones.sql | audit cluster | as the user of verify's address | each time | public.readings
-- Tombstones whose key's last log row is no delete.
SELECT
    t.row_key::text AS row_key,
    CASE t.kind
        WHEN 'removed' THEN 'removed without a delete'
        WHEN 'emptied' THEN 'vanished in a reload that has not ended'
        ELSE 'tombstone without delete'
    END AS kind
FROM audit_trail."public_readings_tombstone" AS t
LEFT JOIN LATERAL (
    SELECT l.operation
    FROM "public"."readings_audit_log" AS l
    WHERE jsonb_hash_extended(l.row_key, 0) = jsonb_hash_extended(t.row_key, 0) AND l.row_key = t.row_key
    ORDER BY l.audit_id DESC
    LIMIT 1
) AS last ON true
WHERE last.operation IS DISTINCT FROM 'D'
ORDER BY t.row_key
LIMIT $1::integer;

--> sql/verify/source_guards.sql | source cluster | as the user of verify's address | each time | public.readings
-- The guards of one source table; on a partitioned one they have to be on each partition as well.
WITH leaves AS (
    SELECT t.relid AS oid
    FROM pg_catalog.pg_partition_tree(to_regclass('"public"."readings"')) AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass('"public"."readings"')
    WHERE t.isleaf AND c.relkind = 'p'
)
SELECT
    t.tgname AS name,
    t.tgenabled = 'A' AS always,
    t.tgname = 'audit_trail_' || f.proname AND f.pronamespace = to_regnamespace('audit_trail') AS own_function,
    -- One without a condition calls its function for every row.
    t.tgqual IS NULL OR pg_get_triggerdef(t.oid) LIKE '%record\_image\_ne(%' AS compares_bytes,
    -- The triggers that can change a row before it is written (tgtype: 1 row, 2 before, 16 update) and so the key in an UPDATE
    -- that does not name it, to a guard that looks only at those that do.
    (
        SELECT coalesce(jsonb_agg(o.tgname ORDER BY o.tgname), '[]')
        FROM pg_catalog.pg_trigger AS o
        WHERE (o.tgrelid = t.tgrelid OR o.tgparentid = 0 AND o.tgrelid IN (SELECT l.oid FROM leaves AS l))
            AND o.tgtype::integer & 19 = 19
            AND t.tgattr::text <> ''
    ) AS blind_to,
    (
        SELECT coalesce(jsonb_agg(l.oid::regclass::text ORDER BY l.oid), '[]')
        FROM leaves AS l
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_trigger AS g
            WHERE g.tgrelid = l.oid AND g.tgname = t.tgname AND g.tgfoid = t.tgfoid AND g.tgenabled = 'A'
        )
    ) AS missing_on
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
WHERE t.tgrelid = to_regclass('"public"."readings"') AND t.tgname LIKE 'audit\_trail\_%';

--> sql/verify/registered_partitions.sql | audit cluster | as the user of verify's address | each time | public.readings
-- The partitions of one table that the last deployment knew.
SELECT p.partition_schema AS schema, p.partition_name AS "table"
FROM audit_trail.audited_partition AS p
WHERE p.table_schema = 'public' AND p.table_name = 'readings' AND p.left_at IS NULL
ORDER BY p.partition_schema, p.partition_name;

--> sql/verify/columns_after_connect.sql | audit cluster | as the user of verify's address | each time | public.readings
-- Columns that a deployment added to one staging table after the session of DMS that applies its changes had begun: DMS
-- learns a table's columns when its task starts. Nothing while that session cannot be seen.
SELECT DISTINCT a.column_name AS name
FROM audit_trail.gap AS g
CROSS JOIN LATERAL jsonb_each_text(g.detail -> 'after') AS a (column_name, column_type)
WHERE g.kind = 'shape change'
    AND g.table_schema = 'public'
    AND g.table_name = 'readings'
    AND NOT g.detail ? 'added_by'
    AND g.detail -> 'before' ->> a.column_name IS DISTINCT FROM a.column_type
    AND g.to_timestamp > (
        SELECT s.backend_start
        FROM audit_trail.apply_session AS known
        JOIN pg_catalog.pg_stat_activity AS s
            ON concat_ws(' of ', s.pid, pg_catalog.pg_postmaster_start_time()) = known.session
        WHERE known.table_group = (
            SELECT coalesce(t.table_group, 'default')
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = ('public', 'readings')
        )
    )
ORDER BY name;

--> sql/verify/log_trigger_arguments.sql | audit cluster | as the user of verify's address | each time | public.readings
-- With which arguments a log's trigger must have been made.
SELECT audit_trail.log_trigger_arguments('public', 'readings') AS log_arguments;

--> sql/verify/registry.sql | audit cluster | as the user of verify's address | each time | public.readings
-- What the registry says of one table and nobody has entered there: by it, rows would be excused that differ.
WITH entry AS (
    SELECT
        t.*,
        t.staging AS staging_table,
        (
            SELECT c.oid
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relname = 'readings_audit_log'
        ) AS log
    FROM audit_trail.audited_table AS t
    WHERE t.table_schema = 'public' AND t.table_name = 'readings'
),
columns AS (
    SELECT c.* FROM audit_trail.audited_column AS c WHERE c.table_schema = 'public' AND c.table_name = 'readings'
),
-- The months that the log has a partition of, from the bounds that the catalog has.
months AS (
    SELECT
        CAST(
            substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']+)''\)') AS timestamptz
        ) AS month
    FROM entry AS e
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = e.log
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
)
SELECT 'the registry has no such table' AS finding
WHERE NOT EXISTS (SELECT FROM entry)
UNION ALL
SELECT 'the registry names another staging table, log or table of tombstones'
FROM entry AS e
WHERE (e.staging_table, e.audit_log, e.tombstone) <> ('readings_staging', 'readings_audit_log', 'public_readings_tombstone')
UNION ALL
SELECT format('the registry says that column %I came or went at %s, and no gap does', c.name, x.at)
FROM columns AS c
CROSS JOIN LATERAL (VALUES (c.present_from), (c.gone_since)) AS x (at)
WHERE x.at > '-infinity'
    -- One that was left out from its first day on changes nothing, and excuses nothing.
    AND NOT (
        c.excluded_because IS NOT NULL
        AND c.present_from = c.gone_since
        AND NOT EXISTS (
            SELECT FROM columns AS o WHERE o.name = c.name AND (o.gone_since IS NULL OR o.present_from < o.gone_since)
        )
    )
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.gap AS g
        WHERE g.kind = 'shape change'
            AND g.table_schema = 'public'
            AND g.table_name = 'readings'
            AND g.to_timestamp = x.at
    )
UNION ALL
SELECT format('the registry does not know column %I of staging', a.attname)
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass('"public"."readings_staging"')
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attname <> ALL (CAST(ARRAY['audit_trail_operation', 'audit_trail_commit_timestamp', 'audit_trail_stream_position', 'audit_trail_change_seq', 'audit_trail_partition'] AS text[]))
    AND NOT EXISTS (SELECT FROM columns AS c WHERE c.name = a.attname)
UNION ALL
-- audit_trail.maintain() keeps those of a day at least.
SELECT format('the registry says that tombstones were forgotten up to %s', e.tombstones_from)
FROM entry AS e
WHERE e.tombstones_from > clock_timestamp() - interval '1 day'
UNION ALL
-- A deployment makes those of the month before and of two years ahead. A month of which rows stand in the default partition
-- gets none.
SELECT format('the log has no partition of %s, and had one', to_char(m.month, 'YYYY-MM'))
FROM entry AS e
CROSS JOIN LATERAL (
    SELECT generate_series(
        least(
            (SELECT min(k.month) FROM months AS k),
            date_trunc('month', e.registered_at, 'UTC') - interval '1 month'
        ),
        greatest((SELECT max(k.month) FROM months AS k), date_trunc('month', e.registered_at, 'UTC') + interval '23 months'),
        '1 month'
    ) AS month
) AS m
WHERE e.log IS NOT NULL
    AND NOT EXISTS (SELECT FROM months AS k WHERE k.month = m.month)
    AND NOT EXISTS (
        SELECT
        FROM "public"."readings_audit_log_default" AS d
        WHERE d.commit_timestamp >= m.month AND d.commit_timestamp < m.month + interval '1 month'
    );

--> sql/verify/unlogged_changes.sql | audit cluster | as the user of verify's address | each time | public.readings
-- Changes of one table that reached staging and that its trigger could not log, and that are not in it by now: that one was
-- brought back is true where the log has its row.
SELECT count(*)::text AS count, max(u.message) AS message
FROM audit_trail.unlogged_change AS u
WHERE u.table_schema = 'public' AND u.table_name = 'readings'
    AND NOT EXISTS (
        SELECT
        FROM audit_trail.brought_back AS b
        JOIN "public"."readings_audit_log" AS l
            ON l.commit_timestamp = coalesce(u.commit_timestamp, u.recorded_at) AND l.audit_id = u.audit_id
        WHERE b.unlogged_id = u.unlogged_id
    )
    AND u.recorded_at >= coalesce($1::timestamptz, '-infinity');

--> sql/verify/gaps.sql | audit cluster | as the user of verify's address | each time | public.readings
-- The gaps that touch one table, by kind. One that was recorded before $1 counts no more, whenever its cause was; nor
-- does one that somebody has acknowledged.
SELECT
    g.kind,
    count(*)::text AS count,
    (count(*) FILTER (WHERE a.gap_id IS NOT NULL))::text AS acknowledged,
    (
        count(*) FILTER (WHERE a.gap_id IS NULL AND g.recorded_at >= coalesce($1::timestamptz, '-infinity'))
    )::text AS open,
    to_char(max(g.recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last,
    coalesce(
        (array_agg(g.gap_id::text ORDER BY g.gap_id DESC) FILTER (
            WHERE a.gap_id IS NULL AND g.recorded_at >= coalesce($1::timestamptz, '-infinity')
        ))[1:5],
        '{}'
    ) AS open_ids,
    -- A kind that nobody knows may hide anything.
    coalesce(k.hides_changes, true) AS hides_changes
FROM audit_trail.gap AS g
LEFT JOIN audit_trail.gap_kind AS k ON k.kind = g.kind
LEFT JOIN (
    SELECT DISTINCT k.gap_id FROM audit_trail.acknowledgement AS k WHERE k.gap_id IS NOT NULL
) AS a ON a.gap_id = g.gap_id
WHERE g.table_name IS NULL OR (g.table_schema = 'public' AND g.table_name = 'readings')
GROUP BY g.kind, k.hides_changes
ORDER BY g.kind;
