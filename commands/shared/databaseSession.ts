import { Client } from "pg";
import { connectionProblem, isUnreachable } from "../../database/connection";
import { SESSION_OPTIONS } from "../../database/session";
import { codeOf, PlainError } from "../../text/errors";

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Connects a command to a database.
 *
 * @param command what the server calls the session
 * @param queryTimeoutMs how long one statement may take; for ever if not given
 * @throws PlainError with one sentence that says why not, and no password
 */
export async function connect(
    connectionString: string,
    command: string,
    queryTimeoutMs?: number,
): Promise<Client> {
    const client = new Client({
        connectionString,
        connectionTimeoutMillis: queryTimeoutMs ?? CONNECT_TIMEOUT_MS,
        ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
        application_name: `audit-trail ${command}`,
        // Until the session is prepared; and a variable of that name decides nothing.
        options: SESSION_OPTIONS,
    });
    // A connection that breaks while idle raises an event; the next query tells.
    client.on("error", () => undefined);
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
