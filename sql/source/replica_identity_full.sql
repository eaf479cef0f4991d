-- The WAL of every update and delete carries the whole old row. The trail does not need it; it costs WAL.
SELECT audit_trail.identify_by_all_columns(format('%I.%I', :'schema', :'table')::regclass);
