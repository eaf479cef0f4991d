-- Enters the table into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_table(
    :'schema',
    :'table',
    :'staging',
    :'audit_log',
    :'tombstone',
    :'partition_prefix',
    ARRAY[:key_names],
    jsonb_object(ARRAY[:column_names], ARRAY[:column_types])
);

RESET ROLE;
