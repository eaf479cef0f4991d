-- What the text of a value, a type or a name in the catalog depends on, whatever the database or the role has set.
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET timezone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET array_nulls = on;
SET quote_all_identifiers = off;
SET search_path = pg_catalog, pg_temp;
