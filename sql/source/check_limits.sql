-- Whether the rows that are there keep to the limits that the config declares. After the guard, which waited for whoever wrote
-- before it: what is written from then on has met it. The table is held, and where a policy would hide rows from this look, it
-- fails: the policy's functions would run with the rights of whoever looks.
SET LOCAL row_security = off;

DO $do$
BEGIN
    IF EXISTS (SELECT FROM :"schema".:"table" AS t WHERE :is_over) THEN
        RAISE EXCEPTION 'The table % has values beyond the limit that the config key columns declares (%).', :'about', :'limits'
            USING HINT = 'Declare a wider limit, change the values, or exclude the column.';
    END IF;
END
$do$;
