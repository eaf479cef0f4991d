/**
 * The version of the audit schema that this program makes. A change that an older program must not work on is a version of its
 * own, listed here, with a test; sql/audit/schema_version.sql refuses a database of a version that it has no step from.
 *
 * - 1 was never released: the columns that DMS adds to staging had names that columns of the source may have.
 * - 2 begins them with `audit_trail_`. No step leads here from 1.
 */
export const SCHEMA_VERSION = 2;
