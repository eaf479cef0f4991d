-- The functions of the guards, and what else runs when a marker is written.
SELECT p.proname AS name, p.prosrc AS body
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = to_regnamespace('audit_trail')
UNION ALL
SELECT format('the trigger %I of audit_trail.marker', t.tgname), NULL
FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = to_regclass('audit_trail.marker') AND NOT t.tgisinternal
UNION ALL
SELECT format('the rule %I of audit_trail.marker', w.rulename), NULL
FROM pg_catalog.pg_rewrite AS w
WHERE w.ev_class = to_regclass('audit_trail.marker');
