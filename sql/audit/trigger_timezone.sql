-- The text of a timestamptz in the log, and so in a row's key, must not depend on the session that writes it. Only for
-- tables that have one: a setting costs every call some microseconds.
SET LOCAL ROLE audit_trail_owner;

ALTER FUNCTION audit_trail.:"trigger_function"() SET timezone = 'UTC';

RESET ROLE;
