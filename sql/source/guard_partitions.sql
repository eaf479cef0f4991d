-- The guard against TRUNCATE on each partition.
SELECT audit_trail.guard_partitions(format('%I.%I', :'schema', :'table')::regclass, :'trigger');
