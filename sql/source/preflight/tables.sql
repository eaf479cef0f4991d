-- How large and busy the tables named in $1 (schemas) and $2 (tables, same length) are, and who owns them: one row per table
-- that there is. Of a partitioned table the sums of its leaves. Counts are the server's own estimates; numbers that may be
-- larger than JavaScript's are texts.
WITH wanted AS (
    SELECT w.table_schema, w.table_name, c.oid, c.relowner, c.relreplident
    FROM unnest($1::text[], $2::text[]) AS w (table_schema, table_name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.table_schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name AND c.relkind IN ('r', 'p')
),
leaves AS (
    SELECT
        w.oid AS root,
        c.oid,
        c.relreplident,
        greatest(c.reltuples, 0)::bigint AS live_rows,
        pg_table_size(c.oid) AS bytes
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT w.oid AS relid
        UNION
        SELECT p.relid FROM pg_catalog.pg_partition_tree(w.oid::regclass) AS p WHERE p.isleaf
    ) AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
    WHERE c.relkind = 'r'
)
SELECT
    w.table_schema AS schema,
    w.table_name AS "table",
    pg_get_userbyid(w.relowner)::text AS owner,
    -- Or for a transaction, as audit_trail.borrow_owners() and sql/source/grants.sql become a member.
    pg_has_role(w.relowner, 'USAGE')
    OR pg_has_role(w.relowner, 'USAGE WITH ADMIN OPTION')
    OR (
        current_setting('server_version_num')::integer < 160000
        AND (SELECT me.rolcreaterole FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user)
        AND NOT (SELECT o.rolsuper FROM pg_catalog.pg_roles AS o WHERE o.oid = w.relowner)
    ) AS is_mine,
    coalesce(bool_or(l.relreplident = 'f'), false) AS has_full_identity,
    coalesce(sum(l.live_rows), 0)::text AS live_rows,
    coalesce(sum(l.bytes), 0)::text AS bytes,
    coalesce(sum(s.n_tup_ins), 0)::text AS inserted,
    coalesce(sum(s.n_tup_upd), 0)::text AS updated,
    coalesce(sum(s.n_tup_del), 0)::text AS deleted
FROM wanted AS w
LEFT JOIN leaves AS l ON l.root = w.oid
LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = l.oid
GROUP BY w.oid, w.table_schema, w.table_name, w.relowner
ORDER BY w.table_schema COLLATE "C", w.table_name COLLATE "C";
