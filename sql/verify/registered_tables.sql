-- Which source table each trail was deployed for, and with which key.
SELECT t.table_schema, t.table_name, t.source_oid, to_jsonb(t.primary_key) AS primary_key
FROM audit_trail.audited_table AS t;
