-- The partitions of audited tables. DMS writes each partition of the source into a staging table of its own; these are the
-- partitions of the table's staging, by the name of the source's partition, and have one log, one registry entry and one
-- set of tombstones: a primary key of a partitioned table is unique in all of it.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.audited_partition (
    partition_schema text NOT NULL,
    partition_name text NOT NULL,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- Its value in staging's audit_trail_partition and in the log's source_partition.
    label text NOT NULL,
    -- In the schema of the partition.
    staging text NOT NULL,
    -- The partition's pg_class.oid at the source. A table of the same name with another oid is another table.
    source_oid text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When a deployment found that the source has dropped or detached it. The row goes once DMS's mapping is without it.
    left_at timestamptz,
    PRIMARY KEY (partition_schema, partition_name),
    FOREIGN KEY (table_schema, table_name) REFERENCES audit_trail.audited_table
);
COMMENT ON TABLE audit_trail.audited_partition IS 'The partitions of audited tables that are partitioned, at whatever depth.';

-- The trail that a staging table belongs to, by itself or as the staging of a partition; no row for any other table.
CREATE OR REPLACE FUNCTION audit_trail.trail_of_staging(staging_schema text, staging_table text)
RETURNS SETOF audit_trail.audited_table
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN QUERY
        SELECT t.*
        FROM audit_trail.audited_table AS t
        WHERE (t.table_schema, t.staging) = (staging_schema, staging_table)
            OR EXISTS (
                SELECT
                FROM audit_trail.audited_partition AS p
                WHERE (p.partition_schema, p.staging) = (staging_schema, staging_table)
                    AND (p.table_schema, p.table_name) = (t.table_schema, t.table_name)
            );
END
$function$;

-- Enters the partitions that the source has now, and marks those that are gone. A partition that came or went since the table
-- was registered is a gap. present is an array of arrays: schema, name, label, staging and oid of a partition.
CREATE OR REPLACE FUNCTION audit_trail.register_partitions(source_schema text, source_table text, present jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    this_time CONSTANT timestamptz := clock_timestamp();
    seen_at CONSTANT timestamptz := (SELECT max(o.observed_at) FROM audit_trail.slot_observation AS o);
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    told record;
BEGIN
    FOR told IN
        WITH wanted AS (
            SELECT
                e.part ->> 0 AS partition_schema,
                e.part ->> 1 AS partition_name,
                e.part ->> 2 AS label,
                e.part ->> 3 AS staging,
                e.part ->> 4 AS source_oid
            FROM jsonb_array_elements(present) AS e (part)
        ),
        known AS (
            SELECT p.*
            FROM audit_trail.audited_partition AS p
            WHERE (p.table_schema, p.table_name) = (source_schema, source_table) AND p.left_at IS NULL
        ),
        gone AS (
            UPDATE audit_trail.audited_partition AS p
                SET left_at = this_time
                FROM known AS k
                WHERE (p.partition_schema, p.partition_name) = (k.partition_schema, k.partition_name)
                    AND NOT EXISTS (
                        SELECT
                        FROM wanted AS w
                        WHERE (w.partition_schema, w.partition_name) = (k.partition_schema, k.partition_name)
                    )
                RETURNING p.label
        ),
        come AS (
            INSERT INTO audit_trail.audited_partition AS p (
                partition_schema, partition_name, table_schema, table_name, label, staging, source_oid
            )
            SELECT w.partition_schema, w.partition_name, source_schema, source_table, w.label, w.staging, w.source_oid
            FROM wanted AS w
            WHERE NOT EXISTS (
                SELECT
                FROM known AS k
                WHERE (k.partition_schema, k.partition_name, k.source_oid)
                    = (w.partition_schema, w.partition_name, w.source_oid)
            )
            ON CONFLICT (partition_schema, partition_name) DO UPDATE
                SET source_oid = excluded.source_oid, left_at = NULL
                WHERE (p.table_schema, p.table_name) = (excluded.table_schema, excluded.table_name)
            RETURNING p.label, p.partition_schema, p.partition_name
        )
        SELECT
            CASE WHEN k.label IS NULL THEN 'partition added' ELSE 'other table under this name' END AS kind,
            jsonb_agg(c.label ORDER BY c.label) AS partitions
        FROM come AS c
        LEFT JOIN known AS k ON (k.partition_schema, k.partition_name) = (c.partition_schema, c.partition_name)
        GROUP BY 1
        UNION ALL
        SELECT 'partition left', jsonb_agg(g.label ORDER BY g.label) FROM gone AS g HAVING count(*) > 0
    LOOP
        -- The partitions of a table that was registered in this transaction are no news.
        IF audited.registered_at < now() THEN
            INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
                VALUES (
                    source_schema, source_table, told.kind, seen_at, this_time,
                    jsonb_build_object('partitions', told.partitions)
                );
        END IF;
    END LOOP;
END
$function$;

-- Makes the staging tables that a table's partitions lack, up to a number of them. DMS finds rows by the source's key,
-- which each of them has. Row triggers of the table's staging reach them when they are attached, statement triggers do not.
CREATE OR REPLACE FUNCTION audit_trail.make_partition_staging(source_schema text, source_table text, at_most integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    audited CONSTANT audit_trail.audited_table := audit_trail.trail_of(source_schema, source_table);
    parent CONSTANT regclass := format('%I.%I', audited.table_schema, audited.staging)::regclass;
    key_columns CONSTANT text := (SELECT string_agg(quote_ident(k), ', ') FROM unnest(audited.primary_key) AS k);
    made integer := 0;
    wanted record;
BEGIN
    FOR wanted IN
        SELECT
            p.label,
            p.partition_schema,
            p.staging AS staging_name,
            format('%I.%I', p.partition_schema, p.staging) AS staging,
            to_regclass(format('%I.%I', p.partition_schema, p.staging)) AS present
        FROM audit_trail.audited_partition AS p
        WHERE (p.table_schema, p.table_name) = (source_schema, source_table) AND p.left_at IS NULL
        ORDER BY p.partition_schema, p.partition_name
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_inherits AS i WHERE (i.inhrelid, i.inhparent) = (wanted.present, parent)
        );
        IF wanted.present IS NOT NULL THEN
            RAISE EXCEPTION '% is there already and no part of the staging of %.%.',
                wanted.present, source_schema, source_table
                USING HINT = CASE
                    WHEN EXISTS (
                        SELECT FROM audit_trail.trail_of_staging(wanted.partition_schema, wanted.staging_name)
                    )
                        THEN audit_trail.begin_anew(wanted.present)
                    ELSE 'Rename that table: nothing of the trail is in it.'
                END;
        END IF;
        EXIT WHEN made = at_most;
        made := made + 1;
        EXECUTE format('CREATE TABLE %s (LIKE %s, PRIMARY KEY (%s))', wanted.staging, parent, key_columns);
        EXECUTE format(
            'ALTER TABLE %s ALTER COLUMN audit_trail_partition SET DEFAULT %L', wanted.staging, wanted.label
        );
        PERFORM audit_trail.put_trigger(
            wanted.staging::regclass,
            'log_reload',
            '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload()'
        );
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO audit_trail_dms_target', wanted.staging
        );
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES IN (%L)', parent, wanted.staging, wanted.label);
    END LOOP;
END
$function$;

-- Closes the rows of partitions that a deployment found gone, and drops their staging tables. It runs after DMS's mapping has
-- changed. A row that another partition has by now goes on there. The table's staging is locked meanwhile, so that no row
-- comes while it is looked for.
CREATE OR REPLACE FUNCTION audit_trail.close_partitions() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET lc_monetary = 'C'
AS $function$
DECLARE
    gone audit_trail.audited_partition;
    audited audit_trail.audited_table;
    parent text;
    staging text;
BEGIN
    FOR gone IN SELECT * FROM audit_trail.audited_partition AS p WHERE p.left_at IS NOT NULL ORDER BY p.label LOOP
        audited := audit_trail.trail_of(gone.table_schema, gone.table_name);
        parent := format('%I.%I', audited.table_schema, audited.staging);
        staging := format('%I.%I', gone.partition_schema, gone.staging);
        IF to_regclass(staging) IS NOT NULL THEN
            EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', parent);
            EXECUTE format(
                'WITH closed AS (
                    INSERT INTO %1$I.%2$I AS l (
                        operation, row_key, old_row_data, commit_timestamp, stream_position, change_seq, remarks,
                        source_partition
                    )
                    SELECT ''D'', k.row_key, audit_trail.row_image(CAST(s.* AS text), $1, $2, $3),
                        greatest($3, s.audit_trail_commit_timestamp AT TIME ZONE ''UTC''), '''', '''',
                        ARRAY[''partition left''], $4
                    FROM %3$s AS s
                    CROSS JOIN LATERAL (SELECT %4$s AS row_key) AS k
                    WHERE NOT EXISTS (
                        SELECT FROM %5$s AS o
                        WHERE (%6$s) = (%7$s) AND o.audit_trail_partition <> $4
                    )
                    RETURNING l.row_key
                )
                INSERT INTO audit_trail.%8$I AS t (row_key, stream_position, kind)
                SELECT k.row_key, coalesce(s.audit_trail_stream_position, ''''), ''deleted''
                FROM %3$s AS s
                CROSS JOIN LATERAL (SELECT %4$s AS row_key) AS k
                JOIN closed AS c ON c.row_key = k.row_key
                ON CONFLICT (row_key) DO UPDATE SET kind = excluded.kind',
                audited.table_schema,
                audited.audit_log,
                staging,
                audit_trail.key_expression(audited.primary_key),
                parent,
                (SELECT string_agg(format('o.%I', k), ', ') FROM unnest(audited.primary_key) AS k),
                (SELECT string_agg(format('s.%I', k), ', ') FROM unnest(audited.primary_key) AS k),
                audited.tombstone
            ) USING gone.table_schema, gone.table_name, clock_timestamp(), gone.label;
            EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, staging);
            EXECUTE format('DROP TABLE %s', staging);
        END IF;
        DELETE FROM audit_trail.audited_partition AS p
            WHERE (p.partition_schema, p.partition_name) = (gone.partition_schema, gone.partition_name);
    END LOOP;
END
$function$;

-- The remarks of a change of a partitioned table. A row that an UPDATE moves to another partition is in the WAL as a delete
-- in the one and, right after it, an insert in the other, of a key that goes on where it is not the partition's column.
CREATE OR REPLACE FUNCTION audit_trail.remark_move(
    remarks text[],
    operation text,
    staging oid,
    row_key jsonb,
    commit_microseconds bigint
) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    deleted CONSTANT jsonb := nullif(current_setting('audit_trail.last_delete', true), '')::jsonb;
BEGIN
    IF operation = 'D' THEN
        PERFORM set_config(
            'audit_trail.last_delete', jsonb_build_array(commit_microseconds, staging, row_key)::text, false
        );
    ELSIF deleted IS NOT NULL THEN
        PERFORM set_config('audit_trail.last_delete', '', false);
        IF operation = 'I'
            AND deleted ->> 0 = commit_microseconds::text
            AND deleted ->> 1 <> staging::text
            AND EXISTS (SELECT FROM jsonb_each(row_key) AS k WHERE deleted -> 2 -> k.key = k.value)
        THEN
            RETURN array_append(remarks, 'moved from another partition');
        END IF;
    END IF;
    RETURN remarks;
END
$function$;

RESET ROLE;
