-- Puts the log's function on the staging table. Run again whenever the function's body has changed: CREATE OR REPLACE
-- FUNCTION drops the settings below.
ALTER FUNCTION audit_trail.:"trigger_function"() OWNER TO audit_trail_owner;

SET LOCAL ROLE audit_trail_owner;

ALTER FUNCTION audit_trail.:"trigger_function"()
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION audit_trail.:"trigger_function"() FROM PUBLIC;

SELECT audit_trail.put_log_trigger(:'schema', :'table', :'trigger_function');
-- The log's function deletes as its owner; whoever deletes otherwise is another role.
CREATE OR REPLACE TRIGGER keep_removed_row AFTER DELETE ON :"schema".:"staging"
    FOR EACH ROW WHEN (current_user <> 'audit_trail_owner')
    EXECUTE FUNCTION audit_trail.keep_removed_row();
CREATE OR REPLACE TRIGGER log_reload BEFORE TRUNCATE ON :"schema".:"staging"
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload();

-- Also in a session whose session_replication_role is replica.
ALTER TABLE :"schema".:"staging" ENABLE ALWAYS TRIGGER keep_removed_row;
ALTER TABLE :"schema".:"staging" ENABLE ALWAYS TRIGGER log_reload;

RESET ROLE;
