-- An extension of the source whose types a table has, in the schema it has there. It is trusted: the database's owner
-- may create it.
CREATE SCHEMA IF NOT EXISTS :"schema";
CREATE EXTENSION IF NOT EXISTS :"extension" SCHEMA :"schema";
GRANT USAGE ON SCHEMA :"schema" TO audit_trail_owner, audit_trail_dms_target, audit_trail_auditor;
