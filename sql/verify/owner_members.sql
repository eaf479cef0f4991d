-- Who can act as the owner of the logs, besides those who deploy (the database's owner, this user) and superusers.
SELECT format('%s is a member of %s', r.rolname, :'owner') AS finding
FROM pg_catalog.pg_roles AS r
JOIN pg_catalog.pg_roles AS o ON o.rolname = :'owner'
WHERE r.oid <> o.oid
    AND NOT r.rolsuper
    AND r.rolname NOT IN (current_user, session_user)
    AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND pg_has_role(r.oid, o.oid, 'MEMBER')
UNION ALL
-- Until then whoever may make roles may grant every role that is no superuser, also to himself.
SELECT format('%s may make roles, and so make itself a member of %s before PostgreSQL 16', r.rolname, :'owner')
FROM pg_catalog.pg_roles AS r
WHERE current_setting('server_version_num')::integer < 160000
    AND r.rolcreaterole
    AND NOT r.rolsuper
    AND r.rolname NOT IN (current_user, session_user, :'owner')
    AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles AS s WHERE s.rolname = 'rds_superuser' AND pg_has_role(r.oid, s.oid, 'MEMBER')
    )
UNION ALL
SELECT format('%s can log in', o.rolname) FROM pg_catalog.pg_roles AS o WHERE o.rolname = :'owner' AND o.rolcanlogin;
