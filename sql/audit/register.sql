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
    jsonb_object(ARRAY[:column_names], ARRAY[:column_types]),
    :'oid',
    jsonb_object(ARRAY[:column_names], ARRAY[:attnums]),
    jsonb_object(ARRAY[:column_names], CAST(ARRAY[:missing] AS text[]))
);

RESET ROLE;
