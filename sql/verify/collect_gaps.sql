-- Brings the gap ledger up to date with what DMS has reported; says how many gaps were new.
SELECT audit_trail.collect_gaps() AS found;
