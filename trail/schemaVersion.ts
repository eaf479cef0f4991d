/** The version of the audit schema that this program makes; sql/audit/schema_version.sql says what each version is. */
export const SCHEMA_VERSION = 2;
