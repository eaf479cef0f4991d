-- What the trail knows of the audited tables and their columns, so that a query finds a log by its source table, and so
-- that a changed definition shows.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.audited_table (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    staging text NOT NULL,
    audit_log text NOT NULL,
    tombstone text NOT NULL,
    partition_prefix text NOT NULL,
    primary_key text[] NOT NULL,
    -- The source table's pg_class.oid. A table of the same name with another oid is another table.
    source_oid text NOT NULL,
    -- The function of sql/audit/log_uncommon.sql that the log's function calls.
    uncommon_function text,
    -- Tombstones of keys that were deleted before this time may have been forgotten: see audit_trail.maintain().
    tombstones_from timestamptz NOT NULL DEFAULT '-infinity',
    -- Since when a reload is under way: see audit_trail.begin_reload().
    reload_began_at timestamptz,
    -- The commit time of the last change that was applied before it.
    reload_from timestamptz,
    -- The commit time at which its log ends. The deployment that takes it from the list sets this; it is cleared when the gap of
    -- the time outside the list is recorded.
    left_after timestamptz,
    -- When its triggers were removed; null while it is audited.
    left_at timestamptz,
    -- The name that the table had while it was audited, and when its trail got another one: see audit_trail.set_aside().
    former_name text,
    set_aside_at timestamptz,
    -- The group whose task carries it; null until a deployment has come so far as to tell it.
    table_group text,
    -- The group that it was in before: what is on its way of that task's markers may still be about it.
    moved_from text,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (table_schema, table_name)
);
ALTER TABLE audit_trail.audited_table ADD COLUMN IF NOT EXISTS left_after timestamptz;
ALTER TABLE audit_trail.audited_table ADD COLUMN IF NOT EXISTS left_at timestamptz;
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS former_name text,
    ADD COLUMN IF NOT EXISTS set_aside_at timestamptz;
-- Before there were groups, every table was in the one that is called default now.
ALTER TABLE audit_trail.audited_table
    ADD COLUMN IF NOT EXISTS table_group text DEFAULT 'default',
    ADD COLUMN IF NOT EXISTS moved_from text;
ALTER TABLE audit_trail.audited_table ALTER COLUMN table_group DROP DEFAULT;
COMMENT ON TABLE audit_trail.audited_table IS 'One row per audited source table: where its trail is.';

-- What the deployment has given to people: see sql/audit/database_users.sql.
CREATE TABLE IF NOT EXISTS audit_trail.database_user (
    login text PRIMARY KEY,
    -- A login that somebody made anew under an old name is another one.
    login_oid oid NOT NULL,
    member_of text NOT NULL,
    is_made boolean NOT NULL
);
COMMENT ON TABLE audit_trail.database_user IS
    'The listed logins, members of the auditors or operators, and whether the deployment made the logins and gave the memberships.';
-- A membership that a login had before it was listed is not the deployment's to take. Where nobody noted it, all were given.
ALTER TABLE audit_trail.database_user ADD COLUMN IF NOT EXISTS is_given boolean NOT NULL DEFAULT true;

CREATE TABLE IF NOT EXISTS audit_trail.audited_column (
    column_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    -- The column's number in the source's pg_attribute, by which a renamed column is known; null for one that DMS added.
    attnum integer,
    name text NOT NULL,
    type text NOT NULL,
    -- Log rows recorded before this time do not have the column, or have it under another name or type.
    present_from timestamptz NOT NULL,
    -- Log rows of changes that were committed after this time do not have it; null while the trail has it.
    gone_since timestamptz,
    -- The type at the source, where the config chose another one for staging: a text form, or a declared limit.
    source_type text,
    -- Why the config leaves the column out; null for a column that is in the trail, or that the source has dropped. A column
    -- that was never in the trail has the same time in present_from and gone_since.
    excluded_because text,
    FOREIGN KEY (table_schema, table_name) REFERENCES audit_trail.audited_table
);
COMMENT ON TABLE audit_trail.audited_column IS
    'The columns that audited tables have and had. A renamed, retyped or excluded column ends one row and begins another.';
ALTER TABLE audit_trail.audited_column
    ADD COLUMN IF NOT EXISTS source_type text,
    ADD COLUMN IF NOT EXISTS excluded_because text;
CREATE INDEX IF NOT EXISTS audited_column_present
    ON audit_trail.audited_column (table_schema, table_name, name) WHERE gone_since IS NULL;

CREATE OR REPLACE VIEW audit_trail.former_column AS
    SELECT c.table_schema, c.table_name, c.name, max(c.gone_since) AS gone_since
    FROM audit_trail.audited_column AS c
    -- Columns that were never in the trail left nothing behind.
    WHERE c.gone_since IS NULL OR c.present_from < c.gone_since
    GROUP BY c.table_schema, c.table_name, c.name
    HAVING bool_and(c.gone_since IS NOT NULL);
COMMENT ON VIEW audit_trail.former_column IS
    'Columns that the source has dropped and staging keeps, and columns that were in the trail before the config excluded them.';

-- The latest entry of each column that the config leaves out of the trail now.
CREATE OR REPLACE VIEW audit_trail.excluded_column AS
    SELECT l.table_schema, l.table_name, l.attnum, l.name, l.type, l.gone_since, l.excluded_because
    FROM (
        SELECT DISTINCT ON (c.table_schema, c.table_name, c.name) c.*
        FROM audit_trail.audited_column AS c
        ORDER BY c.table_schema, c.table_name, c.name, c.column_id DESC
    ) AS l
    WHERE l.excluded_because IS NOT NULL;
COMMENT ON VIEW audit_trail.excluded_column IS
    'The columns that the stack''s config leaves out of the trail, since when (-infinity: always) and why.';

-- Whether a group's task may tell of a table: the group that it is in, or the one that it has left. Of a table that nobody
-- knows any task may.
CREATE OR REPLACE FUNCTION audit_trail.is_told_by(source_schema text, source_table text, group_name text) RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(
        (
            SELECT group_name = coalesce(t.table_group, 'default') OR group_name IS NOT DISTINCT FROM t.moved_from
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = (source_schema, source_table)
        ),
        true
    );
END;
REVOKE ALL ON FUNCTION audit_trail.is_told_by(text, text, text) FROM PUBLIC;

-- The commit time of the last change in a table's log, of those that were committed since a given time.
CREATE OR REPLACE FUNCTION audit_trail.last_change(audited audit_trail.audited_table, since timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    log CONSTANT text := format('%I.%I', audited.table_schema, audited.audit_log);
    found_time timestamptz;
BEGIN
    IF to_regclass(log) IS NOT NULL THEN
        EXECUTE format(
            'SELECT max(l.commit_timestamp) FROM %s AS l WHERE l.commit_timestamp >= $1 AND l.operation <> ''B''', log
        ) INTO found_time USING since;
    END IF;
    RETURN found_time;
END
$function$;

-- Sets columns in all rows of staging to values that came with no change. The log gets no row for it.
CREATE OR REPLACE FUNCTION audit_trail.fill_columns(staging regclass, assignments text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- A table that is listed again has none until its objects are there.
    is_logged CONSTANT boolean := EXISTS (
        SELECT FROM pg_trigger AS g WHERE g.tgrelid = staging AND g.tgname = 'log_change' AND NOT g.tgisinternal
    );
BEGIN
    IF is_logged THEN
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER log_change', staging);
    END IF;
    EXECUTE format('UPDATE %s SET %s', staging, assignments);
    IF is_logged THEN
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_change', staging);
    END IF;
END
$function$;

-- Enters a table, or updates its entry. A difference in its columns is recorded as a gap, because rows from before and from
-- after it do not have the same columns. Staging has the new columns by now.
--
-- new_columns has one object for each column: attnum, name and type; missing, the value that older rows have; source_type,
-- the type at the source where that is another one; excluded, the reason why the config leaves the column out.
CREATE OR REPLACE FUNCTION audit_trail.register_table(
    source_schema text,
    source_table text,
    staging_table text,
    log_table text,
    tombstone_table text,
    log_partition_prefix text,
    key_columns text[],
    new_oid text,
    new_columns jsonb
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    this_time CONSTANT timestamptz := clock_timestamp();
    kept CONSTANT jsonb := jsonb_path_query_array(new_columns, '$[*] ? (!exists (@.excluded))');
    left_out CONSTANT jsonb := jsonb_path_query_array(new_columns, '$[*] ? (exists (@.excluded))');
    taken_in jsonb;
    out_since timestamptz;
    known audit_trail.audited_table;
    is_first boolean;
    is_other_table boolean;
    before jsonb;
    renamed jsonb;
    anew jsonb;
    assignments text;
    sure_assignments text;
BEGIN
    SELECT * INTO known
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    is_first := NOT FOUND;
    IF is_first THEN
        INSERT INTO audit_trail.audited_table (
            table_schema, table_name, staging, audit_log, tombstone, partition_prefix, primary_key, source_oid
        )
        VALUES (
            source_schema, source_table, staging_table, log_table, tombstone_table, log_partition_prefix, key_columns,
            new_oid
        );
    END IF;
    is_other_table := NOT is_first AND known.source_oid <> new_oid;
    SELECT coalesce(jsonb_object_agg(c.name, c.type), '{}') INTO before
        FROM audit_trail.audited_column AS c
        WHERE c.table_schema = source_schema AND c.table_name = source_table AND c.gone_since IS NULL;

    SELECT jsonb_object_agg(e.name, e.excluded_because), min(e.gone_since)
        INTO taken_in, out_since
        FROM audit_trail.excluded_column AS e
        JOIN jsonb_to_recordset(kept) AS n (attnum integer, name text)
            ON n.name = e.name AND (is_other_table OR n.attnum = e.attnum)
        WHERE e.table_schema = source_schema AND e.table_name = source_table;

    -- A column is known by its number: after a rename staging has its values under the old name. Under the name of a new
    -- column staging may have the values of an older column of that name.
    SELECT
        string_agg(format('%I = %s', n.name, coalesce(quote_ident(o.name), quote_nullable(n.missing))), ', '),
        string_agg(
            format(
                '%I = %s',
                n.name,
                CASE WHEN o.type <> n.type THEN 'NULL' ELSE coalesce(quote_ident(o.name), quote_nullable(n.missing)) END
            ),
            ', '
        ),
        coalesce(jsonb_object_agg(o.name, n.name) FILTER (WHERE o.name IS NOT NULL), '{}'),
        coalesce(jsonb_object_agg(n.name, n.type) FILTER (WHERE o.name IS NULL AND before ? n.name), '{}')
        INTO assignments, sure_assignments, renamed, anew
        FROM jsonb_to_recordset(kept) AS n (attnum integer, name text, type text, missing text)
        LEFT JOIN audit_trail.audited_column AS o
            ON o.table_schema = source_schema
            AND o.table_name = source_table
            AND o.gone_since IS NULL
            AND NOT is_other_table
            AND o.attnum = n.attnum
        WHERE n.name <> ALL (key_columns)
            AND CASE
                WHEN o.name IS NULL THEN
                    NOT is_other_table
                    AND EXISTS (
                        SELECT
                        FROM audit_trail.audited_column AS c
                        WHERE c.table_schema = source_schema AND c.table_name = source_table AND c.name = n.name
                    )
                ELSE o.name <> n.name
            END;
    IF assignments IS NOT NULL THEN
        BEGIN
            PERFORM audit_trail.fill_columns(format('%I.%I', source_schema, staging_table)::regclass, assignments);
        EXCEPTION
            -- Where the column's type changed too, nothing here says how the source converted the values.
            WHEN data_exception OR datatype_mismatch OR cannot_coerce THEN
                PERFORM audit_trail.fill_columns(
                    format('%I.%I', source_schema, staging_table)::regclass, sure_assignments
                );
        END;
    END IF;

    -- A column goes on where number, name and type are the same; in another table under the same name the numbers are
    -- other ones.
    MERGE INTO audit_trail.audited_column AS c
        USING (
            SELECT o.column_id, n.attnum, n.name, n.type, n.source_type
            FROM (
                SELECT p.column_id, p.attnum, p.name, p.type
                FROM audit_trail.audited_column AS p
                WHERE p.table_schema = source_schema AND p.table_name = source_table AND p.gone_since IS NULL
            ) AS o
            FULL JOIN jsonb_to_recordset(kept) AS n (attnum integer, name text, type text, source_type text)
                ON n.name = o.name
                AND n.type = o.type
                AND n.attnum = CASE WHEN is_other_table THEN n.attnum ELSE coalesce(o.attnum, n.attnum) END
        ) AS s
        ON c.column_id = s.column_id
        WHEN MATCHED AND s.name IS NULL THEN
            UPDATE SET gone_since = this_time
        WHEN MATCHED AND (s.attnum, s.source_type) IS DISTINCT FROM (c.attnum, c.source_type) THEN
            UPDATE SET attnum = s.attnum, source_type = s.source_type
        WHEN NOT MATCHED THEN
            INSERT (table_schema, table_name, attnum, name, type, source_type, present_from)
            VALUES (
                source_schema, source_table, s.attnum, s.name, s.type, s.source_type,
                CASE WHEN is_first THEN '-infinity' ELSE this_time END
            );

    -- A column that the config leaves out ends its entry, or goes on with an entry that says so already. One that was never in
    -- the trail gets an entry that begins and ends at the same time.
    MERGE INTO audit_trail.audited_column AS c
        USING (
            SELECT
                n.attnum,
                n.name,
                n.type,
                n.excluded,
                (
                    SELECT CASE WHEN p.excluded_because IS NOT NULL OR p.gone_since = this_time THEN p.column_id END
                    FROM audit_trail.audited_column AS p
                    WHERE p.table_schema = source_schema
                        AND p.table_name = source_table
                        AND p.name = n.name
                        AND (is_other_table OR p.attnum = n.attnum)
                    ORDER BY p.column_id DESC
                    LIMIT 1
                ) AS column_id
            FROM jsonb_to_recordset(left_out) AS n (attnum integer, name text, type text, excluded text)
        ) AS s
        ON c.column_id = s.column_id
        WHEN MATCHED AND (s.attnum, s.excluded) IS DISTINCT FROM (c.attnum, c.excluded_because) THEN
            UPDATE SET attnum = s.attnum, excluded_because = s.excluded
        WHEN NOT MATCHED THEN
            INSERT (table_schema, table_name, attnum, name, type, present_from, gone_since, excluded_because)
            VALUES (
                source_schema, source_table, s.attnum, s.name, s.type,
                CASE WHEN is_first THEN '-infinity' ELSE this_time END,
                CASE WHEN is_first THEN '-infinity' ELSE this_time END,
                s.excluded
            );

    IF is_first THEN
        RETURN;
    END IF;
    IF is_other_table THEN
        UPDATE audit_trail.audited_table AS t
            SET source_oid = new_oid
            WHERE t.table_schema = source_schema AND t.table_name = source_table;
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'other table under this name',
                (SELECT max(o.observed_at) FROM audit_trail.slot_observation AS o),
                this_time,
                jsonb_build_object('oid_before', known.source_oid, 'oid_after', new_oid)
            );
    END IF;
    IF taken_in IS NOT NULL THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, from_timestamp, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'column not audited',
                nullif(out_since, '-infinity'),
                this_time,
                jsonb_build_object('excluded_because', taken_in)
            );
    END IF;
    IF before IS DISTINCT FROM (
            SELECT jsonb_object_agg(n.name, n.type) FROM jsonb_to_recordset(kept) AS n (name text, type text)
        ) OR assignments IS NOT NULL
    THEN
        INSERT INTO audit_trail.gap (table_schema, table_name, kind, to_timestamp, detail)
            VALUES (
                source_schema,
                source_table,
                'shape change',
                this_time,
                jsonb_build_object(
                    'before', before,
                    'after',
                    (
                        SELECT jsonb_object_agg(n.name, n.type)
                        FROM jsonb_to_recordset(kept) AS n (name text, type text)
                    )
                )
                || coalesce(
                    (
                        SELECT jsonb_build_object('excluded', jsonb_object_agg(n.name, n.excluded))
                        FROM jsonb_to_recordset(left_out) AS n (name text, excluded text)
                        WHERE before ? n.name
                        HAVING count(*) > 0
                    ),
                    '{}'
                )
                || CASE renamed WHEN '{}' THEN '{}' ELSE jsonb_build_object('renamed', renamed) END
                || CASE anew WHEN '{}' THEN '{}' ELSE jsonb_build_object('made_anew', anew) END
            );
    END IF;
END
$function$;

-- The arguments of a log's trigger, as SQL: each former column, and the time after which the log's rows leave it out. They
-- are arguments because a table without former columns then pays nothing for them.
CREATE OR REPLACE FUNCTION audit_trail.log_trigger_arguments(source_schema text, source_table text) RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT coalesce(
        string_agg(quote_literal(f.name) || ', ' || quote_literal(CAST(f.gone_since AS text)), ', ' ORDER BY f.name), ''
    )
    FROM audit_trail.former_column AS f
    WHERE f.table_schema = source_schema AND f.table_name = source_table;
END;

-- Puts a log's function on its staging table, and removes the helper of the function that was there before. The trigger
-- has no condition: PostgreSQL would prepare it again for every statement, which costs a seventh of the apply rate.
CREATE OR REPLACE FUNCTION audit_trail.put_log_trigger(
    source_schema text,
    source_table text,
    log_function text,
    uncommon_function text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    known audit_trail.audited_table;
    former regprocedure;
BEGIN
    SELECT * INTO STRICT known
        FROM audit_trail.audited_table AS t
        WHERE t.table_schema = source_schema AND t.table_name = source_table;
    PERFORM audit_trail.put_trigger(
        format('%I.%I', known.table_schema, known.staging)::regclass,
        'log_change',
        '%1$I AFTER INSERT OR UPDATE ON %2$s FOR EACH ROW EXECUTE FUNCTION audit_trail.' || quote_ident(log_function)
        || '(' || replace(audit_trail.log_trigger_arguments(source_schema, source_table), '%', '%%') || ')'
    );
    IF known.uncommon_function <> uncommon_function THEN
        FOR former IN
            SELECT p.oid
            FROM pg_proc AS p
            WHERE p.pronamespace = 'audit_trail'::regnamespace AND p.proname = known.uncommon_function
        LOOP
            EXECUTE format('DROP FUNCTION %s', former);
        END LOOP;
    END IF;
    UPDATE audit_trail.audited_table AS t
        SET uncommon_function = uncommon_function
        WHERE t.table_schema = source_schema
            AND t.table_name = source_table
            AND t.uncommon_function IS DISTINCT FROM uncommon_function;
END
$function$;

RESET ROLE;
