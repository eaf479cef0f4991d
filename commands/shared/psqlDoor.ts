import { once } from "node:events";
import net from "node:net";
import { pipeline } from "node:stream";
import { openDialer } from "../../reach/dialer";
import type { Route } from "../../reach/route";
import { REACH_SETTINGS } from "../../reach/settings";
import { messageOf } from "../../text/errors";
import { sayAside } from "./command";

/** How psql gets onto the way to a database. */
interface Door {
    /** The variables of libpq that lead there; none where psql reaches the database as it is. */
    readonly variables: NodeJS.ProcessEnv;
    close(): Promise<void>;
}

/**
 * Opens a port of this machine for psql, which knows no tunnel: each connection to it goes along the route. The server's
 * certificate is compared with its own name all the same, because PGHOSTADDR replaces the address and not the name.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-HOSTADDR
 *
 * @param address the database's own PGHOST and PGPORT
 */
export async function openDoor(
    route: Route | undefined,
    { PGHOST = "", PGPORT = "" }: NodeJS.ProcessEnv,
): Promise<Door> {
    if (route === undefined || route.kind === "direct") {
        return { variables: {}, close: () => Promise.resolve() };
    }
    const dialer = openDialer(route, { ...REACH_SETTINGS, outlivesCtrlC: true });
    const server = net.createServer((local) => {
        dialer.connect(PGHOST, Number(PGPORT)).then(
            (remote) => {
                // Either end may go first; psql tells of what it misses.
                pipeline(local, remote, local, () => undefined);
            },
            (error: unknown) => {
                sayAside(messageOf(error));
                local.destroy();
            },
        );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    return {
        variables: { PGHOSTADDR: "127.0.0.1", PGPORT: String(port) },
        close: async () => {
            server.close();
            await dialer.close();
        },
    };
}
