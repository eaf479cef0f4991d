import { connect, type Socket } from "node:net";

/** A connection to a server of the network whose agent listens on the socket. */
export function connectInside(agent: string, host: string, port: number): Socket {
    const connection = connect({ path: agent });
    connection.write(`${host} ${String(port)}\n`);
    return connection;
}

/** Joins two connections for as long as both stand. */
export function join(one: Socket, other: Socket): void {
    for (const [from, to] of [
        [one, other],
        [other, one],
    ] as const) {
        from.on("error", () => to.destroy()).on("close", () => to.destroy());
        from.pipe(to);
    }
}
