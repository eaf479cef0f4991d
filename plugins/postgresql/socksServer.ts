import { randomBytes, timingSafeEqual } from "node:crypto";
import net from "node:net";
import type { Duplex } from "node:stream";
import { codeOf } from "../../text/errors";

/** Opens a connection to a server by its name. The name is resolved where the connection ends up. */
export type Connect = (host: string, port: number) => Promise<Duplex>;

/** A SOCKS5 server on this machine, for the one process that knows its password. */
export interface SocksServer {
    /** Its address as the variable ALL_PROXY takes it, with the password: a secret. */
    readonly url: string;
    /** Ends every connection and listens no more. */
    close(): Promise<void>;
}

// https://www.rfc-editor.org/rfc/rfc1928 (SOCKS5) and https://www.rfc-editor.org/rfc/rfc1929 (user name and password).
const SOCKS_VERSION = 5;
const PASSWORD_VERSION = 1;
const METHOD_PASSWORD = 2;
const NO_ACCEPTABLE_METHOD = 0xff;
const COMMAND_CONNECT = 1;
const ADDRESS_IPV4 = 1;
const ADDRESS_NAME = 3;
const ADDRESS_IPV6 = 4;

/** The answers of RFC 1928, section 6, that this server gives. */
const REPLY = {
    succeeded: 0,
    failure: 1,
    networkUnreachable: 3,
    hostUnreachable: 4,
    refused: 5,
    commandNotSupported: 7,
    addressNotSupported: 8,
} as const;

/** Which reply says what kept a connection from being made. */
const REPLY_FOR: Readonly<Record<string, number>> = {
    ECONNREFUSED: REPLY.refused,
    ENETUNREACH: REPLY.networkUnreachable,
    EAI_AGAIN: REPLY.hostUnreachable,
    EHOSTUNREACH: REPLY.hostUnreachable,
    ENOTFOUND: REPLY.hostUnreachable,
    ETIMEDOUT: REPLY.hostUnreachable,
};

/** How long a client may take to say where it wants to go, in milliseconds. */
const HANDSHAKE_DEADLINE_MS = 30_000;

/** A client that does not keep to the protocol, or that is not the one for whom the server is there. */
class Refused extends Error {}

/** Resolves when a socket has something to read, or will never have. */
function news(socket: net.Socket): Promise<void> {
    return new Promise((resolve) => {
        const events = ["readable", "end", "close"];
        const done = () => {
            for (const event of events) {
                socket.off(event, done);
            }
            resolve();
        };
        for (const event of events) {
            socket.on(event, done);
        }
    });
}

/** Reads fields of a number of bytes, however they arrive. */
class Fields {
    private arrived = Buffer.alloc(0);

    constructor(private readonly socket: net.Socket) {}

    async bytes(length: number): Promise<Buffer> {
        while (this.arrived.length < length) {
            // All that is there: what is left unread makes the socket report it at once, again and again.
            const chunk = this.socket.read() as Buffer | null;
            if (chunk !== null) {
                this.arrived = Buffer.concat([this.arrived, chunk]);
            } else if (this.socket.readableEnded || this.socket.destroyed) {
                throw new Refused("the client ended in the middle of a message");
            } else {
                await news(this.socket);
            }
        }
        const field = this.arrived.subarray(0, length);
        this.arrived = this.arrived.subarray(length);
        return field;
    }

    async byte(): Promise<number> {
        return (await this.bytes(1)).readUInt8();
    }

    /** A field that begins with its length in one byte. */
    async counted(): Promise<Buffer> {
        return this.bytes(await this.byte());
    }

    /** What came after the last field. */
    get rest(): Buffer {
        return this.arrived;
    }
}

function same(given: Buffer, wanted: string): boolean {
    const expected = Buffer.from(wanted);
    return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Any program of this machine can connect, and other users' too: only who has the password gets further. */
async function authenticate(
    socket: net.Socket,
    fields: Fields,
    user: string,
    password: string,
): Promise<void> {
    if ((await fields.byte()) !== SOCKS_VERSION) {
        throw new Refused("not SOCKS5");
    }
    const methods = await fields.counted();
    if (!methods.includes(METHOD_PASSWORD)) {
        socket.end(Buffer.from([SOCKS_VERSION, NO_ACCEPTABLE_METHOD]));
        throw new Refused("the client offers no password");
    }
    socket.write(Buffer.from([SOCKS_VERSION, METHOD_PASSWORD]));
    const version = await fields.byte();
    const [givenUser, givenPassword] = [await fields.counted(), await fields.counted()];
    if (version !== PASSWORD_VERSION || !same(givenUser, user) || !same(givenPassword, password)) {
        socket.end(Buffer.from([PASSWORD_VERSION, 1]));
        throw new Refused("wrong password");
    }
    socket.write(Buffer.from([PASSWORD_VERSION, 0]));
}

/** A reply; the address that it has to name is one that says nothing, as clients of CONNECT do not use it. */
function reply(code: number): Buffer {
    return Buffer.from([SOCKS_VERSION, code, 0, ADDRESS_IPV4, 0, 0, 0, 0, 0, 0]);
}

function ipv6(bytes: Buffer): string {
    const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
    return groups.map((group) => group.toString(16)).join(":");
}

async function readHost(fields: Fields, kind: number): Promise<string | undefined> {
    switch (kind) {
        case ADDRESS_IPV4:
            return [...(await fields.bytes(4))].join(".");
        case ADDRESS_IPV6:
            return ipv6(await fields.bytes(16));
        case ADDRESS_NAME:
            return (await fields.counted()).toString("utf8");
        default:
            return undefined;
    }
}

/** Where the client wants to go. What it may not ask for is answered before it is thrown. */
async function readTarget(
    socket: net.Socket,
    fields: Fields,
): Promise<{ host: string; port: number }> {
    const [version, command, , kind] = await fields.bytes(4);
    if (version !== SOCKS_VERSION) {
        throw new Refused("not SOCKS5");
    }
    const host = await readHost(fields, kind ?? 0);
    if (host === undefined || host === "") {
        socket.end(reply(REPLY.addressNotSupported));
        throw new Refused("unknown kind of address");
    }
    const port = (await fields.bytes(2)).readUInt16BE();
    if (command !== COMMAND_CONNECT) {
        socket.end(reply(REPLY.commandNotSupported));
        throw new Refused("only CONNECT is served");
    }
    return { host, port };
}

/** Passes bytes both ways; each side's end ends the other's writing only, and its failure ends both. */
function join(one: Duplex, other: Duplex): void {
    for (const [from, to] of [
        [one, other],
        [other, one],
    ] as const) {
        from.pipe(to);
        from.once("error", () => to.destroy());
        from.once("close", () => {
            // After a plain end `to` still has to send what was piped into it.
            if (!from.readableEnded) {
                to.destroy();
            }
        });
    }
}

async function serve(
    socket: net.Socket,
    connect: Connect,
    user: string,
    password: string,
): Promise<void> {
    socket.setTimeout(HANDSHAKE_DEADLINE_MS, () => socket.destroy());
    const fields = new Fields(socket);
    await authenticate(socket, fields, user, password);
    const { host, port } = await readTarget(socket, fields);
    socket.setTimeout(0);
    let remote: Duplex;
    try {
        remote = await connect(host, port);
    } catch (error) {
        socket.end(reply(REPLY_FOR[codeOf(error)] ?? REPLY.failure));
        return;
    }
    if (socket.destroyed) {
        remote.on("error", () => undefined);
        remote.destroy();
        return;
    }
    socket.write(reply(REPLY.succeeded));
    // A client need not wait for the answer, and may even have ended by now.
    remote.write(fields.rest);
    join(socket, remote);
    if (socket.readableEnded) {
        remote.end();
    }
}

/**
 * Starts a SOCKS5 server on a free port of the loopback interface. Names reach `connect` as the client gave them, so that
 * they are resolved at the far end. The client has to have the password, which a process gets in its environment.
 */
export async function startSocksServer(connect: Connect): Promise<SocksServer> {
    const user = "plugin";
    const password = randomBytes(24).toString("hex");
    const sockets = new Set<net.Socket>();
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        socket.on("error", () => socket.destroy());
        serve(socket, connect, user, password).catch((error: unknown) => {
            if (error instanceof Refused) {
                // What was answered has to leave first.
                socket.end(() => socket.destroy());
            } else {
                socket.destroy();
            }
        });
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as net.AddressInfo;
    return {
        url: `socks5://${user}:${password}@127.0.0.1:${String(port)}`,
        close() {
            for (const socket of sockets) {
                socket.destroy();
            }
            return new Promise((resolve) => {
                server.close(() => {
                    resolve();
                });
            });
        },
    };
}
