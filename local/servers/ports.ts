import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { readIfExists } from "./files";

/** How many ports are tried before a machine counts as full. */
const ATTEMPTS = 100;

const CLOSING_MS = 2000;

/** The ports that systems give to outgoing connections: IANA's, and Linux's where it is not told otherwise. */
const EPHEMERAL_ELSEWHERE: Range = [49_152, 65_535];

/** Above the ports of well-known services. */
const LOWEST = 20_000;
const HIGHEST = 65_535;

/** A range of ports, both ends in it. */
type Range = readonly [first: number, last: number];

/**
 * A TCP port that is free on both loopback addresses at this moment, of those that the system does not give to outgoing
 * connections: a server that is down for a while finds its port free when it comes back.
 */
export async function freePort(): Promise<number> {
    const candidates = serverPorts(await ephemeralPorts());
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const port = candidates[randomInt(candidates.length)];
        if (port !== undefined && (await isPortFree(port))) {
            return port;
        }
    }
    throw new Error(
        "No free TCP port was found on localhost: end some programs that listen there.",
    );
}

/** The ports to choose from; where the system keeps all of them for outgoing connections, any will do. */
export function serverPorts([first, last]: Range): readonly number[] {
    const all = Array.from({ length: HIGHEST - LOWEST + 1 }, (_, index) => LOWEST + index);
    const outside = all.filter((port) => port < first || port > last);
    return outside.length > ATTEMPTS ? outside : all;
}

/** https://docs.kernel.org/networking/ip-sysctl.html, ip_local_port_range. */
async function ephemeralPorts(): Promise<Range> {
    const text = await readIfExists("/proc/sys/net/ipv4/ip_local_port_range");
    const [first = NaN, last = NaN] = (text ?? "").trim().split(/\s+/).map(Number);
    return first <= last ? [first, last] : EPHEMERAL_ELSEWHERE;
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
