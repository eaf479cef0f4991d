CREATE TABLE {schema}.awsdms_apply_exceptions (
    "TASK_NAME"   varchar(128) NOT NULL,
    "TABLE_OWNER" varchar(128) NOT NULL,
    "TABLE_NAME"  varchar(128) NOT NULL,
    "ERROR_TIME"  timestamp    NOT NULL,
    "STATEMENT"   text         NOT NULL,
    "ERROR"       text         NOT NULL
);
