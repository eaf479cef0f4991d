import {
    type AddressInfo,
    connect as connectSocket,
    createServer,
    type Server,
    type Socket,
} from "node:net";

/** A TCP relay that can be cut. */
export class Proxy {
    private readonly sockets = new Set<Socket>();
    private server: Server | undefined;
    port = 0;

    private constructor(private readonly target: number) {}

    static async open(target: number): Promise<Proxy> {
        const proxy = new Proxy(target);
        await proxy.reopen();
        return proxy;
    }

    async reopen(): Promise<void> {
        const server = createServer((socket) => {
            const upstream = connectSocket({ port: this.target, host: "localhost" });
            for (const [from, to] of [
                [socket, upstream],
                [upstream, socket],
            ] as const) {
                this.sockets.add(from);
                from.on("error", () => to.destroy());
                from.on("close", () => to.destroy());
                from.pipe(to);
            }
        });
        this.server = server;
        await new Promise<void>((resolve) => {
            server.listen(this.port, "localhost", resolve);
        });
        this.port = (server.address() as AddressInfo).port;
    }

    /** From now on the open connections carry nothing more, and stay open. */
    freeze(): void {
        for (const socket of this.sockets) {
            socket.unpipe().pause();
        }
    }

    close(): void {
        this.server?.close();
        for (const socket of this.sockets) {
            socket.destroy();
        }
        this.sockets.clear();
    }
}
