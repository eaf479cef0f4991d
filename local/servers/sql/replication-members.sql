-- The statements that give the REPLICATION attribute to the members (direct or not) of rds_replication and take it
-- from everyone else. On RDS the membership is enough to make a slot and to stream; PostgreSQL looks at the attribute.
SELECT format(
    'ALTER ROLE %I %s',
    r.rolname,
    CASE WHEN pg_has_role(r.oid, 'rds_replication', 'MEMBER') THEN 'REPLICATION' ELSE 'NOREPLICATION' END
) AS statement
FROM pg_catalog.pg_roles AS r
WHERE NOT r.rolsuper
  AND r.rolname !~ '^(pg_|rds_)'
  AND r.rolreplication IS DISTINCT FROM pg_has_role(r.oid, 'rds_replication', 'MEMBER')
ORDER BY r.rolname;
