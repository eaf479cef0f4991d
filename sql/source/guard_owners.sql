-- What follows is for the owners of the table and its partitions to do.
SELECT audit_trail.borrow_owners(format('%I.%I', :'schema', :'table')::regclass);
