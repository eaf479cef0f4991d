-- Who may write the append-only tables $1 or their partitions, besides their owner: by grant, by being the owner of
-- another kind, by membership. Superusers can do anything and are no finding.
WITH members AS (
    SELECT p.relid
    FROM unnest($1::text[]) AS wanted (name)
    CROSS JOIN LATERAL (
        SELECT wanted.name::regclass AS relid
        UNION
        SELECT t.relid FROM pg_partition_tree(wanted.name::regclass) AS t
    ) AS p
),
grants AS (
    SELECT c.oid, a.grantee, a.privilege_type
    FROM members AS m
    JOIN pg_catalog.pg_class AS c ON c.oid = m.relid
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE a.grantee <> c.relowner
    UNION ALL
    SELECT m.relid, a.grantee, a.privilege_type
    FROM members AS m
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = m.relid
    JOIN pg_catalog.pg_class AS c ON c.oid = m.relid
    CROSS JOIN LATERAL aclexplode(b.attacl) AS a
    WHERE a.grantee <> c.relowner
)
SELECT
    format(
        '%s has %s on %s',
        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END,
        string_agg(DISTINCT g.privilege_type, ', '),
        g.oid::regclass
    ) AS finding
FROM grants AS g
WHERE (
        g.privilege_type <> 'SELECT'
        -- Who collects what DMS reports enters it, and can do nothing else.
        AND NOT (
            g.privilege_type = 'INSERT'
            AND g.oid = 'audit_trail.gap'::regclass
            AND g.grantee = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_collector')
        )
    )
    OR g.grantee = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = :'dms')
GROUP BY g.grantee, g.oid
UNION ALL
SELECT format('%s is owned by %s', c.oid::regclass, pg_get_userbyid(c.relowner))
FROM members AS m
JOIN pg_catalog.pg_class AS c ON c.oid = m.relid
WHERE pg_get_userbyid(c.relowner) <> :'owner'
UNION ALL
-- By way of another role.
SELECT format('%s may write %s', r.rolname, m.relid::regclass)
FROM pg_catalog.pg_roles AS r
CROSS JOIN members AS m
WHERE r.rolname IN (:'dms', :'auditor')
    AND has_table_privilege(r.oid, m.relid, 'INSERT, UPDATE, DELETE, TRUNCATE');
