-- The text of a value in the log, and so in a row's key, must not depend on the session that writes it. Only the settings
-- that the table's types need: each costs every call some microseconds.
SET LOCAL ROLE audit_trail_owner;

:settings

RESET ROLE;
