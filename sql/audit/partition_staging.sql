-- Makes staging tables that a table's partitions lack.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.make_partition_staging(:'schema', :'table', :count);

RESET ROLE;
