-- The rows that the workload changes, as the full load leaves them: no position.
INSERT INTO {staging} (item_id, name, price, audit_trail_operation, audit_trail_commit_timestamp)
SELECT g, 'item ' || g, g % 1000, 'I', now() AT TIME ZONE 'UTC'
FROM generate_series(1, $1::integer) AS g
