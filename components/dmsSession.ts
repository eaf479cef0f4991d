import type { SqlFile } from "./trail/shape";
import { renderSql, SqlFragment, type Variables } from "./trail/template";

/**
 * What the sessions of DMS's users are to find, as PostgreSQL itself has it by default: what DMS was made for. Which settings
 * DMS makes itself is not published, so that a date in another style, a float with fewer digits or a time-out that somebody
 * gives the database, the server or the role would change or end what it reads and writes.
 *
 * Where PostgreSQL's default is not the safe one: `wal_sender_timeout` 0 is what the DMS guide asks for, `lc_monetary`
 * makes both clusters write money alike, and with `row_security` off a row that a policy hides is an error and not absent.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
 * https://www.postgresql.org/docs/current/runtime-config-client.html
 */
export const DMS_SESSION: Readonly<Record<string, string>> = {
    search_path: '"$user", public',
    client_encoding: "UTF8",
    DateStyle: "ISO, MDY",
    IntervalStyle: "postgres",
    TimeZone: "UTC",
    extra_float_digits: "1",
    bytea_output: "hex",
    xmloption: "content",
    xmlbinary: "base64",
    lc_monetary: "C",
    array_nulls: "on",
    quote_all_identifiers: "off",
    standard_conforming_strings: "on",
    transform_null_equals: "off",
    default_transaction_isolation: "read committed",
    default_transaction_read_only: "off",
    default_transaction_deferrable: "off",
    row_security: "off",
    // What DMS has confirmed to the source, a crash of the target must not take back.
    synchronous_commit: "on",
    statement_timeout: "0",
    lock_timeout: "0",
    idle_in_transaction_session_timeout: "0",
    idle_session_timeout: "0",
    transaction_timeout: "0",
    wal_sender_timeout: "0",
};

/** What the batch with {@link dmsSession} is about. */
export const SESSIONS = "the sessions of DMS's user";

function variables(user: string): Variables {
    const rows = Object.entries(DMS_SESSION).map(([name, value]) => ({ name, value }));
    return { dms: user, settings: SqlFragment.each("(:'name', :'value')", rows, ", ") };
}

/** Gives DMS's user its sessions' settings in one database; see {@link DMS_SESSION}. */
export function dmsSession(user: string): SqlFile {
    return renderSql("sql/dms/session.sql", variables(user));
}

/**
 * A query for those that it lacks, in the words of a script's look.
 */
export function dmsSessionLook(user: string): SqlFile {
    return renderSql("sql/dms/session_look.sql", { ...variables(user), about: SESSIONS });
}
