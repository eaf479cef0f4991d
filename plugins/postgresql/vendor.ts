import type http2 from "node:http2";
import type { Dialer } from "../../reach/dialer";
import { messageOf } from "../../text/errors";
import { framed } from "./grpc";
import { type Connect, type SocksServer, startSocksServer } from "./socksServer";
import { startVendorProcess, type VendorProcess, type VendorProgram } from "./vendorProcess";

/** A call that an engine makes once, before all others. */
interface Greeting {
    readonly headers: http2.IncomingHttpHeaders;
    readonly message: Uint8Array;
}

/** Variables about proxies. The plugin connects to nothing but its database and, on this machine, the engine. */
const PROXY_VARIABLE = /^(all|no|http|https|ftp)_proxy$/i;

/** The environment in which the vendor's plugin connects through a SOCKS server, whatever the user's says of proxies. */
export function proxiedEnvironment(user: NodeJS.ProcessEnv, socksUrl: string): NodeJS.ProcessEnv {
    const kept = Object.entries(user).filter(([name]) => !PROXY_VARIABLE.test(name));
    // golang.org/x/net/proxy, by which the plugin connects, reads this name first.
    return { ...Object.fromEntries(kept), ALL_PROXY: socksUrl };
}

/** How Go's SOCKS client says that a server could not be reached, with the reply's own few words. */
const SOCKS_FAILURE = /socks connect tcp \S+->(\S+): unknown error [a-zA-Z ]+/g;

/**
 * The vendor's plugin, started as the engine would start it. As soon as a call names a route, the process is replaced by one
 * whose connections go through a SOCKS server along that route: which proxy it uses, a process learns when it starts.
 */
export class Vendor {
    private process: VendorProcess;
    private readonly greetings: Greeting[] = [];
    private route: string | undefined;
    private socks: SocksServer | undefined;
    private dialer: Dialer | undefined;
    private readonly failures = new Map<string, string>();
    /** Resolves when the process that is to answer is there. */
    private ready: Promise<void> = Promise.resolve();

    /** @param open makes a dialer of a route's text; throws one sentence when it is none. */
    constructor(
        private readonly program: VendorProgram,
        private readonly open: (route: string) => Dialer,
    ) {
        this.process = startVendorProcess(program);
    }

    /** The connection to the process. */
    async session(): Promise<http2.ClientHttp2Session> {
        await this.ready;
        return this.process.session();
    }

    /** Notes what the engine said first, for a process that takes this one's place. */
    greeted(headers: http2.IncomingHttpHeaders, message: Uint8Array): void {
        this.greetings.push({ headers, message });
    }

    /** Uses a route from now on. */
    use(route: string): Promise<void> {
        this.ready = this.ready.then(async () => {
            if (route === this.route) {
                return;
            }
            await this.dialer?.close();
            this.dialer = undefined;
            this.route = route;
            if (this.socks === undefined) {
                this.socks = await startSocksServer((host, port) => this.connect(host, port));
                await this.replace(this.socks.url);
            }
        });
        return this.ready;
    }

    /** A failure's text with what kept a connection from being made in the place of the SOCKS client's words for it. */
    explained(text: string): string {
        return text.replace(
            SOCKS_FAILURE,
            (all, address: string) => this.failures.get(address) ?? all,
        );
    }

    /** Ends the process and closes what is open to the databases. */
    async end(): Promise<void> {
        await Promise.allSettled([this.process.end(), this.socks?.close(), this.dialer?.close()]);
    }

    /** Ends the process without waiting. */
    kill(): void {
        this.process.kill();
    }

    private async connect(host: string, port: number): ReturnType<Connect> {
        const address = `${host.includes(":") ? `[${host}]` : host}:${String(port)}`;
        try {
            // Opened by the first connection: most operations of an engine need no database.
            this.dialer ??= this.open(this.route ?? "");
            return await this.dialer.connect(host, port);
        } catch (error) {
            // It stands in the middle of the plugin's own sentence.
            this.failures.set(address, messageOf(error).replace(/\.$/, ""));
            throw error;
        }
    }

    private async replace(socksUrl: string): Promise<void> {
        const before = this.process;
        const environment = proxiedEnvironment(this.program.environment, socksUrl);
        this.process = startVendorProcess({ ...this.program, environment });
        before.retire();
        const session = await this.process.session();
        for (const { headers, message } of this.greetings) {
            await greet(session, headers, message);
        }
    }
}

/** Makes a call whose answer is known: another process of the same program gave it. */
function greet(
    session: http2.ClientHttp2Session,
    headers: http2.IncomingHttpHeaders,
    message: Uint8Array,
): Promise<void> {
    return new Promise((resolve) => {
        const stream = session.request(headers);
        stream.on("error", () => undefined);
        stream.once("close", () => {
            resolve();
        });
        stream.resume();
        stream.end(framed(message));
    });
}
