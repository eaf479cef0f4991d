CREATE TABLE {schema}.awsdms_suspended_tables (
    server_name       varchar(128) NOT NULL,
    task_name         varchar(128) NOT NULL,
    table_owner       varchar(128) NOT NULL,
    table_name        varchar(128) NOT NULL,
    suspend_reason    varchar(32)  NOT NULL,
    suspend_timestamp timestamp    NOT NULL,
    PRIMARY KEY (server_name, task_name, table_owner, table_name)
);
