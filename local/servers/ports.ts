import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const CLOSING_MS = 2000;

/** A TCP port that is free on both loopback addresses at this moment. */
export async function freePort(): Promise<number> {
    for (let attempt = 0; attempt < 20; attempt += 1) {
        const port = await bind(0, "127.0.0.1");
        if (port !== undefined && (await isPortFree(port))) {
            return port;
        }
    }
    throw new Error(
        "No free TCP port was found on localhost: end some programs that listen there.",
    );
}

/** Whether a server could listen on `port` of both loopback addresses. */
export async function isPortFree(port: number): Promise<boolean> {
    return (await bind(port, "127.0.0.1")) !== undefined && (await bind(port, "::1")) !== undefined;
}

/** Waits a moment for a port: the kernel closes the sockets of a killed process a little after its end. */
export async function becomesFree(port: number): Promise<boolean> {
    const deadline = Date.now() + CLOSING_MS;
    while (!(await isPortFree(port))) {
        if (Date.now() > deadline) {
            return false;
        }
        await pause(50);
    }
    return true;
}

/** Binds and lets go; undefined when the port is taken. A machine without IPv6 has every ::1 port free. */
async function bind(port: number, host: string): Promise<number | undefined> {
    return await new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", (error: NodeJS.ErrnoException) => {
            if (error.code === "EADDRINUSE" || error.code === "EACCES") {
                resolve(undefined);
            } else if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") {
                resolve(port);
            } else {
                reject(error);
            }
        });
        server.listen({ port, host, exclusive: true }, () => {
            const address = server.address();
            const bound = typeof address === "object" && address !== null ? address.port : port;
            server.close(() => {
                resolve(bound);
            });
        });
    });
}
