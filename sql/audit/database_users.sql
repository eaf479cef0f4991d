-- The people's logins that the config lists. Each is a member of one of the trail's two roles for people, and of nothing else by
-- this script, which runs as the user who deploys. A login of the kind iam is made here, with rds_iam and without a password. Any
-- other login is somebody else's: it gets the membership, unless it has it already, and loses what it was given; it is neither
-- altered nor dropped. audit_trail.database_user has what was given, so that no more than that is taken.
DO $do$
DECLARE
    users jsonb := :users;
    known record;
    wanted record;
    current_name name;
BEGIN
    -- First what is not listed any more, or as something else.
    FOR known IN
        SELECT d.login, d.login_oid, d.member_of, d.is_made, d.is_given, w.is_made IS DISTINCT FROM d.is_made OR r.rolname <> d.login AS goes
        FROM audit_trail.database_user AS d
        LEFT JOIN jsonb_to_recordset(users) AS w (login text, member_of text, is_made boolean) ON w.login = d.login
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = d.login_oid
        WHERE (w.member_of, w.is_made, r.rolname) IS DISTINCT FROM (d.member_of, d.is_made, d.login::name)
    LOOP
        SELECT r.rolname INTO current_name FROM pg_catalog.pg_roles AS r WHERE r.oid = known.login_oid;
        IF current_name IS NULL THEN
            DELETE FROM audit_trail.database_user AS d WHERE d.login = known.login;
            CONTINUE;
        END IF;
        IF known.is_given AND EXISTS (
            SELECT
            FROM pg_catalog.pg_auth_members AS m
            WHERE m.member = known.login_oid AND pg_get_userbyid(m.roleid) = known.member_of
        ) THEN
            EXECUTE format('REVOKE %I FROM %I', known.member_of, current_name);
        END IF;
        IF NOT known.goes THEN
            CONTINUE;
        END IF;
        IF known.is_made THEN
            BEGIN
                EXECUTE format('DROP ROLE %I', current_name);
            EXCEPTION WHEN dependent_objects_still_exist THEN
                -- Nobody comes in as it any more. The look tells what is left to do.
                EXECUTE format('ALTER ROLE %I NOLOGIN', current_name);
                CONTINUE;
            END;
        END IF;
        DELETE FROM audit_trail.database_user AS d WHERE d.login = known.login;
    END LOOP;

    FOR wanted IN
        SELECT
            w.login,
            w.member_of,
            w.is_made,
            r.oid,
            r.rolcanlogin,
            d.login IS NOT NULL AS is_known,
            EXISTS (
                SELECT
                FROM pg_catalog.pg_auth_members AS m
                WHERE m.member = r.oid AND pg_get_userbyid(m.roleid) = w.member_of
            ) AS is_member
        FROM jsonb_to_recordset(users) AS w (login text, member_of text, is_made boolean)
        LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = w.login
        LEFT JOIN audit_trail.database_user AS d ON d.login = w.login AND d.login_oid = r.oid AND d.is_made
        ORDER BY w.login
    LOOP
        IF NOT wanted.is_made AND wanted.oid IS NULL THEN
            RAISE EXCEPTION 'the config key databaseUsers lists the login "%" as one that exists, and the audit server has none', wanted.login
                USING HINT = 'create it there, or give it the authentication iam';
        ELSIF wanted.is_made AND wanted.oid IS NOT NULL AND NOT wanted.is_known THEN
            RAISE EXCEPTION 'the login "%" of the config key databaseUsers exists on the audit server, and this program did not make it', wanted.login
                USING HINT = 'give it the authentication existing, or drop it there';
        ELSIF wanted.is_made AND wanted.oid IS NULL THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted.login);
        ELSIF wanted.is_made AND NOT wanted.rolcanlogin THEN
            EXECUTE format('ALTER ROLE %I LOGIN', wanted.login);
        END IF;
        IF wanted.is_made THEN
            EXECUTE format('GRANT rds_iam TO %I', wanted.login);
        END IF;
        IF NOT wanted.is_member THEN
            EXECUTE format('GRANT %I TO %I', wanted.member_of, wanted.login);
        END IF;
        INSERT INTO audit_trail.database_user AS d (login, login_oid, member_of, is_made, is_given)
        SELECT wanted.login, r.oid, wanted.member_of, wanted.is_made, NOT wanted.is_member
        FROM pg_catalog.pg_roles AS r
        WHERE r.rolname = wanted.login
        ON CONFLICT (login) DO UPDATE
            SET login_oid = excluded.login_oid,
                member_of = excluded.member_of,
                is_made = excluded.is_made,
                -- What was given with an earlier list stays given.
                is_given = excluded.is_given
                    OR d.is_given AND d.login_oid = excluded.login_oid AND d.member_of = excluded.member_of;
    END LOOP;
END
$do$;
