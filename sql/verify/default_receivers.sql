-- Who gets rights on what the owner of the logs makes, by ALTER DEFAULT PRIVILEGES without a schema. The copy of the trail that is
-- compared with the real one is made without them.
SELECT
    CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'FUNCTIONS' END AS objects,
    string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ') AS receivers
FROM pg_catalog.pg_default_acl AS d
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
WHERE d.defaclrole = to_regrole(:'owner')
    AND d.defaclnamespace = 0
    AND d.defaclobjtype IN ('r', 'S', 'f')
    AND a.grantee <> d.defaclrole
GROUP BY d.defaclobjtype;
