-- One row per task; the last applied time stays when there is no newer one.
INSERT INTO {schema}.awsdms_status AS s (
    server_name, task_name, task_status, status_time, pending_changes, disk_swap_size, task_memory,
    source_current_position, source_tail_position,
    source_current_timestamp, source_tail_timestamp, source_timestamp_applied
)
VALUES ($1, $2, $3, pg_catalog.clock_timestamp(), $4, 0, $5, $6, $6, $7, $7, $7)
ON CONFLICT (server_name, task_name) DO UPDATE
SET task_status              = excluded.task_status,
    status_time              = excluded.status_time,
    pending_changes          = excluded.pending_changes,
    task_memory              = excluded.task_memory,
    source_current_position  = excluded.source_current_position,
    source_tail_position     = excluded.source_tail_position,
    source_current_timestamp = excluded.source_current_timestamp,
    source_tail_timestamp    = excluded.source_tail_timestamp,
    source_timestamp_applied = coalesce(excluded.source_timestamp_applied, s.source_timestamp_applied);
