-- The columns that the staging table of each table may have besides those that the source has now. These are the columns
-- that a deployment knows, because only those it has numbers of.
SELECT
    c.table_schema AS schema,
    c.table_name AS "table",
    to_jsonb(array_agg(DISTINCT c.name)) AS columns
FROM audit_trail.audited_column AS c
WHERE c.attnum IS NOT NULL
    -- An excluded column that never was in the trail has nothing to look for in staging.
    AND (c.gone_since IS NULL OR c.present_from < c.gone_since)
GROUP BY c.table_schema, c.table_name;
