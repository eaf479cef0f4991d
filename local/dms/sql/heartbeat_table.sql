CREATE TABLE IF NOT EXISTS {schema}.awsdms_heartbeat (
    hb_key               bigint PRIMARY KEY,
    hb_created_at        timestamp,
    hb_created_by        varchar(256),
    hb_last_heartbeat_at timestamp,
    hb_last_heartbeat_by varchar(256)
);
