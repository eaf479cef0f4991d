import net from "node:net";
import type { Duplex } from "node:stream";
import type { Route } from "./route";
import { REACH_SETTINGS, type ReachSettings } from "./settings";
import { SshTunnel } from "./ssh/sshTunnel";
import { SsmTunnel } from "./ssm/ssmTunnel";

/** Opens connections to servers that a route leads to. */
export interface Dialer {
    /**
     * A connection to the server, which has to be a PostgreSQL server. Whoever gets it closes it.
     * @throws ReachError in one sentence; of a direct route the system's own error
     */
    connect(host: string, port: number): Promise<Duplex>;
    /** Takes back that somebody needs the route. Its tunnel closes soon afterwards, and at the latest with the process. */
    close(): Promise<void>;
}

/** A tunnel that the dialers of one route share. */
interface Shared {
    readonly tunnel: Dialer;
    users: number;
    lingering?: NodeJS.Timeout | undefined;
}

const tunnels = new Map<string, Shared>();

function direct(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host, port });
        socket.once("error", reject);
        socket.once("connect", () => {
            socket.off("error", reject);
            resolve(socket);
        });
    });
}

function share(route: Exclude<Route, { kind: "direct" }>, settings: ReachSettings): Shared {
    const key = JSON.stringify(route);
    const known = tunnels.get(key);
    if (known !== undefined) {
        return known;
    }
    const tunnel =
        route.kind === "ssh" ? new SshTunnel(route, settings) : new SsmTunnel(route, settings);
    const made = { tunnel, users: 0 };
    tunnels.set(key, made);
    return made;
}

/**
 * A dialer for a route. Nothing is opened before its first connection. Within a process all dialers of a route share one
 * tunnel. A tunnel that no connection uses does not keep the process alive, and ends with it.
 */
export function openDialer(route: Route, settings: ReachSettings = REACH_SETTINGS): Dialer {
    if (route.kind === "direct") {
        return { connect: direct, close: () => Promise.resolve() };
    }
    const shared = share(route, settings);
    clearTimeout(shared.lingering);
    shared.users += 1;
    let isClosed = false;
    return {
        connect: (host, port) => shared.tunnel.connect(host, port),
        close: () => {
            shared.users -= isClosed ? 0 : 1;
            isClosed = true;
            if (shared.users === 0) {
                clearTimeout(shared.lingering);
                shared.lingering = setTimeout(() => {
                    void shared.tunnel.close();
                }, settings.lingerMs).unref();
            }
            return Promise.resolve();
        },
    };
}
