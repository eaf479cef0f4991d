-- Takes back the replica identity that an earlier deployment has set for this table.
SELECT audit_trail.identify_as_before(format('%I.%I', :'schema', :'table')::regclass);
