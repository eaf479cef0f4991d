-- What the last deployment's config said of single columns: those that staging holds as another type than the source, and
-- those that are left out of the trail.
SELECT
    c.table_schema AS schema,
    c.table_name AS "table",
    c.name,
    c.attnum,
    c.type,
    c.source_type,
    NULL AS excluded_because,
    NULL AS excluded_since
FROM audit_trail.audited_column AS c
WHERE c.gone_since IS NULL AND c.source_type IS NOT NULL
UNION ALL
SELECT
    e.table_schema,
    e.table_name,
    e.name,
    e.attnum,
    e.type,
    NULL,
    e.excluded_because,
    CASE
        WHEN e.gone_since > '-infinity' THEN to_char(e.gone_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END
FROM audit_trail.excluded_column AS e;
