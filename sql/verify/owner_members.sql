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
SELECT format('%s can log in', o.rolname) FROM pg_catalog.pg_roles AS o WHERE o.rolname = :'owner' AND o.rolcanlogin;
