-- Puts the log's function on the staging table. A new one was made a moment ago, under a name that no function had before,
-- with the rights of whoever calls it: it gets its settings, its owner and then its rights before any change can run it.
-- One whose body somebody has changed gets its own back; it loses its settings by that, and has them again at the end of
-- the same transaction, before which no other session sees any of it.
CREATE OR REPLACE FUNCTION audit_trail.:"trigger_function"() RETURNS trigger
LANGUAGE plpgsql
AS :'body';

ALTER FUNCTION audit_trail.:"trigger_function"() OWNER TO audit_trail_owner;

SET LOCAL ROLE audit_trail_owner;

ALTER FUNCTION audit_trail.:"trigger_function"() SET search_path = pg_catalog, pg_temp;
:settings
ALTER FUNCTION audit_trail.:"trigger_function"() SECURITY DEFINER;
REVOKE ALL ON FUNCTION audit_trail.:"trigger_function"() FROM PUBLIC;

SELECT audit_trail.put_log_trigger(:'schema', :'table', :'trigger_function', :'uncommon');
-- The trail's own functions delete as its owner; whoever deletes otherwise is another role.
SELECT audit_trail.put_trigger(
    :'staging_name'::regclass,
    'keep_removed_row',
    '%1$I AFTER DELETE ON %2$s FOR EACH ROW WHEN (current_user <> ''audit_trail_owner'')
        EXECUTE FUNCTION audit_trail.keep_removed_row()'
);
SELECT audit_trail.put_trigger(
    :'staging_name'::regclass,
    'log_reload',
    '%1$I BEFORE TRUNCATE ON %2$s FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.record_reload()'
);

RESET ROLE;
