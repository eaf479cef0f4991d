-- Who is not the owner needs no right to truncate either.
SELECT audit_trail.revoke_truncate(format('%I.%I', :'schema', :'table')::regclass);
