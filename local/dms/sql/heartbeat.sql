INSERT INTO {schema}.awsdms_heartbeat AS h
VALUES (1, pg_catalog.clock_timestamp(), $1, pg_catalog.clock_timestamp(), $1)
ON CONFLICT (hb_key) DO UPDATE
SET hb_last_heartbeat_at = excluded.hb_last_heartbeat_at,
    hb_last_heartbeat_by = excluded.hb_last_heartbeat_by;
