-- The settings of DMS's sessions in this database, by its user: what a value looks like as text, what a session sees, and how
-- long it may live. They outrank what the database, the role in general, the server or a parameter group say. A server that
-- does not know one goes without it.
DO $do$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.name, w.value
        FROM (VALUES :settings) AS w (name, value)
        JOIN pg_catalog.pg_settings AS s ON s.name = w.name
    LOOP
        -- From this session, which has the value for a moment, because a list of names cannot be written as one literal.
        PERFORM pg_catalog.set_config(wanted.name, wanted.value, true);
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I IN DATABASE %I SET %s FROM CURRENT', :'dms', pg_catalog.current_database(), wanted.name
        );
    END LOOP;
END
$do$;
