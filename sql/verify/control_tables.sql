-- What speaks against the tables in which DMS reports what it did not apply, from the catalog alone: they belong to DMS's
-- user, so that reading them would run that user's code. The gap ledger has what is in them.
WITH wanted AS (
    SELECT
        format('awsdms_control.%I', w.name) AS name,
        to_regclass(format('awsdms_control.%I', w.name))::oid AS relation
    FROM unnest(ARRAY['awsdms_apply_exceptions', 'awsdms_suspended_tables']) AS w (name)
)
SELECT format('there is no %s, in which DMS tells what it did not apply', w.name) AS finding
FROM wanted AS w
WHERE w.relation IS NULL
UNION ALL
SELECT format('%s is no plain table', w.name)
FROM wanted AS w
JOIN pg_catalog.pg_class AS c ON c.oid = w.relation
WHERE c.relkind <> 'r' OR c.relrowsecurity OR c.relhassubclass OR c.relispartition
UNION ALL
SELECT format('%s is owned by %s, and not by %s', w.name, pg_get_userbyid(c.relowner), :'dms')
FROM wanted AS w
JOIN pg_catalog.pg_class AS c ON c.oid = w.relation
WHERE pg_get_userbyid(c.relowner) <> :'dms'
UNION ALL
SELECT format('%s cannot write %s', :'dms', w.name)
FROM wanted AS w
WHERE NOT has_table_privilege(:'dms', w.relation, 'INSERT')
    OR NOT has_schema_privilege(:'dms', 'awsdms_control', 'USAGE')
UNION ALL
SELECT format('the trigger %I of %s is not of DMS', t.tgname, w.name)
FROM wanted AS w
JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = w.relation AND NOT t.tgisinternal
UNION ALL
SELECT format('the rule %I of %s is not of DMS', r.rulename, w.name)
FROM wanted AS w
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = w.relation AND r.rulename <> '_RETURN';
