-- AFTER: BEFORE would lock every updated row first, and write WAL for it. With a list of columns an UPDATE that does not
-- name them does nothing for this trigger; without one its condition is made ready for every UPDATE. The condition
-- compares bytes, as the WAL does: equal is not the same to an interval, a -0 or a text with a collation of its own. The
-- function and not the operator *<>, which pg_dump, and so pg_upgrade, writes as one of the columns and not of the rows.
CREATE TRIGGER :"trigger" AFTER UPDATE :of_key_columns ON :"schema".:"table"
    FOR EACH ROW WHEN (pg_catalog.record_image_ne(ROW(:old_key), ROW(:new_key)))
    EXECUTE FUNCTION audit_trail.:"function"(:key_names);
ALTER TABLE :"schema".:"table" ENABLE ALWAYS TRIGGER :"trigger";
