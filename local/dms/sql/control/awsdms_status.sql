CREATE TABLE {schema}.awsdms_status (
    server_name              varchar(128) NOT NULL,
    task_name                varchar(128) NOT NULL,
    task_status              varchar(32)  NOT NULL,
    status_time              timestamp    NOT NULL,
    pending_changes          bigint       NOT NULL,
    disk_swap_size           bigint       NOT NULL,
    task_memory              bigint       NOT NULL,
    source_current_position  varchar(128) NOT NULL,
    source_current_timestamp timestamp,
    source_tail_position     varchar(128) NOT NULL,
    source_tail_timestamp    timestamp,
    source_timestamp_applied timestamp,
    PRIMARY KEY (server_name, task_name)
);
