import type { Duplex } from "node:stream";
import { type Dialer, openDialer } from "./dialer";
import type { Route } from "./route";

/**
 * Makes of an open connection what node-postgres takes as its `stream`: it calls `connect` itself and waits for the event.
 * A channel of SSH gets the methods of a socket then that it does not have, and that say nothing about it.
 */
function pgStream(connection: Duplex): Duplex {
    const connected = (): Duplex => {
        process.nextTick(() => connection.emit("connect"));
        return connection;
    };
    const nothing = (): Duplex => connection;
    const missing = ["setNoDelay", "setKeepAlive", "ref", "unref"].filter(
        (name) => !(name in connection),
    );
    return Object.assign(connection, {
        connect: connected,
        ...Object.fromEntries(missing.map((name) => [name, nothing])),
    });
}

/** One connection for one session of node-postgres. */
export interface Tunnel {
    /** For its settings, beside the server's true name, with which the certificate is compared. */
    readonly options: { readonly stream: () => Duplex };
    close(): Promise<void>;
}

/** @throws ReachError in one sentence */
export async function openTunnel(route: Route, host: string, port: number): Promise<Tunnel> {
    const dialer: Dialer = openDialer(route);
    try {
        const connection = await dialer.connect(host, port);
        return { options: { stream: () => pgStream(connection) }, close: () => dialer.close() };
    } catch (error) {
        await dialer.close();
        throw error;
    }
}
