-- Refuses values beyond the limits that the config declares for columns whose types have none: DMS would round or cut them, and
-- nothing would tell. AFTER, because BEFORE triggers of the application may still change the row; the condition is what rows
-- within the limits cost.
CREATE TRIGGER audit_trail_refuse_over_limit AFTER INSERT OR UPDATE ON :"schema".:"table"
    FOR EACH ROW WHEN (:is_over)
    EXECUTE FUNCTION audit_trail.refuse_over_limit(:limits);
ALTER TABLE :"schema".:"table" ENABLE ALWAYS TRIGGER audit_trail_refuse_over_limit;
