-- A new log under a name that had one: for a table that got another key, became partitioned, or is no longer partitioned.
SET LOCAL ROLE audit_trail_owner;

-- A name and a suffix as an identifier that PostgreSQL keeps whole, made as the program makes its own.
CREATE OR REPLACE FUNCTION audit_trail.fit_identifier(base text, suffix text) RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    cut text := base;
    ending CONSTANT text := '_' || left(encode(sha256(convert_to(base, 'UTF8')), 'hex'), 8) || suffix;
BEGIN
    IF octet_length(base || suffix) <= 63 THEN
        RETURN base || suffix;
    END IF;
    WHILE cut <> '' AND octet_length(cut || ending) > 63 LOOP
        cut := left(cut, -1);
    END LOOP;
    RETURN cut || ending;
END
$function$;

-- The trail that a change was recorded for at a given time: it may have been set aside since.
CREATE OR REPLACE FUNCTION audit_trail.trail_at(source_schema text, source_table text, at timestamptz)
RETURNS audit_trail.audited_table
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aside audit_trail.audited_table;
BEGIN
    SELECT * INTO aside
        FROM audit_trail.audited_table AS t
        WHERE (t.table_schema, t.former_name) = (source_schema, source_table) AND t.set_aside_at >= at
        ORDER BY t.set_aside_at
        LIMIT 1;
    IF FOUND THEN
        RETURN aside;
    END IF;
    RETURN audit_trail.trail_of(source_schema, source_table);
END
$function$;

-- What to do where a staging table cannot become what the source's table is now.
CREATE OR REPLACE FUNCTION audit_trail.begin_anew(staging regclass) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT concat(
        'To keep the log and begin a new one under the same name, take the table from the list and deploy, then run ',
        coalesce(
            (
                SELECT format('SELECT audit_trail.set_aside(%L, %L)', t.table_schema, t.table_name)
                FROM pg_class AS c
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
                CROSS JOIN LATERAL audit_trail.trail_of_staging(n.nspname, c.relname) AS t
                WHERE c.oid = begin_anew.staging
            ),
            'audit_trail.set_aside()'
        ),
        ' on the audit database, list the table again and deploy: docs/tables.md, "A new log under the same name".'
    );
END;

-- Gives the trail of a table that has left the list another name, and returns it: the table's name, _until_ and the day at
-- which it left. Nothing of it is lost: log, staging, tombstones and registry go on under the new name, and the functions
-- for readers find them by it. The table can be listed again then, and gets a new trail.
CREATE OR REPLACE FUNCTION audit_trail.set_aside(source_schema text, source_table text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $function$
DECLARE
    audited audit_trail.audited_table;
    addition text;
    aside text;
    times integer := 1;
    names jsonb;
    log regclass;
    part record;
BEGIN
    audited := audit_trail.trail_of(source_schema, source_table);
    IF audited.left_at IS NULL THEN
        RAISE EXCEPTION '%.% is still audited.', source_schema, source_table
            USING HINT = 'Take the table from the list and deploy: then its log can be set aside.';
    END IF;
    -- Whoever deploys it again meanwhile waits, and so does a second caller.
    EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', audited.table_schema, audited.staging);
    SELECT * INTO audited
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table AND t.left_at IS NOT NULL
        FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%.% was set aside or listed again a moment ago.', source_schema, source_table
            USING HINT = 'audit_trail.audited_table lists the tables and what became of them.';
    END IF;

    addition := '_until_' || to_char(audited.left_at AT TIME ZONE 'UTC', 'YYYYMMDD');
    LOOP
        aside := audit_trail.fit_identifier(source_table, addition || CASE times WHEN 1 THEN '' ELSE '_' || times END);
        EXIT WHEN NOT EXISTS (
            SELECT FROM audit_trail.audited_table AS t WHERE (t.table_schema, t.table_name) = (source_schema, aside)
        );
        times := times + 1;
    END LOOP;
    names := jsonb_build_object(
        'staging', audit_trail.fit_identifier(aside, '_staging'),
        'audit_log', audit_trail.fit_identifier(aside, '_audit_log'),
        'tombstone', audit_trail.fit_identifier(source_schema || '_' || aside, '_tombstone'),
        'partition_prefix', left(audit_trail.fit_identifier(aside, '_audit_log_y0000m00'), -8)
    );

    log := format('%I.%I', audited.table_schema, audited.audit_log)::regclass;
    -- Also what a new trail would take for its own under the names that it will have: indexes, partitions of the log, and
    -- the staging tables of the source's partitions.
    FOR part IN
        WITH parts AS (
            SELECT t.relid, t.relid = log AS is_log FROM pg_partition_tree(log) AS t
        )
        SELECT format('%I.%I', audited.table_schema, audited.staging)::regclass AS relation, 'TABLE' AS kind,
            names ->> 'staging' AS new_name
        UNION ALL
        SELECT format('audit_trail.%I', audited.tombstone)::regclass, 'TABLE', names ->> 'tombstone'
        UNION ALL
        SELECT
            p.relid,
            'TABLE',
            CASE
                WHEN p.is_log THEN names ->> 'audit_log'
                ELSE (names ->> 'partition_prefix') || substr(c.relname, length(audited.partition_prefix) + 1)
            END
        FROM parts AS p
        JOIN pg_class AS c ON c.oid = p.relid
        UNION ALL
        SELECT
            i.indexrelid,
            'INDEX',
            audit_trail.fit_identifier(aside, coalesce(substring(c.relname FROM '^.*(_audit_log_[a-z_]+)$'), '_' || c.relname))
        FROM parts AS p
        JOIN pg_index AS i ON i.indrelid = p.relid
        JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE p.is_log
        UNION ALL
        SELECT
            to_regclass(format('%I.%I', l.partition_schema, l.staging)),
            'TABLE',
            audit_trail.fit_identifier(audit_trail.fit_identifier(l.partition_name, addition), '_staging')
        FROM audit_trail.audited_partition AS l
        WHERE (l.table_schema, l.table_name) = (source_schema, source_table)
            AND to_regclass(format('%I.%I', l.partition_schema, l.staging)) IS NOT NULL
    LOOP
        EXECUTE format('ALTER %s %s RENAME TO %I', part.kind, part.relation, part.new_name);
    END LOOP;

    INSERT INTO audit_trail.audited_table AS t
        SELECT (
            jsonb_populate_record(
                audited,
                names || jsonb_build_object(
                    'table_name', aside, 'former_name', source_table, 'set_aside_at', clock_timestamp()
                )
            )
        ).*;
    UPDATE audit_trail.audited_column AS c
        SET table_name = aside
        WHERE (c.table_schema, c.table_name) = (source_schema, source_table);
    DELETE FROM audit_trail.audited_partition AS l WHERE (l.table_schema, l.table_name) = (source_schema, source_table);
    DELETE FROM audit_trail.audited_table AS t WHERE (t.table_schema, t.table_name) = (source_schema, source_table);
    RETURN aside;
END
$function$;

RESET ROLE;
