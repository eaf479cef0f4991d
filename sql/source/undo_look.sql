-- What would keep a destroy from leaving the source as it was; no row when nothing would. A destroy asks before it ends
-- anything: what it has ended, the task above all, it cannot begin again.
WITH own_schema AS (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.nspname IN ('audit_trail', 'awsdms_heartbeat')
),
dms AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_dms_source'
),
-- The trail's own objects. The lists have those of older versions too.
own AS (
    SELECT 'pg_class'::regclass AS classid, c.oid AS objid
    FROM pg_catalog.pg_class AS c
    JOIN own_schema AS m ON m.oid = c.relnamespace
    WHERE c.relowner IN (SELECT d.oid FROM dms AS d)
        OR m.nspname = 'audit_trail' AND c.relname IN (:relations)
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid
    FROM pg_catalog.pg_proc AS p
    JOIN own_schema AS m ON m.oid = p.pronamespace
    WHERE m.nspname = 'audit_trail' AND p.proname IN (:functions)
),
-- With what goes along with them: indexes, sequences, row types, columns' defaults, constraints.
parts AS (
    SELECT o.classid, o.objid FROM own AS o
    UNION
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend AS d
    JOIN own AS o ON (o.classid, o.objid) = (d.refclassid, d.refobjid)
    WHERE d.deptype IN ('a', 'i') AND d.classid IN ('pg_class'::regclass, 'pg_type'::regclass)
),
guards AS (
    SELECT t.oid, t.tgrelid
    FROM pg_catalog.pg_trigger AS t
    JOIN own AS o ON o.classid = 'pg_proc'::regclass AND o.objid = t.tgfoid
    WHERE t.tgname LIKE 'audit\_trail\_%'
),
strangers AS (
    SELECT 'pg_class'::regclass AS classid, c.oid AS objid, m.nspname
    FROM pg_catalog.pg_class AS c
    JOIN own_schema AS m ON m.oid = c.relnamespace
    WHERE c.relkind NOT IN ('i', 'I', 't')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, m.nspname
    FROM pg_catalog.pg_proc AS p
    JOIN own_schema AS m ON m.oid = p.pronamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, m.nspname
    FROM pg_catalog.pg_type AS t
    JOIN own_schema AS m ON m.oid = t.typnamespace
    WHERE t.typrelid = 0 AND t.typelem = 0
)
SELECT format('%s is in the trail''s schema %s: move it, or drop it', pg_describe_object(s.classid, s.objid, 0), s.nspname)
    AS finding
FROM strangers AS s
WHERE NOT EXISTS (SELECT FROM parts AS p WHERE (p.classid, p.objid) = (s.classid, s.objid))
UNION ALL
SELECT DISTINCT format(
    '%s needs %s of the trail: drop the former, or change it',
    -- A view's rule stands for the view.
    regexp_replace(pg_describe_object(d.classid, d.objid, d.objsubid), '^rule "?_RETURN"? on ', ''),
    pg_describe_object(d.refclassid, d.refobjid, 0)
)
FROM pg_catalog.pg_depend AS d
JOIN parts AS p ON (p.classid, p.objid) = (d.refclassid, d.refobjid)
WHERE d.deptype = 'n'
    AND NOT EXISTS (SELECT FROM parts AS q WHERE (q.classid, q.objid) = (d.classid, d.objid))
    AND NOT (d.classid = 'pg_trigger'::regclass AND d.objid IN (SELECT g.oid FROM guards AS g))
    -- A default or a constraint of the trail's own table goes with it.
    AND NOT (
        d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_rewrite'::regclass)
        AND EXISTS (
            SELECT
            FROM pg_catalog.pg_depend AS i
            JOIN parts AS q ON (q.classid, q.objid) = (i.refclassid, i.refobjid)
            WHERE (i.classid, i.objid) = (d.classid, d.objid) AND i.deptype IN ('a', 'i')
        )
    )
UNION ALL
SELECT format('the database "%s" has objects or rights of the role audit_trail_dms_source: take them from it', b.datname)
FROM (
    SELECT DISTINCT s.dbid
    FROM pg_catalog.pg_shdepend AS s
    JOIN dms AS d ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = d.oid
) AS s
JOIN pg_catalog.pg_database AS b ON b.oid = s.dbid
WHERE b.datname <> current_database()
UNION ALL
-- Only an object's owner can take a trigger or a right from it: a superuser, a member, or who may become one.
SELECT format(
    '%s %s to %s, of which %s is not a member: run GRANT %s TO %s',
    string_agg(DISTINCT o.object, ', '), CASE count(DISTINCT o.object) WHEN 1 THEN 'belongs' ELSE 'belong' END,
    r.rolname, current_user, quote_ident(r.rolname), quote_ident(current_user)
)
FROM (
    SELECT format('the table %s', g.tgrelid::regclass) AS object, c.relowner AS owner
    FROM guards AS g
    JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
    UNION
    SELECT format('the table %s', c.oid::regclass), c.relowner
    FROM pg_catalog.pg_class AS c
    JOIN dms AS d ON EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = d.oid)
    UNION
    SELECT format('the schema %I', n.nspname), n.nspowner
    FROM pg_catalog.pg_namespace AS n
    JOIN dms AS d ON EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = d.oid)
) AS o
JOIN pg_catalog.pg_roles AS r ON r.oid = o.owner
WHERE NOT pg_has_role(r.oid, 'USAGE')
    -- The role's own heartbeat goes with the role.
    AND r.rolname <> 'audit_trail_dms_source'
    AND NOT pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION')
    AND NOT (
        current_setting('server_version_num')::integer < 160000
        AND (SELECT me.rolcreaterole FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user)
        AND NOT r.rolsuper
    )
GROUP BY r.rolname
ORDER BY 1;
