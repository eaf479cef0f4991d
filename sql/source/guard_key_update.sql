-- AFTER and only OF the key's columns: an UPDATE that does not name them does nothing for this trigger. BEFORE would
-- lock every updated row first, and write WAL for it.
CREATE TRIGGER :"trigger" AFTER UPDATE OF :key_columns ON :"schema".:"table"
    FOR EACH ROW WHEN (:key_differs)
    EXECUTE FUNCTION audit_trail.:"function"(:key_names);
ALTER TABLE :"schema".:"table" ENABLE ALWAYS TRIGGER :"trigger";
