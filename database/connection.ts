import { codeOf, messageOf } from "../text/errors";
// Captured by the functions that a dynamic provider serialises: only a module that is bound like this, and not an
// import's copy of it, is written down as a require in its process.
import fs = require("node:fs");
import pg = require("pg");
import type { Route } from "../reach/route";
import type * as tunnels from "../reach/tunnel";
import { projectModule } from "./projectModule";
import { prepareSession, SESSION_OPTIONS } from "./session";

/** How to reach one database as one user. */
export interface Connection {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
    readonly password: string;
    /** The passwords before this one, with a blank between two. A server to which this one has not come yet still has one of them. */
    readonly formerPassword?: string;
    /**
     * Path of the PEM file of the certificate authorities that may have signed the server's certificate, relative to the
     * program's working folder. Not its text: the state holds a connection for every script, and Amazon's bundle is large.
     */
    readonly caPath: string;
    /** The way to the server; without one this machine reaches it as it is. */
    readonly route?: Route;
}

/** How long a server may take to answer a connection attempt, in milliseconds. */
const CONNECT_TIMEOUT_MS = 15_000;

/** True when the server could not be reached at all, as opposed to a server that answered with a refusal. */
export function isUnreachable(error: unknown): boolean {
    const codes = [
        "ECONNREFUSED",
        "ENOTFOUND",
        "ETIMEDOUT",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "EAI_AGAIN",
        "EROUTE",
    ];
    const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
    return (
        codes.includes(codeOf(error)) ||
        inner.some((one) => codes.includes(codeOf(one))) ||
        (error instanceof Error && error.message.includes("timeout expired"))
    );
}

/** What a preview says of a database that cannot be asked before the update, because its server gets a new address. */
export const UNKNOWN_SERVER =
    "the update gives the database another server or another password, which is not known before that";

/** Whether a preview knows the address; of one that it does not know, the engine passes a text in its place. */
export function isKnownConnection(connection: unknown): connection is Connection {
    return typeof connection === "object" && connection !== null;
}

/** One sentence for a failed connection: what, where and how to mend it, without the password. */
export function connectionProblem(connection: Connection, error: unknown): string {
    const where = `database "${connection.database}" at ${connection.host}:${String(connection.port)}`;
    const reason = messageOf(error);
    if (codeOf(error).startsWith("EROUTE")) {
        // The way's own sentence.
        return reason;
    }
    if (isUnreachable(error)) {
        return `The ${where} cannot be reached (${codeOf(error) || reason}); run Pulumi where the private database is reachable, and check that the instance is running.`;
    }
    if (codeOf(error) === "28P01") {
        return `The ${where} refused the password of user "${connection.user}"; if the password has changed since the last update, run pulumi up; otherwise give this user the password that its secret holds (the stack's outputs name the secrets).`;
    }
    if (codeOf(error) === "3D000") {
        return `The server at ${connection.host}:${String(connection.port)} has no database "${connection.database}"; check the config key audit-trail:databaseName.`;
    }
    if (/certificate|self.signed|altname/i.test(`${codeOf(error)} ${reason}`)) {
        return `The certificate of the ${where} is not trusted (${reason}); point the config key audit-trail:caBundle at the PEM file of its certificate authority.`;
    }
    return `Connecting to the ${where} as "${connection.user}" failed: ${reason}.`;
}

function readCa(file: string): string {
    try {
        return fs.readFileSync(file, "utf8");
    } catch (cause) {
        throw new Error(
            `The file ${file} of certificate authorities cannot be read; run Pulumi where it is, or name another in the config key audit-trail:caBundle.`,
            { cause },
        );
    }
}

/** An open session, and what closes it together with its way. */
interface OpenSession {
    readonly client: pg.Client;
    readonly close: () => Promise<void>;
}

async function openSession(connection: Connection): Promise<OpenSession> {
    const config = {
        host: connection.host,
        port: connection.port,
        database: connection.database,
        user: connection.user,
        password: connection.password,
        ssl: { ca: readCa(connection.caPath), rejectUnauthorized: true },
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        application_name: "audit-trail deploy",
        client_encoding: "UTF8",
        // An empty text would leave the word to the variable of that name.
        options: SESSION_OPTIONS,
        replication: "off",
        sslnegotiation: "postgres" as const,
    };
    const { route, host, port } = connection;
    let tunnel: tunnels.Tunnel | undefined;
    let client: pg.Client | undefined;
    const close = async (): Promise<void> => {
        await client?.end().catch(() => undefined);
        await tunnel?.close();
    };
    try {
        if (route !== undefined && route.kind !== "direct") {
            // Loaded once for all resources, which share the tunnels then.
            tunnel = await (projectModule("reach/tunnel.ts") as typeof tunnels).openTunnel(
                route,
                host,
                port,
            );
        }
        client = new pg.Client({ ...config, ...tunnel?.options });
        // A connection that breaks while idle raises an event, and an unheard one would end the provider.
        client.on("error", () => undefined);
        await client.connect();
        await prepareSession(client);
        return { client, close };
    } catch (error) {
        await close();
        throw new Error(connectionProblem(connection, error), { cause: error });
    }
}

function isRefusedPassword(error: unknown): boolean {
    return error instanceof Error && codeOf(error.cause) === "28P01";
}

async function openWithEither({ formerPassword, ...connection }: Connection): Promise<OpenSession> {
    try {
        return await openSession(connection);
    } catch (error) {
        if (formerPassword === undefined || !isRefusedPassword(error)) {
            throw error;
        }
        for (const password of formerPassword.split(" ")) {
            try {
                return await openSession({ ...connection, password });
            } catch (again) {
                if (!isRefusedPassword(again)) {
                    throw again;
                }
            }
        }
        // Whoever is refused every time hears of the password that counts.
        throw error;
    }
}

/**
 * Opens a verified TLS connection, hands it to `work` and closes it whatever happens. The environment's PG variables
 * decide nothing.
 */
export async function withClient<T>(
    connection: Connection,
    work: (client: pg.Client) => Promise<T>,
): Promise<T> {
    const { client, close } = await openWithEither(connection);
    try {
        return await work(client);
    } finally {
        await close();
    }
}
