-- Staging: the source's columns as plain columns, then the header columns that DMS adds. DMS writes every column. So there is
-- no default, no identity, no generated column, and no constraint but the key.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS :"schema".:"staging" (
    :columns:key
):partitioning;
-- DMS locks staging first, and the log and everything else after it. So does whoever changes a trail.
LOCK TABLE :"schema".:"staging" IN SHARE ROW EXCLUSIVE MODE;
COMMENT ON TABLE :"schema".:"staging" IS :'comment';

SELECT audit_trail.check_partitioning(:'staging_name'::regclass, :is_partitioned);
SELECT audit_trail.check_key(:'staging_name'::regclass, ARRAY[:key_names]);
SELECT audit_trail.fit_column(:'staging_name'::regclass, c.name, c.type, c.in_key, c.missing)
FROM (
    VALUES
        :column_rows
) AS c (name, type, in_key, missing);

RESET ROLE;
