-- With which arguments a log's trigger must have been made.
SELECT audit_trail.log_trigger_arguments(:'schema', :'table') AS log_arguments;
