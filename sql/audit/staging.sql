-- Staging: the source's columns as plain columns, then the four that DMS adds. DMS writes every column, hence no
-- default, no identity, no generated column, and no constraint but the key.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS :"schema".:"staging" (
    :columns,
    operation varchar(50),
    commit_timestamp timestamp(6),
    stream_position varchar(50),
    change_seq varchar(50),
    PRIMARY KEY (:key_columns)
);
COMMENT ON TABLE :"schema".:"staging" IS :'comment';

SELECT audit_trail.check_key(:'staging_name'::regclass, ARRAY[:key_names]);
SELECT audit_trail.fit_column(:'staging_name'::regclass, c.name, c.type, c.in_key, c.missing)
FROM (
    VALUES
        :column_rows,
        ('operation', 'character varying(50)', false, NULL),
        ('commit_timestamp', 'timestamp(6) without time zone', false, NULL),
        ('stream_position', 'character varying(50)', false, NULL),
        ('change_seq', 'character varying(50)', false, NULL)
) AS c (name, type, in_key, missing);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON :"schema".:"staging" TO audit_trail_dms_target;

RESET ROLE;
