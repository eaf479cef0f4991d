import net from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../../text/errors";
import { CutError, ReachError } from "../reachError";
import type { SsmRoute } from "../route";
import type { ReachSettings } from "../settings";
import { atEnd } from "./atEnd";
import { PluginProcess, requirePlugin } from "./plugin";
import { startSession, terminateSession } from "./session";

/**
 * GSSENCRequest: a PostgreSQL server answers with one byte, and lets the client go after it without a word in its log.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const QUESTION = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]);

const LOOPBACK = "127.0.0.1";

/** How long the plugin has to say why a connection ended that it had accepted. */
const REASON_MS = 1_000;

/** How long a plugin has to end its session. */
const STOP_MS = 3_000;

/** A session of Session Manager that forwards a port of this machine to one server. */
export class Forward {
    private streams = 0;
    private keepingAlive: NodeJS.Timeout | undefined;
    private isClosed = false;
    private readonly forgetEnd: () => void;

    private constructor(
        private readonly route: SsmRoute,
        private readonly target: string,
        private readonly settings: ReachSettings,
        private readonly plugin: PluginProcess,
        private readonly sessionId: string,
        private readonly port: number,
    ) {
        this.forgetEnd = atEnd(() => {
            plugin.interrupt();
        });
    }

    /** @throws ReachError */
    static async open(
        route: SsmRoute,
        host: string,
        port: number,
        settings: ReachSettings,
    ): Promise<Forward> {
        await requirePlugin();
        const target = `${host}:${String(port)}`;
        const session = await startSession(route, host, port, settings.arrivalMs);
        const plugin = new PluginProcess(route, session, settings.outlivesCtrlC);
        try {
            const local = await plugin.port(settings.openMs);
            plugin.unref();
            return new Forward(route, target, settings, plugin, session.SessionId, local);
        } catch (cause) {
            await Promise.all([plugin.stop(STOP_MS), terminateSession(route, session.SessionId)]);
            throw new ReachError(
                `The Session Manager plugin did not open the way to ${target} through the psql host ${route.instanceId} (${messageOf(cause)}); check the network between this machine and AWS, and run the command again.`,
                "EROUTE",
                { cause },
            );
        }
    }

    get isOpen(): boolean {
        return this.plugin.isRunning && !this.isClosed;
    }

    /** @throws CutError when the session is over, ReachError when the host cannot reach the server */
    async connect(): Promise<Duplex> {
        await this.ask();
        const stream = await this.dial();
        this.streams += 1;
        this.keepingAlive ??= setInterval(() => {
            // Whether there is an answer, the next connection will find out.
            this.ask().catch(() => undefined);
        }, this.settings.keepAliveMs).unref();
        stream.once("close", () => {
            this.streams -= 1;
            if (this.streams === 0) {
                clearInterval(this.keepingAlive);
                this.keepingAlive = undefined;
            }
        });
        return stream;
    }

    private async dial(): Promise<net.Socket> {
        const socket = net.connect({ host: LOOPBACK, port: this.port });
        try {
            await new Promise<void>((resolve, reject) => {
                socket.once("connect", resolve).once("error", reject);
            });
            return socket.setNoDelay(true);
        } catch (cause) {
            throw new CutError(this.lastWords(messageOf(cause)), { cause });
        }
    }

    private lastWords(reason: string): string {
        const words = this.plugin.isRunning ? "" : this.plugin.lastWords();
        return words === "" ? reason : words;
    }

    /** Asks the server whether it is there: the plugin accepts connections also when nothing is behind it. */
    private async ask(): Promise<void> {
        const socket = await this.dial();
        let timer: NodeJS.Timeout | undefined;
        try {
            await new Promise<void>((resolve, reject) => {
                timer = setTimeout(() => {
                    reject(new Error("no answer in time"));
                }, this.settings.connectMs);
                socket.on("error", reject).once("close", () => {
                    reject(new Error("the connection ended"));
                });
                socket.once("data", () => {
                    resolve();
                });
                socket.write(QUESTION);
            });
        } catch (cause) {
            if (await this.plugin.saidUnreachable(REASON_MS)) {
                throw new ReachError(
                    `The psql host ${this.route.instanceId} cannot reach ${this.target}; check that the database runs and that its security group admits the host's.`,
                    "EROUTE",
                    { cause },
                );
            }
            throw new CutError(this.lastWords(messageOf(cause)), { cause });
        } finally {
            clearTimeout(timer);
            socket.destroy();
        }
    }

    async close(): Promise<void> {
        this.isClosed = true;
        clearInterval(this.keepingAlive);
        this.forgetEnd();
        await Promise.all([
            this.plugin.stop(STOP_MS),
            terminateSession(this.route, this.sessionId),
        ]);
    }
}
