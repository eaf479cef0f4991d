import { Client, type ClientConfig } from "pg";
import type { Endpoint } from "./task/task";

/**
 * Which settings DMS makes in its sessions is not published. Here they are those of the user, as the deployment leaves them
 * (`trail/dmsSession.ts`), but for the zone in which the commit times of the stream are read.
 */
export const SESSION = "SET timezone = 'UTC'";

const CONNECT_TIMEOUT_MS = 10_000;

/** pg's settings for an endpoint; `sslMode` has libpq's meaning. */
export function clientConfig(endpoint: Endpoint, applicationName: string): ClientConfig {
    return {
        host: endpoint.host,
        port: endpoint.port,
        user: endpoint.username,
        password: endpoint.password,
        database: endpoint.databaseName,
        ssl: tlsOptions(endpoint),
        application_name: applicationName,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
    };
}

function tlsOptions({ sslMode, caCertificatePem }: Endpoint): ClientConfig["ssl"] {
    switch (sslMode) {
        case "none":
            return false;
        case "require":
            return { rejectUnauthorized: false };
        case "verify-ca":
            return { ca: caCertificatePem, checkServerIdentity: () => undefined };
        case "verify-full":
            return { ca: caCertificatePem };
    }
}

/** Connects and prepares the session; `onLost` hears of a connection that breaks later. */
export async function connect(
    config: ClientConfig,
    onLost: (error: Error) => void,
): Promise<Client> {
    // Pipelined: the apply keeps the wire busy, and nothing waits in a queue of its own.
    const client = new Client({ ...config, pipeline: true });
    client.on("error", onLost);
    try {
        await client.connect();
        await client.query(SESSION);
    } catch (error) {
        await disconnect(client);
        throw error;
    }
    return client;
}

/** Ends a connection without waiting long for a server that may be gone. */
export async function disconnect(client: Client): Promise<void> {
    const ignore = (): void => undefined;
    client.on("error", ignore);
    client.connection.on("error", ignore);
    await new Promise<void>((resolve) => {
        const deadline = setTimeout(() => {
            client.connection.stream.destroy();
            resolve();
        }, 500);
        client
            .end()
            .catch(ignore)
            .finally(() => {
                clearTimeout(deadline);
                resolve();
            });
    });
}
