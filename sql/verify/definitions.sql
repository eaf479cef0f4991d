-- What the catalog says of everything in schema $1 and of the relations named in $2 with all their partitions: one row per
-- fact, so that two such lists can be compared. A relation calls itself <itself>; a partition names the relation that it
-- is a part of. Positions, statistics, comments and storage settings are no facts. Relations in $3 are left out: asking for the
-- text of a default takes a lock. So are the views and functions whose text PostgreSQL makes of such a relation, with a fact
-- "locked" that has the relation's oid.
WITH RECURSIVE parts AS (
    SELECT to_regclass(wanted.name)::oid AS oid, to_regclass(wanted.name)::oid AS root
    FROM unnest($2::text[]) AS wanted (name)
    WHERE to_regclass(wanted.name) IS NOT NULL
    UNION
    SELECT c.oid, c.oid
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = to_regnamespace($1::text) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition
    UNION
    SELECT i.inhrelid, p.root
    FROM parts AS p
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
),
unreadable AS (
    SELECT w.ev_class AS relation, NULL::oid AS routine, min(d.refobjid::bigint)::text AS locked
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_rewrite AS w ON w.oid = d.objid AND w.rulename = '_RETURN'
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($3::oid[])
    GROUP BY w.ev_class
    UNION ALL
    SELECT NULL, p.oid, min(d.refobjid::bigint)::text
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid AND p.prosqlbody IS NOT NULL
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($3::oid[])
    GROUP BY p.oid
),
relations AS (
    SELECT
        c.*,
        c.oid AS relation,
        c.oid::regclass::text AS name,
        CASE WHEN p.root <> p.oid THEN p.root::regclass::text END AS part_of
    FROM (SELECT DISTINCT * FROM parts) AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.oid
    WHERE p.oid <> ALL ($3::oid[]) AND p.oid NOT IN (SELECT u.relation FROM unreadable AS u WHERE u.relation IS NOT NULL)
),
routines AS (
    SELECT
        p.*,
        p.oid AS routine,
        format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.oid = to_regnamespace($1::text)
        AND p.oid NOT IN (SELECT u.routine FROM unreadable AS u WHERE u.routine IS NOT NULL)
),
acls AS (
    SELECT r.name, r.part_of, '' AS of_column, r.relowner AS owner, a.*
    FROM relations AS r
    CROSS JOIN LATERAL aclexplode(coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, r.relowner))) AS a
    UNION ALL
    SELECT r.name, r.part_of, format(' (%I)', c.attname), r.relowner, a.*
    FROM relations AS r
    JOIN pg_catalog.pg_attribute AS c ON c.attrelid = r.relation
    CROSS JOIN LATERAL aclexplode(c.attacl) AS a
    UNION ALL
    -- Whoever may set the sequence that numbers a log's rows could have new ones numbered before older ones.
    SELECT r.name, r.part_of, ' of its sequence', r.relowner, a.*
    FROM relations AS r
    JOIN pg_catalog.pg_depend AS d
        ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.relation AND d.deptype = 'i'
    JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
    CROSS JOIN LATERAL aclexplode(s.relacl) AS a
    WHERE a.privilege_type = 'UPDATE'
    UNION ALL
    SELECT f.name, NULL, '', f.proowner, a.*
    FROM routines AS f
    CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS a
    UNION ALL
    SELECT format('schema %I', n.nspname), NULL, '', n.nspowner, a.*
    FROM pg_catalog.pg_namespace AS n
    CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
    WHERE n.oid = to_regnamespace($1::text)
),
facts AS (
    SELECT r.name, r.part_of, 'kind' AS aspect, '' AS item, concat(r.relkind, r.relpersistence) AS value
    FROM relations AS r
    UNION ALL
    SELECT r.name, r.part_of, 'owner', '', pg_get_userbyid(r.relowner) FROM relations AS r
    UNION ALL
    SELECT r.name, r.part_of, 'row security', '', concat(r.relrowsecurity, ', forced ', r.relforcerowsecurity)
    FROM relations AS r
    UNION ALL
    SELECT r.name, r.part_of, 'view text', '', concat(pg_get_viewdef(r.relation), r.reloptions::text)
    FROM relations AS r
    WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT r.name, r.part_of, 'bound', '', pg_get_expr(r.relpartbound, r.relation)
    FROM relations AS r
    WHERE r.relispartition
    UNION ALL
    SELECT r.name, r.part_of, 'child', i.inhrelid::regclass::text, ''
    FROM relations AS r
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = r.relation
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND NOT c.relispartition
    UNION ALL
    SELECT r.name, r.part_of, 'parent', i.inhparent::regclass::text, ''
    FROM relations AS r
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = r.relation
    WHERE NOT r.relispartition
    UNION ALL
    SELECT
        r.name,
        r.part_of,
        'column',
        a.attname,
        concat_ws(
            ' ',
            format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
            'IDENTITY ' || nullif(a.attidentity::text, ''),
            'GENERATED ' || nullif(a.attgenerated::text, '')
        )
    FROM relations AS r
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p', 'f')
    UNION ALL
    -- From version 18 on NOT NULL is a constraint too.
    SELECT r.name, r.part_of, 'constraint', pg_get_constraintdef(c.oid), concat('valid ', c.convalidated)
    FROM relations AS r
    JOIN pg_catalog.pg_constraint AS c ON c.conrelid = r.relation AND c.contype NOT IN ('n', 't')
    UNION ALL
    -- One more index that only finds rows is nobody's business; one with code or a condition of its own is.
    SELECT
        r.name,
        r.part_of,
        CASE WHEN i.indisunique OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN 'index' ELSE 'plain index' END,
        substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*'),
        concat('valid ', i.indisvalid)
    FROM relations AS r
    JOIN pg_catalog.pg_index AS i ON i.indrelid = r.relation
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS c WHERE c.conindid = i.indexrelid)
    UNION ALL
    SELECT
        r.name,
        r.part_of,
        'trigger',
        t.tgname,
        concat_ws(
            ' ',
            CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'D' THEN 'DISABLED' ELSE 'not ALWAYS' END,
            replace(pg_get_triggerdef(t.oid), concat(' ON ', r.name, ' '), ' ON <itself> ')
        )
    FROM relations AS r
    JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.relation AND NOT t.tgisinternal
    UNION ALL
    SELECT r.name, r.part_of, 'rule', w.rulename, concat(w.ev_enabled, ' ', pg_get_ruledef(w.oid))
    FROM relations AS r
    JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.relation AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT r.name, r.part_of, 'policy', p.polname, coalesce(pg_get_expr(p.polqual, p.polrelid), '')
    FROM relations AS r
    JOIN pg_catalog.pg_policy AS p ON p.polrelid = r.relation
    UNION ALL
    SELECT f.name, NULL, 'kind', '', concat('function ', f.prokind) FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'owner', '', pg_get_userbyid(f.proowner) FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'text', '', concat(f.prosrc, pg_get_function_sqlbody(f.oid)) FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'SECURITY DEFINER', '', f.prosecdef::text FROM routines AS f
    UNION ALL
    SELECT f.name, NULL, 'setting', s.setting, '' FROM routines AS f CROSS JOIN LATERAL unnest(f.proconfig) AS s (setting)
    UNION ALL
    SELECT
        f.name,
        NULL,
        'signature',
        '',
        concat_ws(
            ' ',
            pg_get_function_arguments(f.oid),
            'RETURNS',
            pg_get_function_result(f.oid),
            l.lanname,
            f.provolatile,
            CASE WHEN f.proisstrict THEN 'STRICT' END,
            CASE WHEN f.proleakproof THEN 'LEAKPROOF' END,
            f.probin
        )
    FROM routines AS f
    JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
    UNION ALL
    SELECT a.name, a.part_of, 'privilege', concat(
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END,
        ' ',
        a.privilege_type,
        a.of_column,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END
    ), ''
    FROM acls AS a
    WHERE a.grantee <> a.owner
    UNION ALL
    SELECT format('%I.%I', $1::text, t.typname), NULL, 'kind', '', concat('type ', t.typtype)
    FROM pg_catalog.pg_type AS t
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
    WHERE t.typnamespace = to_regnamespace($1::text)
        AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c' OR (t.typtype = 'b' AND t.typelem = 0))
    UNION ALL
    SELECT o.oid::regoperator::text, NULL, 'kind', '', 'operator'
    FROM pg_catalog.pg_operator AS o
    WHERE o.oprnamespace = to_regnamespace($1::text)
    UNION ALL
    SELECT c.oid::regclass::text, NULL, 'locked', '', u.locked
    FROM unreadable AS u
    JOIN pg_catalog.pg_class AS c ON c.oid = u.relation AND c.relnamespace = to_regnamespace($1::text)
    UNION ALL
    SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), NULL, 'locked', '', u.locked
    FROM unreadable AS u
    JOIN pg_catalog.pg_proc AS p ON p.oid = u.routine
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.oid = to_regnamespace($1::text)
)
SELECT f.name, f.part_of, f.aspect, f.item, f.value
FROM facts AS f
ORDER BY f.name COLLATE "C", f.aspect COLLATE "C", f.item COLLATE "C";
