-- Takes away the guards that the table has now; those it shall have follow.
-- Nobody shall wait behind a deployment that waits for a long transaction on the table.
SET LOCAL lock_timeout = '10s';

SELECT audit_trail.remove_guards(format('%I.%I', :'schema', :'table')::regclass);
