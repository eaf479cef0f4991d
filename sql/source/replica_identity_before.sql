-- What an earlier deployment has asked of the WAL for this table is asked no more.
SELECT audit_trail.identify_as_before(format('%I.%I', :'schema', :'table')::regclass);
