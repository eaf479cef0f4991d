-- The roles that RDS creates on every PostgreSQL server, run once as rdsadmin.
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html
-- pg_read_all_data and pg_write_all_data are left out on purpose: what a program reads here it must have been granted.
-- A member of rds_superuser may make event triggers and every supported extension on RDS; PostgreSQL has no role for
-- either, so here only trusted extensions can be made and event triggers cannot.
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_password NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_superuser NOLOGIN;
GRANT rds_replication, rds_password, rds_iam, pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
GRANT SET ON PARAMETER session_replication_role TO rds_superuser;
