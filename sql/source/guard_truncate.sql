-- A statement trigger: no row of any INSERT, UPDATE or DELETE meets it.
CREATE TRIGGER :"trigger" BEFORE TRUNCATE ON :"schema".:"table"
    FOR EACH STATEMENT EXECUTE FUNCTION audit_trail.:"function"();
ALTER TABLE :"schema".:"table" ENABLE ALWAYS TRIGGER :"trigger";
