CREATE TABLE {schema}.awsdms_history (
    server_name       varchar(128) NOT NULL,
    task_name         varchar(128) NOT NULL,
    timeslot_type     varchar(32)  NOT NULL,
    timeslot          timestamp    NOT NULL,
    timeslot_duration bigint       NOT NULL,
    timeslot_latency  bigint       NOT NULL,
    records           bigint       NOT NULL,
    volume            bigint       NOT NULL
);
