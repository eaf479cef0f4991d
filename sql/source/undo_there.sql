-- Whether the trail's tables are in the source's database, without which there is nothing to undo but the rest.
SELECT pg_catalog.to_regclass('audit_trail.task_slot') IS NOT NULL AS there;
