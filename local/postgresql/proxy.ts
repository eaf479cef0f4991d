import net from "node:net";
import { SocksClient } from "socks";
import { messageOf } from "../../text/errors";

/** A SOCKS5 proxy, as a variable names it. */
interface Proxy {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
}

/** The first of two variables that is not empty, as Go reads them. */
function either(environment: NodeJS.ProcessEnv, upper: string, lower: string): string {
    return environment[upper] || environment[lower] || "";
}

function isAddress(host: string): boolean {
    return net.isIP(host) !== 0;
}

function contains(range: string, host: string): boolean {
    const [address = "", bits = ""] = range.split("/");
    const family = net.isIP(address);
    const most = family === 4 ? 32 : 128;
    if (family === 0 || !/^\d+$/.test(bits) || Number(bits) > most) {
        return false;
    }
    const list = new net.BlockList();
    list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
    return list.check(host, net.isIP(host) === 4 ? "ipv4" : "ipv6");
}

/** Whether an entry of NO_PROXY means a host. Names are compared as they are written, and an address never means a name. */
function means(entry: string, host: string): boolean {
    if (isAddress(host)) {
        const bits = net.isIP(entry) === 4 ? "32" : "128";
        return entry.includes("/") ? contains(entry, host) : contains(`${entry}/${bits}`, host);
    }
    if (entry.includes("/") || isAddress(entry)) {
        return false;
    }
    const name = entry.replace(/\.$/, "");
    return name.startsWith("*.")
        ? host.endsWith(name.slice(1)) || host === name.slice(2)
        : host === name;
}

/**
 * The proxy by which the real provider reaches a host: ALL_PROXY, if it is a SOCKS5 proxy, except for the hosts of NO_PROXY.
 * The rules are those of golang.org/x/net/proxy. This machine's own addresses are no exception by themselves.
 */
export function proxyFor(environment: NodeJS.ProcessEnv, host: string): Proxy | undefined {
    const given = either(environment, "ALL_PROXY", "all_proxy");
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !["socks5:", "socks5h:"].includes(url.protocol)) {
        return undefined;
    }
    const exceptions = either(environment, "NO_PROXY", "no_proxy").split(",");
    if (exceptions.some((entry) => entry.trim() !== "" && means(entry.trim(), host))) {
        return undefined;
    }
    return {
        host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: Number(url.port || "1080"),
        user: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
    };
}

/** The replies of a proxy in the words of golang.org/x/net/internal/socks, by the words of the client that is used here. */
const REPLIES: Readonly<Record<string, string>> = {
    Failure: "general SOCKS server failure",
    NotAllowed: "connection not allowed by ruleset",
    NetworkUnreachable: "network unreachable",
    HostUnreachable: "host unreachable",
    ConnectionRefused: "connection refused",
    TTLExpired: "TTL expired",
    CommandNotSupported: "command not supported",
    AddressNotSupported: "address type not supported",
};

function reason(error: unknown, proxy: string): string {
    const text = messageOf(error);
    const [, reply = ""] = /rejected connection - (\w+)/.exec(text) ?? [];
    if (reply !== "") {
        return `unknown error ${REPLIES[reply] ?? `unknown code: ${reply}`}`;
    }
    return text.includes("ECONNREFUSED")
        ? `dial tcp ${proxy}: connect: connection refused`
        : /timed out/.test(text)
          ? "i/o timeout"
          : text;
}

/**
 * A connection through a proxy, for pg, which would connect it itself. Throws in the words of Go's SOCKS client.
 * @param timeoutMs 0 waits without limit.
 */
export async function connectThrough(
    proxy: Proxy,
    { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
): Promise<net.Socket> {
    const { user, password, ...place } = proxy;
    try {
        const { socket } = await SocksClient.createConnection({
            proxy: {
                ...place,
                type: 5,
                ...(user === "" ? {} : { userId: user, password }),
            },
            command: "connect",
            destination: { host, port },
            ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
        });
        const connect = () => {
            process.nextTick(() => socket.emit("connect"));
            return socket;
        };
        return Object.assign(socket, { connect });
    } catch (cause) {
        const at = `${place.host}:${String(place.port)}`;
        throw new Error(`socks connect tcp ${at}->${host}:${String(port)}: ${reason(cause, at)}`, {
            cause,
        });
    }
}
