-- The log function of one table.
SELECT
    pg_get_userbyid(p.proowner) AS owner,
    p.prosecdef AS security_definer,
    coalesce(p.proconfig, '{}') AS settings,
    p.prosrc AS body
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = 'audit_trail'::regnamespace AND p.proname = :'trigger_function';
