-- Enters the partitions that a table has now into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_partitions(:'schema', :'table', CAST(:partitions AS jsonb));

RESET ROLE;
