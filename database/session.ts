import type pg = require("pg");

/**
 * What every session wants alike, the program's own and DMS's: how a value looks as text, what a statement means, and how
 * long the session may live.
 * https://www.postgresql.org/docs/current/runtime-config-client.html
 */
export const EXACT_SETTINGS: Readonly<Record<string, string>> = {
    IntervalStyle: "postgres",
    TimeZone: "UTC",
    extra_float_digits: "1",
    bytea_output: "hex",
    xmloption: "content",
    xmlbinary: "base64",
    // Both clusters write money alike.
    lc_monetary: "C",
    array_nulls: "on",
    quote_all_identifiers: "off",
    standard_conforming_strings: "on",
    transform_null_equals: "off",
    default_transaction_isolation: "read committed",
    default_transaction_read_only: "off",
    default_transaction_deferrable: "off",
    // What was confirmed, a crash must not take back.
    synchronous_commit: "on",
    statement_timeout: "0",
    lock_timeout: "0",
    idle_in_transaction_session_timeout: "0",
    idle_session_timeout: "0",
    transaction_timeout: "0",
};

/**
 * What every session of the program sets, so that neither PGOPTIONS nor ALTER ROLE, ALTER DATABASE or the server's
 * configuration decides. A server that does not know one goes without it.
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
    ...EXACT_SETTINGS,
    search_path: "pg_catalog, pg_temp",
    DateStyle: "ISO, YMD",
    check_function_bodies: "on",
    default_tablespace: "",
    default_table_access_method: "heap",
    row_security: "on",
};

/** What a session must be told as it begins, before it can be told anything: a time-out may be shorter than the way there. */
export const SESSION_OPTIONS = "-c statement_timeout=0 -c idle_session_timeout=0";

/** First what could end or refuse {@link SESSION_START}. Names of settings, not of a user's: nothing is quoted. */
export const SESSION_FREE =
    "SET statement_timeout = 0; SET default_transaction_read_only = off; SET ROLE NONE";

/** Sets what the JSON object $1 has, as far as the server knows it. */
export const SESSION_START = `SELECT pg_catalog.set_config(s.name, w.value, false)
         FROM pg_catalog.jsonb_each_text($1) AS w
         JOIN pg_catalog.pg_settings AS s ON s.name = w.key`;

/**
 * Makes a session independent of its surroundings; see {@link SESSION_SETTINGS}.
 *
 * @param others settings of the same kind that this session needs otherwise
 */
export async function prepareSession(
    client: pg.Client,
    others: Readonly<Record<string, string>> = {},
): Promise<void> {
    await client.query(SESSION_FREE);
    await client.query(SESSION_START, [JSON.stringify({ ...SESSION_SETTINGS, ...others })]);
}
