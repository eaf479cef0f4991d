-- What would let somebody rewrite the trail that is granted on none of its objects: default privileges, which hold for the next
-- partition, the next log, the next function; powers of the trail's own roles, as which its functions run and DMS writes; and
-- the server's files and programs. To read everything, to make databases, to replicate and to pass over row security
-- rewrites nothing, and is nobody's business here but that of the trail's own roles.
WITH own AS (
    SELECT r.*
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolname IN (:roles)
),
defaults AS (
    SELECT
        o.rolname AS maker,
        n.nspname AS in_schema,
        d.defaclobjtype AS object_type,
        a.grantee,
        CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END AS receiver,
        a.privilege_type
    FROM pg_catalog.pg_default_acl AS d
    JOIN own AS o ON o.oid = d.defaclrole
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
    WHERE a.grantee <> o.oid
)
SELECT
    format(
        'what %s makes%s gets the right %s for %s, by ALTER DEFAULT PRIVILEGES',
        d.maker,
        ' in the schema ' || quote_ident(d.in_schema),
        d.privilege_type,
        d.receiver
    ) AS finding
FROM defaults AS d
WHERE NOT (d.grantee = 0 AND d.object_type = 'T' AND d.privilege_type = 'USAGE')
    -- Whoever may read logs is other people's business, but that DMS or everybody may.
    AND NOT (d.object_type = 'r' AND d.privilege_type = 'SELECT' AND d.grantee <> 0 AND d.receiver <> :'dms' AND d.maker = :'owner')
    AND (d.maker, d.in_schema, d.object_type, d.receiver, d.privilege_type)
        IS DISTINCT FROM (:'dms', 'awsdms_control', 'r'::"char", :'collector', 'SELECT')
UNION ALL
-- Without an entry everybody may call them.
SELECT format('functions that %s makes are everybody''s to call: deploy again', :'owner')
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_default_acl AS d
    WHERE d.defaclrole = to_regrole(:'owner') AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f'
)
UNION ALL
SELECT format('%s has %s', o.rolname, p.power)
FROM own AS o
CROSS JOIN LATERAL (
    VALUES
        ('SUPERUSER', o.rolsuper),
        ('CREATEROLE', o.rolcreaterole),
        ('CREATEDB', o.rolcreatedb),
        ('REPLICATION', o.rolreplication),
        ('BYPASSRLS', o.rolbypassrls)
) AS p (power, is_there)
WHERE p.is_there
UNION ALL
SELECT format('%s may %s, as a member of %s', r.rolname, p.power, p.role)
FROM pg_catalog.pg_roles AS r
CROSS JOIN (
    VALUES
        ('pg_write_server_files', 'write the server''s files'),
        ('pg_execute_server_program', 'run programs on the server')
) AS p (role, power)
WHERE NOT r.rolsuper
    AND r.rolname NOT LIKE 'pg\_%'
    AND r.rolname NOT IN (current_user, session_user)
    AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND pg_has_role(r.oid, p.role, 'MEMBER')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles AS s WHERE s.rolname = 'rds_superuser' AND pg_has_role(r.oid, s.oid, 'MEMBER')
    )
ORDER BY finding;
