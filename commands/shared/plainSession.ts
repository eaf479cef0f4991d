import { Client } from "pg";
import { connectionProblem, isUnreachable } from "../../database/connection";
import { SESSION_OPTIONS } from "../../database/session";
import type { Tunnel } from "../../reach/tunnel";
import { codeOf, PlainError } from "../../text/errors";

const CONNECT_TIMEOUT_MS = 15_000;

/** What is special about a session of a command. */
export interface PlainSessionOptions {
    /** How long one statement may take; for ever if not given. */
    readonly queryTimeoutMs?: number | undefined;
    /** An open way to the database, which the session closes; straight there if not given. */
    readonly tunnel?: Tunnel | undefined;
}

/**
 * Connects a command to a database. It knows of no way through a host: the psql host's own program has this function.
 *
 * @param command what the server calls the session
 * @throws PlainError with one sentence that says why not, and no password
 */
export async function openSession(
    connectionString: string,
    command: string,
    { queryTimeoutMs, tunnel }: PlainSessionOptions = {},
): Promise<Client> {
    const client = new Client({
        ...tunnel?.options,
        connectionString,
        connectionTimeoutMillis: queryTimeoutMs ?? CONNECT_TIMEOUT_MS,
        ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
        application_name: `audit-trail ${command}`,
        // Until the session is prepared; and a variable of that name decides nothing.
        options: SESSION_OPTIONS,
    });
    // A connection that breaks while idle raises an event; the next query tells.
    client.on("error", () => undefined);
    client.once("end", () => {
        void tunnel?.close();
    });
    try {
        await client.connect();
        return client;
    } catch (cause) {
        await client.end().catch(() => undefined);
        const { host, port, database = "", user = "" } = client;
        const connection = { host, port, database, user, password: "", caPath: "" };
        const isDown = isUnreachable(cause) && /^(localhost|127\.|::1)/.test(host);
        throw new PlainError(
            isDown
                ? `The database "${database}" at ${host}:${String(port)} does not answer (${codeOf(cause) || "no answer in time"}); if it is the laptop stack's, "npm run status" shows what runs and "npm start" brings it back.`
                : connectionProblem(connection, cause),
            { cause },
        );
    }
}
