-- Takes away what the trail has made in the source's database, as far as it is there: all but the schemas and the role, which
-- go after it. Without CASCADE: what somebody else has made on top of it stays, and then so does this.
DO $do$
DECLARE
    granted record;
    made record;
    is_member boolean;
BEGIN
    -- DROP OWNED takes only what this session may take: a right that an owner gave, the owner takes.
    FOR granted IN
        WITH objects AS (
            SELECT format('SCHEMA %I', n.nspname) AS object, n.nspowner AS owner, n.nspacl AS acl
            FROM pg_catalog.pg_namespace AS n
            UNION ALL
            SELECT format('TABLE %I.%I', n.nspname, c.relname), c.relowner, c.relacl
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        )
        SELECT o.object, pg_get_userbyid(o.owner) AS owner
        FROM objects AS o
        JOIN pg_catalog.pg_roles AS d ON d.rolname = 'audit_trail_dms_source'
        WHERE o.owner <> d.oid AND EXISTS (SELECT FROM aclexplode(o.acl) AS a WHERE a.grantee = d.oid)
    LOOP
        is_member := pg_has_role(granted.owner, 'USAGE');
        IF NOT is_member THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', granted.owner);
        END IF;
        EXECUTE format('REVOKE ALL ON %s FROM audit_trail_dms_source', granted.object);
        IF NOT is_member THEN
            EXECUTE format('REVOKE %I FROM CURRENT_USER', granted.owner);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'audit_trail_dms_source') THEN
        is_member := pg_has_role(current_user, 'audit_trail_dms_source', 'USAGE');
        IF NOT is_member THEN
            GRANT audit_trail_dms_source TO CURRENT_USER;
        END IF;
        -- Its heartbeat.
        DROP OWNED BY audit_trail_dms_source RESTRICT;
        IF NOT is_member THEN
            REVOKE audit_trail_dms_source FROM CURRENT_USER;
        END IF;
    END IF;
    FOR made IN
        SELECT format('DROP TABLE %s RESTRICT', c.oid::regclass) AS statement
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = pg_catalog.to_regnamespace('audit_trail')
            AND c.relkind = 'r'
            AND c.relname IN (:relations)
        UNION ALL
        SELECT format('DROP FUNCTION %s RESTRICT', p.oid::regprocedure)
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = pg_catalog.to_regnamespace('audit_trail') AND p.proname IN (:functions)
    LOOP
        EXECUTE made.statement;
    END LOOP;
END
$do$;
