-- The statements that make the master user; $1 = its name, $2 = its password.
-- Attributes as RDS documents them: no superuser, no REPLICATION, everything through rds_superuser.
SELECT unnest(ARRAY[
    format('CREATE ROLE %I LOGIN INHERIT CREATEDB CREATEROLE PASSWORD %L VALID UNTIL ''infinity''', $1::text, $2::text),
    format('GRANT rds_superuser TO %I WITH ADMIN OPTION', $1::text),
    format('GRANT rds_replication TO %I WITH ADMIN OPTION', $1::text)
]) AS statement;
