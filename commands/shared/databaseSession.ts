import { Client } from "pg";
import type { Route } from "../../reach/route";
import { openTunnel, type Tunnel } from "../../reach/tunnel";
import { openSession, type PlainSessionOptions } from "./plainSession";

/** What is special about a session of a command, with the way to its database. */
interface SessionOptions extends Pick<PlainSessionOptions, "queryTimeoutMs"> {
    /** The way to the database; as it is if not given. */
    readonly route?: Route | undefined;
}

/** The tunnel for one session, where the route is one through the psql host. */
async function throughTunnel(
    connectionString: string,
    route: Route | undefined,
): Promise<Tunnel | undefined> {
    if (route === undefined || route.kind === "direct") {
        return undefined;
    }
    const { host, port } = new Client({ connectionString });
    return openTunnel(route, host, port);
}

/**
 * Connects a command to a database by the stack's way.
 *
 * @param command what the server calls the session
 * @throws PlainError with one sentence that says why not, and no password
 */
export async function connect(
    connectionString: string,
    command: string,
    { queryTimeoutMs, route }: SessionOptions = {},
): Promise<Client> {
    const tunnel = await throughTunnel(connectionString, route);
    return openSession(connectionString, command, { queryTimeoutMs, tunnel });
}
