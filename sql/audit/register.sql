-- Enters the table and its columns into the registry.
SET LOCAL ROLE audit_trail_owner;

SELECT audit_trail.register_table(
    :'schema',
    :'table',
    :'staging',
    :'audit_log',
    :'tombstone',
    :'partition_prefix',
    ARRAY[:key_names],
    :'oid',
    to_jsonb(ARRAY[
        :columns
    ])
);

RESET ROLE;
