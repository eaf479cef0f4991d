-- Whether a server that the stack did not make can be its source, as far as nothing may be touched before it is known: what
-- the login may do, and whose trail is there. $1 = the roles and $2 = the schemas that the trail will make.
SELECT
    current_setting('server_version') AS version,
    pg_is_in_recovery() AS is_standby,
    -- Where RDS's roles are, a membership is what replicates; elsewhere an attribute.
    (SELECT count(*) = 2 FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('rds_superuser', 'rds_replication')) AS has_rds_roles,
    me.rolsuper OR me.rolcreaterole AS may_create_roles,
    me.rolsuper OR me.rolreplication AS may_give_replication,
    has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
    ARRAY(SELECT s.slot_name::text FROM pg_catalog.pg_replication_slots AS s ORDER BY 1) AS slots,
    ARRAY(SELECT r.rolname::text FROM pg_catalog.pg_roles AS r WHERE r.rolname = ANY ($1::text[]) ORDER BY 1) AS roles,
    ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ANY ($2::text[]) ORDER BY 1) AS schemas
FROM pg_catalog.pg_roles AS me
WHERE me.rolname = current_user;
