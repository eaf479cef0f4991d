-- Who may write the tables $1, or read them as DMS, by whatever role he is in or can become; and whose the schemas are in which
-- they stand: the owner of a schema may drop what is in it. Those who deploy (this user, the database's owner) and the
-- server's own people (superusers, rds_superuser) may. What is granted outright is compared with what the scripts grant,
-- too.
WITH people AS MATERIALIZED (
    SELECT r.oid, r.rolname
    FROM pg_catalog.pg_roles AS r
    WHERE NOT r.rolsuper
        AND r.rolname NOT IN (current_user, session_user, :'owner')
        AND r.oid <> (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_roles AS s
            WHERE s.rolname = 'rds_superuser' AND pg_has_role(r.oid, s.oid, 'MEMBER')
        )
        -- PostgreSQL's own, pg_write_all_data among them, which nobody logs in as.
        AND r.rolname NOT LIKE 'pg\_%'
),
wanted AS MATERIALIZED (
    SELECT c.oid, n.nspname, n.nspowner
    FROM unnest($1::text[]) AS w (name)
    JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass(w.name)
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
),
holders AS MATERIALIZED (
    SELECT h.oid AS holder, w.oid AS relation, p.verb
    FROM pg_catalog.pg_roles AS h
    CROSS JOIN wanted AS w
    CROSS JOIN (
        VALUES ('write', 'INSERT, UPDATE, DELETE, TRUNCATE'), ('read', 'SELECT')
    ) AS p (verb, privileges)
    WHERE NOT h.rolsuper AND has_table_privilege(h.oid, w.oid, p.privileges)
)
SELECT DISTINCT format('%s may %s %s', r.rolname, h.verb, h.relation::regclass) AS finding
FROM people AS r
JOIN holders AS h ON pg_has_role(r.oid, h.holder, 'MEMBER')
WHERE (h.verb = 'write' OR r.rolname = :'dms')
    -- The collector writes gaps.
    AND NOT (r.rolname = :'collector' AND h.holder = r.oid)
UNION
SELECT format('the schema %I belongs to %s', w.nspname, r.rolname)
FROM wanted AS w
JOIN people AS r ON r.oid = w.nspowner
ORDER BY finding;
