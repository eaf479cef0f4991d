import { EXACT_SETTINGS } from "../database/session";
import { renderSql, type SqlFile, SqlFragment, type Variables } from "../database/sqlTemplate";

/**
 * What the sessions of DMS's users are to find, as PostgreSQL itself has it by default: what DMS was made for. Which settings
 * DMS makes itself is not published, so that a date in another style, a float with fewer digits or a time-out that somebody
 * gives the database, the server or the role would change or end what it reads and writes.
 *
 * Where PostgreSQL's default is not the safe one: `wal_sender_timeout` 0 is what the DMS guide asks for, and with
 * `row_security` off a row that a policy hides is an error and not absent.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
 * https://www.postgresql.org/docs/current/runtime-config-client.html
 */
const DMS_SESSION: Readonly<Record<string, string>> = {
    ...EXACT_SETTINGS,
    search_path: '"$user", public',
    client_encoding: "UTF8",
    DateStyle: "ISO, MDY",
    row_security: "off",
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
