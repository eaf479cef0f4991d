-- The functions of the guards as they are, and what else there is about the markers that a deployment does not make: what runs
-- or decides when one is written, and who may take one away. body is null for the latter.
WITH marker AS (
    SELECT c.*, c.oid AS relation
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = to_regclass('audit_trail.marker')
)
SELECT
    p.proname AS name,
    p.prosrc AS body,
    p.prosecdef AS is_definer,
    -- A session with quote_all_identifiers writes the same path with quotes.
    replace(
        coalesce(array_to_string(p.proconfig, '; '), ''),
        'search_path="pg_catalog", "pg_temp"',
        'search_path=pg_catalog, pg_temp'
    ) AS settings,
    CASE WHEN p.proowner <> m.relowner THEN pg_get_userbyid(p.proowner)::text END AS other_owner
FROM pg_catalog.pg_proc AS p
LEFT JOIN marker AS m ON true
WHERE p.pronamespace = to_regnamespace('audit_trail')
UNION ALL
SELECT format('the trigger %I of audit_trail.marker', t.tgname), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = m.relation
WHERE NOT t.tgisinternal
UNION ALL
SELECT format('the rule %I of audit_trail.marker', w.rulename), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = m.relation
UNION ALL
SELECT format('the policy %I of audit_trail.marker', o.polname), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_policy AS o ON o.polrelid = m.relation
UNION ALL
SELECT 'row security of audit_trail.marker', NULL, NULL, NULL, NULL
FROM marker AS m
WHERE m.relrowsecurity
UNION ALL
SELECT format('the child %s of audit_trail.marker', i.inhrelid::regclass), NULL, NULL, NULL, NULL
FROM marker AS m
JOIN pg_catalog.pg_inherits AS i ON i.inhparent = m.relation
UNION ALL
SELECT
    format(
        'the default privilege of %s to %s what %s makes in audit_trail',
        CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END,
        a.privilege_type,
        pg_get_userbyid(d.defaclrole)
    ),
    NULL, NULL, NULL, NULL
FROM pg_catalog.pg_default_acl AS d
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
WHERE d.defaclnamespace = to_regnamespace('audit_trail')
UNION ALL
SELECT
    format(
        'the right of %s to %s audit_trail.marker',
        CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee)::text END,
        a.privilege_type
    ),
    NULL, NULL, NULL, NULL
FROM marker AS m
CROSS JOIN LATERAL aclexplode(m.relacl) AS a
WHERE a.grantee <> m.relowner AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER');
