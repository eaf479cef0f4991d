-- The people's logins that are not as sql/audit/database_users.sql leaves them; no row when all are.
SELECT :'about' AS about, f.finding
FROM (
    SELECT format('the login "%s" is not a member of %s', w.login, g.role) AS finding
    FROM jsonb_to_recordset(:users) AS w (login text, member_of text, is_made boolean)
    CROSS JOIN LATERAL unnest(CASE WHEN w.is_made THEN ARRAY[w.member_of, 'rds_iam'] ELSE ARRAY[w.member_of] END) AS g (role)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_auth_members AS m
        WHERE pg_get_userbyid(m.member) = w.login AND pg_get_userbyid(m.roleid) = g.role
    )
    UNION ALL
    SELECT format('the login "%s" is not to log in', w.login)
    FROM jsonb_to_recordset(:users) AS w (login text, member_of text, is_made boolean)
    JOIN pg_catalog.pg_roles AS r ON r.rolname = w.login
    WHERE w.is_made AND NOT r.rolcanlogin
    UNION ALL
    SELECT format(
        'the login "%1$s", which is not listed any more and cannot log in, has objects or rights: run REASSIGN OWNED BY %2$I TO CURRENT_USER and DROP OWNED BY %2$I in each database',
        r.rolname, r.rolname
    )
    FROM audit_trail.database_user AS d
    JOIN pg_catalog.pg_roles AS r ON r.oid = d.login_oid
    WHERE d.is_made
        AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(:users) AS w (login text, member_of text, is_made boolean)
            WHERE w.login = d.login AND w.is_made AND d.login = r.rolname
        )
) AS f
ORDER BY f.finding;
