-- The largest value of a column that DMS carries as a large object, in bytes of its text, of a bytea in bytes: one row. :part is
-- empty for the whole table, or takes a sample of its pages.
SELECT max(octet_length(:value))::text AS bytes
FROM :"schema".:"table" AS t :part;
