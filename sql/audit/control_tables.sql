-- How the tables are read in which DMS reports what it does. They belong to DMS's user, who may put anything under their
-- names, a view or a row policy that runs code of its own among them. Nothing is read that is more than a plain table.
SET LOCAL ROLE audit_trail_owner;

-- Why a relation is not read, as the end of a sentence; null for a plain table. To be asked under a lock. What runs when
-- a relation is read or the reading is planned: a view, a rule, a policy, a child, a virtual column, a type of the
-- owner's, an expression in an index, a constraint or a statistic.
CREATE OR REPLACE FUNCTION audit_trail.control_table_problem(relation oid, expected_owner name, wanted text[])
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE
        WHEN c.relkind <> 'r' THEN 'is no table'
        WHEN pg_get_userbyid(c.relowner) <> expected_owner THEN format('belongs to %s', pg_get_userbyid(c.relowner))
        WHEN c.relrowsecurity OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
            THEN 'has row security'
        WHEN EXISTS (SELECT FROM pg_rewrite AS r WHERE r.ev_class = c.oid) THEN 'has a rule'
        WHEN c.relispartition OR EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent))
            THEN 'inherits or is inherited'
        WHEN EXISTS (
            SELECT FROM pg_index AS x
            WHERE x.indrelid = c.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
        ) THEN 'has an index with an expression'
        WHEN EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'c')
            THEN 'has a check constraint'
        WHEN EXISTS (SELECT FROM pg_statistic_ext AS s WHERE s.stxrelid = c.oid) THEN 'has extended statistics'
        WHEN EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
        ) THEN 'has a generated column'
        WHEN EXISTS (
            SELECT FROM pg_attribute AS a
            JOIN pg_type AS t ON t.oid = a.atttypid
            WHERE a.attrelid = c.oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND t.typnamespace <> 'pg_catalog'::regnamespace
        ) THEN 'has a column of a type that is not PostgreSQL''s own'
        ELSE (
            -- DMS writes the names in upper or in lower case.
            SELECT format('has no column %s', min(w.name))
            FROM unnest(wanted) AS w (name)
            WHERE NOT EXISTS (
                SELECT FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND lower(a.attname) = w.name
            )
            HAVING count(*) > 0
        )
    END
    FROM pg_class AS c
    WHERE c.oid = relation;
END;
REVOKE ALL ON FUNCTION audit_trail.control_table_problem(oid, name, text[]) FROM PUBLIC;

-- The rows of one of DMS's control tables, under column names in lower case; none before DMS has made the table. What is
-- no plain table is an error of the class of a wrong object. The lock keeps it what it was when it was looked at, but for
-- an index or a statistic, which could be added meanwhile: one more reason to ask only as audit_trail_collector.
CREATE OR REPLACE FUNCTION audit_trail.control_rows(control_table text, wanted text[]) RETURNS SETOF jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $function$
DECLARE
    relation CONSTANT text := format('awsdms_control.%I', control_table);
    problem text;
BEGIN
    -- An older snapshot shows the relation as it was before the lock.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'DMS''s control tables are read in a transaction of the isolation level read committed only.'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF to_regclass(relation) IS NULL THEN
        RETURN;
    END IF;
    -- Not every kind of relation can be locked.
    problem := audit_trail.control_table_problem(relation::regclass, 'audit_trail_dms_target', wanted);
    IF problem IS NULL THEN
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', relation);
        problem := audit_trail.control_table_problem(relation::regclass, 'audit_trail_dms_target', wanted);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '% is not read, because it %.', relation, problem USING ERRCODE = 'wrong_object_type';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT (SELECT jsonb_object_agg(lower(c.key), c.value) FROM jsonb_each(to_jsonb(t.*)) AS c) FROM ONLY %s AS t',
        relation
    );
END
$function$;
REVOKE ALL ON FUNCTION audit_trail.control_rows(text, text[]) FROM PUBLIC;

RESET ROLE;
