import type pg = require("pg");

/**
 * Settings that decide how a statement is read, what a value looks like as text, what a session sees, and how long it may
 * live. Every session of the program sets them, so that neither PGOPTIONS nor ALTER ROLE, ALTER DATABASE or the server's
 * configuration decides. A server that does not know one goes without it.
 * https://www.postgresql.org/docs/current/runtime-config-client.html
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
    search_path: "pg_catalog, pg_temp",
    DateStyle: "ISO, YMD",
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
    check_function_bodies: "on",
    default_tablespace: "",
    default_table_access_method: "heap",
    default_transaction_isolation: "read committed",
    default_transaction_read_only: "off",
    default_transaction_deferrable: "off",
    row_security: "on",
    synchronous_commit: "on",
    statement_timeout: "0",
    lock_timeout: "0",
    idle_in_transaction_session_timeout: "0",
    idle_session_timeout: "0",
    transaction_timeout: "0",
};

/** What a session must be told as it begins, before it can be told anything: a time-out may be shorter than the way there. */
export const SESSION_OPTIONS = "-c statement_timeout=0 -c idle_session_timeout=0";

/**
 * Makes a session independent of its surroundings; see {@link SESSION_SETTINGS}.
 *
 * @param others settings of the same kind that this session needs otherwise
 */
export async function prepareSession(
    client: pg.Client,
    others: Readonly<Record<string, string>> = {},
): Promise<void> {
    // First what could end or refuse the second statement. Names of settings, not of a user's: nothing is quoted.
    await client.query(
        "SET statement_timeout = 0; SET default_transaction_read_only = off; SET ROLE NONE",
    );
    await client.query(
        `SELECT pg_catalog.set_config(s.name, w.value, false)
         FROM pg_catalog.jsonb_each_text($1) AS w
         JOIN pg_catalog.pg_settings AS s ON s.name = w.key`,
        [JSON.stringify({ ...SESSION_SETTINGS, ...others })],
    );
}
