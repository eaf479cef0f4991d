/**
 * The variables by which psql connects to an address of this stack: arguments could be read by every user of the machine.
 * https://www.postgresql.org/docs/current/libpq-envars.html
 */
export function psqlVariables(address: string): NodeJS.ProcessEnv {
    const url = new URL(address);
    return {
        PGHOST: url.hostname,
        PGPORT: url.port,
        PGUSER: decodeURIComponent(url.username),
        PGPASSWORD: decodeURIComponent(url.password),
        PGDATABASE: decodeURIComponent(url.pathname.slice(1)),
        PGSSLMODE: url.searchParams.get("sslmode") ?? "verify-full",
        PGSSLROOTCERT: url.searchParams.get("sslrootcert") ?? "",
        PGAPPNAME: "audit-trail psql",
    };
}
