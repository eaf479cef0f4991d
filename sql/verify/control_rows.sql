-- One of DMS's control tables, by table. Its column names are upper case in some versions.
SELECT
    coalesce(j ->> 'table_owner', j ->> 'TABLE_OWNER') AS schema,
    coalesce(j ->> 'table_name', j ->> 'TABLE_NAME') AS "table",
    count(*)::text AS count,
    max(coalesce(j ->> 'error', j ->> 'ERROR', j ->> 'suspend_reason', j ->> 'SUSPEND_REASON')) AS reason
FROM (SELECT to_jsonb(t) AS j FROM :"schema".:"table" AS t) AS rows
WHERE coalesce(j ->> 'error_time', j ->> 'ERROR_TIME', j ->> 'suspend_timestamp', j ->> 'SUSPEND_TIMESTAMP')::timestamp
    >= coalesce($1::timestamptz AT TIME ZONE 'UTC', '-infinity')
GROUP BY 1, 2;
