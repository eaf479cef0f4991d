-- Columns that a deployment added to one staging table after the session of DMS that applies its changes had begun: DMS
-- learns a table's columns when its task starts. Nothing while that session cannot be seen.
SELECT DISTINCT a.column_name AS name
FROM audit_trail.gap AS g
CROSS JOIN LATERAL jsonb_each_text(g.detail -> 'after') AS a (column_name, column_type)
WHERE g.kind = 'shape change'
    AND g.table_schema = :'schema'
    AND g.table_name = :'table'
    AND NOT g.detail ? 'added_by'
    AND g.detail -> 'before' ->> a.column_name IS DISTINCT FROM a.column_type
    AND g.to_timestamp > (
        SELECT s.backend_start
        FROM audit_trail.apply_session AS known
        JOIN pg_catalog.pg_stat_activity AS s
            ON concat_ws(' of ', s.pid, pg_catalog.pg_postmaster_start_time()) = known.session
        WHERE known.table_group = (
            SELECT coalesce(t.table_group, 'default')
            FROM audit_trail.audited_table AS t
            WHERE (t.table_schema, t.table_name) = (:'schema', :'table')
        )
    )
ORDER BY name;
