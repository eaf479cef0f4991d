-- The settings of DMS's sessions in this database that are not as sql/dms/session.sql leaves them; no row when all are.
SELECT :'about' AS about, pg_catalog.format('%s has not %s = %s in its sessions', :'dms', w.name, w.value) AS finding
FROM (VALUES :settings) AS w (name, value)
JOIN pg_catalog.pg_settings AS s ON s.name = w.name
WHERE NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_db_role_setting AS d
    JOIN pg_catalog.pg_roles AS r ON r.oid = d.setrole
    JOIN pg_catalog.pg_database AS b ON b.oid = d.setdatabase
    CROSS JOIN pg_catalog.unnest(d.setconfig) AS c (setting)
    WHERE r.rolname = :'dms'
        AND b.datname = pg_catalog.current_database()
        AND c.setting = pg_catalog.concat(w.name, '=', w.value)
)
ORDER BY w.name;
