-- What DMS's user may do on the source cluster, all of it on this page: read the audited tables, and keep its heartbeat in a
-- schema of its own. What has left the list is found by its grants, so that a table that was renamed or dropped is in
-- nobody's way. Changes come from the WAL, which needs no right on a table; a load does.
DO $do$
DECLARE
    wanted record;
    is_member boolean;
BEGIN
    FOR wanted IN
        WITH listed AS (
            SELECT l.schema_name, l.table_name FROM (VALUES :tables) AS l (schema_name, table_name)
        ),
        rights AS (
            SELECT
                format('SCHEMA %I', n.nspname) AS object,
                n.nspowner AS owner,
                n.nspacl AS acl,
                r.privilege,
                r.privilege IS NOT NULL AS is_wanted,
                coalesce(has_schema_privilege('audit_trail_dms_source', n.oid, r.privilege), false) AS is_there
            FROM pg_catalog.pg_namespace AS n
            LEFT JOIN (
                SELECT DISTINCT l.schema_name, 'USAGE' FROM listed AS l
                UNION
                VALUES ('awsdms_heartbeat', 'USAGE'), ('awsdms_heartbeat', 'CREATE')
            ) AS r (name, privilege) ON r.name = n.nspname
            UNION ALL
            SELECT
                format('TABLE %I.%I', n.nspname, c.relname),
                c.relowner,
                c.relacl,
                'SELECT',
                l.table_name IS NOT NULL,
                has_table_privilege('audit_trail_dms_source', c.oid, 'SELECT')
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            LEFT JOIN listed AS l ON (l.schema_name, l.table_name) = (n.nspname, c.relname)
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        )
        SELECT
            r.object,
            pg_get_userbyid(r.owner) AS owner,
            r.is_wanted,
            r.is_there,
            CASE
                WHEN r.is_wanted THEN format('GRANT %s ON %s TO audit_trail_dms_source', r.privilege, r.object)
                ELSE format('REVOKE ALL ON %s FROM audit_trail_dms_source', r.object)
            END AS statement
        FROM rights AS r
        WHERE pg_get_userbyid(r.owner) <> 'audit_trail_dms_source'
            AND r.is_wanted <> EXISTS (
                SELECT FROM aclexplode(r.acl) AS a
                WHERE pg_get_userbyid(a.grantee) = 'audit_trail_dms_source'
                    AND a.privilege_type = coalesce(r.privilege, a.privilege_type)
            )
    LOOP
        -- Only an object's owner can give or take: as a member of it, for no longer than that takes.
        BEGIN
            is_member := pg_has_role(current_user, wanted.owner, 'USAGE');
            IF NOT is_member THEN
                -- A membership that is there and gives nothing would be lost with what is given back.
                IF EXISTS (
                    SELECT
                    FROM pg_auth_members AS m
                    JOIN pg_roles AS o ON o.oid = m.roleid AND o.rolname = wanted.owner
                    JOIN pg_roles AS me ON me.oid = m.member AND me.rolname = current_user
                    WHERE m.grantor = me.oid OR current_setting('server_version_num')::integer < 160000
                ) THEN
                    RAISE insufficient_privilege USING MESSAGE = 'the membership does not inherit';
                END IF;
                EXECUTE format('GRANT %I TO CURRENT_USER', wanted.owner);
            END IF;
            EXECUTE wanted.statement;
            IF NOT is_member THEN
                EXECUTE format('REVOKE %I FROM CURRENT_USER', wanted.owner);
            END IF;
        EXCEPTION
            WHEN insufficient_privilege OR invalid_grant_operation THEN
                -- What DMS's user has anyway, as everybody or as a member, is enough where nobody lets this user give more.
                IF wanted.is_wanted AND wanted.is_there THEN
                    CONTINUE;
                END IF;
                IF wanted.is_wanted THEN
                    RAISE EXCEPTION '% may not %: %', current_user, wanted.statement, SQLERRM
                        USING HINT = format('Run it as %s, or make %s a member of it.', wanted.owner, current_user);
                END IF;
                -- A right to read too many is no reason to stop.
                RAISE WARNING '% may not %: %', current_user, wanted.statement, SQLERRM;
        END;
    END LOOP;
END
$do$;
