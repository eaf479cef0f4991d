-- Which version of the audit schema this database has: trail/schemaVersion.ts lists them. A change to it is a numbered step with
-- a test: the program runs the steps between the version that it finds and its own. Two versions of the program must not work
-- on one trail.
SET LOCAL ROLE audit_trail_owner;

CREATE TABLE IF NOT EXISTS audit_trail.schema_version (
    version integer PRIMARY KEY,
    reached_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE audit_trail.schema_version IS 'The versions that the audit schema has had, and since when.';

DO $do$
DECLARE
    wanted CONSTANT integer := :version;
    oldest CONSTANT integer := 2;
    present integer;
BEGIN
    SELECT max(v.version) INTO present FROM audit_trail.schema_version AS v;
    IF present > wanted THEN
        RAISE EXCEPTION 'The audit schema has version %, and this program knows versions up to %.', present, wanted
            USING HINT = 'Deploy with the version of the program that was used last, or a newer one.';
    END IF;
    IF present < oldest THEN
        RAISE EXCEPTION 'The audit schema has version %, of before the first release, from which no step leads to version %.',
            present, wanted
            USING HINT = 'Destroy the stack and deploy it again, or go on with the version of the program that made it.';
    END IF;
END
$do$;
INSERT INTO audit_trail.schema_version (version) VALUES (:version) ON CONFLICT (version) DO NOTHING;

RESET ROLE;
