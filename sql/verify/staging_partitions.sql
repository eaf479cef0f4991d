-- What the staging tables of the partitions of each partitioned table have to be.
SELECT
    p.table_schema AS schema,
    p.table_name AS "table",
    jsonb_agg(
        jsonb_build_object(
            'name', format('%I.%I', p.partition_schema, p.staging),
            'column_default', quote_literal(p.label) || '::text',
            'bound', format('FOR VALUES IN (%s)', quote_literal(p.label))
        )
        ORDER BY p.label
    ) AS partitions
FROM audit_trail.audited_partition AS p
GROUP BY p.table_schema, p.table_name;
