-- Who of DMS and the auditors may write the tables $1, or read them as DMS, by way of another role. What is granted
-- outright is compared with what the scripts grant.
SELECT DISTINCT format('%s may %s %s', r.rolname, p.verb, relation.oid) AS finding
FROM pg_catalog.pg_roles AS r
CROSS JOIN unnest($1::text[]) AS wanted (name)
CROSS JOIN LATERAL (SELECT to_regclass(wanted.name) AS oid) AS relation
CROSS JOIN (
    VALUES ('write', 'INSERT, UPDATE, DELETE, TRUNCATE'), ('read', 'SELECT')
) AS p (verb, privileges)
WHERE r.rolname IN (:'dms', :'auditor')
    AND (p.verb = 'write' OR r.rolname = :'dms')
    AND has_table_privilege(r.oid, relation.oid, p.privileges)
ORDER BY finding;
