-- Takes the guards from tables that have left the list, and the replica identity that they got. Rights to truncate that were
-- revoked stay so.
SET LOCAL lock_timeout = '10s';

SELECT audit_trail.remove_guards(guarded.relation), audit_trail.identify_as_before(guarded.relation)
FROM (
    SELECT t.tgrelid::regclass AS relation
    FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    WHERE p.pronamespace = 'audit_trail'::regnamespace
        -- A partition's copy of its parent's trigger goes with that one.
        AND t.tgparentid = 0
    UNION
    SELECT b.relation
    FROM audit_trail.identity_before AS b
    JOIN pg_catalog.pg_class AS c ON c.oid = b.relation
) AS guarded
WHERE NOT EXISTS (
    SELECT
    FROM (VALUES :audited) AS a (schema_name, table_name)
    WHERE format('%I.%I', a.schema_name, a.table_name)::regclass = guarded.relation
        -- Of a partition the table counts that it is a part of.
        OR format('%I.%I', a.schema_name, a.table_name)::regclass
            IN (SELECT r FROM pg_catalog.pg_partition_ancestors(guarded.relation) AS r)
);

SELECT audit_trail.return_owners();
