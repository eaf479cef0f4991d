-- Whether a deployment has come as far as the registry of the trail.
SELECT to_regclass('audit_trail.audited_table') IS NOT NULL AS is_deployed;
