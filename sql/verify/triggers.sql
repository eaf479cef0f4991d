-- The triggers of the relations $1, and of their partitions; a relation without any has one row with nulls.
SELECT
    wanted.name AS relation,
    member.relid::regclass::text AS member,
    member.relid <> wanted.name::regclass AS is_partition,
    t.tgname AS trigger,
    t.tgenabled AS enabled,
    pg_get_triggerdef(t.oid) AS definition
FROM unnest($1::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT wanted.name::regclass AS relid
    UNION
    SELECT p.relid FROM pg_partition_tree(wanted.name::regclass) AS p
) AS member
LEFT JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = member.relid AND NOT t.tgisinternal;
