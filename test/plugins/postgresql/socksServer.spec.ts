import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { promisify } from "node:util";
import { SocksClient } from "socks";
import { type SocksServer, startSocksServer } from "../../../plugins/postgresql/socksServer";

/** A server that sends everything back, and "end" when the client has ended. */
async function echoServer(): Promise<net.Server> {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("data", (chunk) => socket.write(chunk));
        socket.on("end", () => socket.end("end"));
        socket.on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
}

function portOf(server: net.Server): number {
    return (server.address() as net.AddressInfo).port;
}

async function everything(socket: net.Socket): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of socket) {
        chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
}

describe("the SOCKS server of the postgresql plugin", () => {
    let echo: net.Server;
    let socks: SocksServer;
    let asked: [string, number][] = [];
    let refusal: Error | undefined;

    before(async () => {
        echo = await echoServer();
        socks = await startSocksServer(async (host, port) => {
            asked.push([host, port]);
            if (refusal !== undefined) {
                throw refusal;
            }
            const socket = net.connect({
                port: portOf(echo),
                host: "127.0.0.1",
                allowHalfOpen: true,
            });
            await once(socket, "connect");
            return socket;
        });
    });
    beforeEach(() => {
        asked = [];
        refusal = undefined;
    });
    after(async () => {
        await socks.close();
        echo.close();
    });

    const url = () => new URL(socks.url);
    const proxy = () => ({
        host: url().hostname,
        port: Number(url().port),
        type: 5 as const,
        userId: url().username,
        password: url().password,
    });
    const connect = (host: string, port = 5432, given = proxy()) =>
        SocksClient.createConnection({
            proxy: given,
            command: "connect",
            destination: { host, port },
        }).then(({ socket }) => socket);
    /** A connection that has said what bytes it is given. */
    const raw = async (...parts: readonly number[][]): Promise<net.Socket> => {
        const socket = net.connect(Number(url().port), url().hostname);
        await once(socket, "connect");
        socket.setNoDelay(true);
        for (const part of parts) {
            socket.write(Buffer.from(part));
        }
        return socket;
    };
    const bytes = (text: string): number[] => [text.length, ...Buffer.from(text)];
    const login = () => [5, 1, 2, 1, ...bytes(url().username), ...bytes(url().password)];

    it("hands names over as they are, and addresses of both kinds", async () => {
        for (const host of ["audit.cluster-abc.rds.internal", "10.1.2.3", "2001:db8::5"]) {
            (await connect(host, 6000)).destroy();
        }
        assert.deepEqual(asked, [
            ["audit.cluster-abc.rds.internal", 6000],
            ["10.1.2.3", 6000],
            ["2001:db8:0:0:0:0:0:5", 6000],
        ]);
    });

    it("passes bytes both ways, and an end after which the other side still answers", async () => {
        const socket = await connect("db");
        const much = Buffer.alloc(3_000_000, "x");
        const back = everything(socket);
        socket.end(much);
        const got = await back;
        assert.equal(got.length, much.length + 3);
        assert.equal(got.subarray(-3).toString(), "end");
    });

    it("takes a handshake that comes byte by byte", async () => {
        const whole = [...login(), 5, 1, 0, 3, ...bytes("slow.internal"), 0x15, 0x38];
        const socket = await raw();
        for (const byte of whole) {
            socket.write(Buffer.from([byte]));
            await new Promise((resolve) => setImmediate(resolve));
        }
        socket.end("hello");
        const got = await everything(socket);
        assert.deepEqual([...got.subarray(0, 8)], [5, 2, 1, 0, 5, 0, 0, 1]);
        assert.equal(got.subarray(14).toString(), "helloend");
        assert.deepEqual(asked, [["slow.internal", 5432]]);
    });

    it("takes bytes that the client sends before it has the answer", async () => {
        const socket = await raw([
            ...login(),
            5,
            1,
            0,
            1,
            10,
            0,
            0,
            1,
            0,
            80,
            ...Buffer.from("early"),
        ]);
        socket.end();
        assert.equal((await everything(socket)).subarray(14).toString(), "earlyend");
    });

    it("refuses who has no password, or a wrong one", async () => {
        assert.deepEqual([...(await everything(await raw([5, 1, 0])))], [5, 0xff]);
        const wrong = [5, 1, 2, 1, ...bytes(url().username), ...bytes("guess")];
        assert.deepEqual([...(await everything(await raw(wrong)))], [5, 2, 1, 1]);
        await assert.rejects(connect("db", 5432, { ...proxy(), password: "" }));
        assert.deepEqual(asked, []);
    });

    it("says no to BIND, UDP, unknown addresses, empty names and other protocols", async () => {
        const last = async (...request: number[]): Promise<number | undefined> => {
            const got = await everything(await raw([...login(), ...request]));
            return got.at(5);
        };
        assert.equal(await last(5, 2, 0, 1, 1, 2, 3, 4, 0, 80), 7);
        assert.equal(await last(5, 3, 0, 1, 1, 2, 3, 4, 0, 80), 7);
        assert.equal(await last(5, 1, 0, 9, 1, 2, 3, 4, 0, 80), 8);
        assert.equal(await last(5, 1, 0, 3, 0, 0, 80), 8);
        assert.equal(await last(4, 1, 0, 80, 1, 2, 3, 4, 0), undefined);
        assert.equal((await everything(await raw([4, 1, 0, 80]))).length, 0);
        assert.deepEqual(asked, []);
    });

    it("says why there is no connection, as far as the protocol has words for it", async () => {
        for (const [code, words] of [
            ["ECONNREFUSED", /ConnectionRefused/],
            ["ENOTFOUND", /HostUnreachable/],
            ["ENETUNREACH", /NetworkUnreachable/],
            ["EROUTE", /Failure/],
        ] as const) {
            refusal = Object.assign(new Error("no"), { code });
            await assert.rejects(connect("db"), words);
        }
    });

    it("ends both sides when one is cut", async () => {
        const socket = await connect("db");
        socket.write("x");
        await once(socket, "data");
        const closed = once(socket, "close");
        await socks.close();
        await closed;
        while ((await promisify(echo.getConnections.bind(echo))()) > 0) {
            await new Promise((resolve) => setImmediate(resolve));
        }
    });
});
