import net from "node:net";
import type { Duplex } from "node:stream";
import { Client, type ClientChannel } from "ssh2";
import { codeOf, messageOf } from "../../text/errors";
import { CutError, ReachError } from "../reachError";
import type { SshRoute } from "../route";
import type { ReachSettings } from "../settings";
import { expectedFingerprint, fingerprint, hostKeyAlgorithms } from "./hostKey";
import { findLogin } from "./login";

function placeOf({ host, port }: SshRoute): string {
    return `psql host at ${host}:${String(port)}`;
}

/** The TCP connection to the host, ours and not the library's, which would keep the process alive by it. */
async function dial(route: SshRoute, { openMs }: ReachSettings): Promise<net.Socket> {
    const socket = net.connect({ host: route.host, port: route.port });
    let timer: NodeJS.Timeout | undefined;
    try {
        await new Promise<void>((resolve, reject) => {
            timer = setTimeout(() => {
                reject(new Error("no answer in time"));
            }, openMs);
            socket.once("connect", resolve).once("error", reject);
        });
        return socket.setNoDelay(true);
    } catch (cause) {
        socket.destroy();
        throw new ReachError(
            `The ${placeOf(route)} cannot be reached by SSH (${codeOf(cause) || messageOf(cause)}); check that the instance runs, and that this machine's address is in the network that the config key audit-trail:sshCidr names.`,
            "EROUTE",
            { cause },
        );
    } finally {
        clearTimeout(timer);
    }
}

/**
 * The command that prints a new host's key out of its console output, into which cloud-init writes it at the first boot. The
 * host is found by its address: an update that ended before its end has no outputs.
 */
function consoleKey({ host }: SshRoute): string {
    const instance = `aws ec2 describe-instances --filters Name=ip-address,Values=${host} --query 'Reservations[].Instances[].InstanceId' --output text`;
    return `aws ec2 get-console-output --latest --output text --instance-id $(${instance}) | grep -o 'ssh-ed25519 [^ ]*'`;
}

/** A new host has made its key at its first boot, and only AWS can say which one it is. */
function unknownKey(route: SshRoute): ReachError {
    return new ReachError(
        `The SSH host key of the ${placeOf(route)} is not known to the stack, so nobody can tell the host from another machine; some minutes after its first boot "${consoleKey(route)}" prints the line, set it with "pulumi config set sshHostKey 'ssh-ed25519 ...'", and run the command again.`,
        "EROUTE",
    );
}

/** Why the host and this machine did not come together. */
function openProblem(
    route: SshRoute,
    shown: string | undefined,
    login: string,
    cause: unknown,
): ReachError {
    const place = placeOf(route);
    const expected = expectedFingerprint(route.hostKey);
    const level: unknown = cause instanceof Error && "level" in cause ? cause.level : undefined;
    if (shown !== undefined && shown !== expected) {
        return new ReachError(
            `The ${place} shows the SSH host key ${shown}, and the stack expects ${expected}; another machine may have taken its place, so nothing was sent: find out which key the host really has (through Session Manager) before you go on.`,
            "EROUTEREFUSED",
            { cause },
        );
    }
    if (level === "client-authentication" || level === "agent") {
        return new ReachError(
            `The ${place} refused the login of "${route.user}" with ${login}; use the private key of the key pair that the config key audit-trail:keyName names (ssh-add it, or name its file in AUDIT_TRAIL_SSH_KEY).`,
            "EROUTEREFUSED",
            { cause },
        );
    }
    return new ReachError(
        `The ${place} does not speak SSH with this machine (${messageOf(cause)}); check that it has started and that its sshd runs, and run the command again.`,
        "EROUTE",
        { cause },
    );
}

/** One SSH connection, and the connections to servers through it. */
export class SshConnection {
    private readonly streams = new Set<ClientChannel>();
    private readonly keepingAlive: NodeJS.Timeout;
    private waiting = 0;
    isOpen = true;

    private constructor(
        private readonly route: SshRoute,
        private readonly settings: ReachSettings,
        private readonly socket: net.Socket,
        private readonly client: Client,
    ) {
        client.on("close", () => {
            this.over();
        });
        this.keepingAlive = setInterval(() => {
            this.keepAlive();
        }, settings.keepAliveMs).unref();
        this.settle();
    }

    /** @throws ReachError */
    static async open(route: SshRoute, settings: ReachSettings): Promise<SshConnection> {
        if (route.hostKey === "") {
            throw unknownKey(route);
        }
        const { what, ...login } = findLogin(process.env);
        const socket = await dial(route, settings);
        const client = new Client();
        let shown: string | undefined;
        try {
            await new Promise<void>((resolve, reject) => {
                client.once("ready", resolve).on("error", reject);
                client.once("close", () => {
                    reject(new Error("the host closed the connection"));
                });
                client.connect({
                    ...login,
                    sock: socket,
                    username: route.user,
                    readyTimeout: settings.openMs,
                    algorithms: { serverHostKey: hostKeyAlgorithms(route.hostKey) },
                    hostVerifier: (key: Buffer) => {
                        shown = fingerprint(key);
                        return shown === expectedFingerprint(route.hostKey);
                    },
                });
            });
            return new SshConnection(route, settings, socket, client);
        } catch (cause) {
            client.end();
            socket.destroy();
            throw openProblem(route, shown, what, cause);
        }
    }

    /** @throws CutError when the connection broke, ReachError when the host refused */
    async forward(host: string, port: number): Promise<Duplex> {
        this.waiting += 1;
        this.settle();
        try {
            const stream = await this.channel(host, port);
            this.streams.add(stream);
            stream.once("close", () => {
                this.streams.delete(stream);
                this.settle();
            });
            return stream;
        } finally {
            this.waiting -= 1;
            this.settle();
        }
    }

    private async channel(host: string, port: number): Promise<ClientChannel> {
        let timer: NodeJS.Timeout | undefined;
        try {
            return await new Promise<ClientChannel>((resolve, reject) => {
                timer = setTimeout(() => {
                    reject(new Error("no answer in time"));
                }, this.settings.connectMs);
                this.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
                    if (error === undefined) {
                        resolve(channel);
                    } else {
                        reject(error);
                    }
                });
            });
        } catch (cause) {
            throw this.forwardProblem(`${host}:${String(port)}`, cause);
        } finally {
            clearTimeout(timer);
        }
    }

    /** The numbers are those of RFC 4254, 5.1. */
    private forwardProblem(target: string, cause: unknown): Error {
        const reason: unknown = cause instanceof Error && "reason" in cause ? cause.reason : 0;
        if (reason === 1) {
            return new ReachError(
                `The ${placeOf(this.route)} forbids connections to ${target}; allow TCP forwarding in its sshd_config (AllowTcpForwarding, PermitOpen) and for the key.`,
                "EROUTEREFUSED",
                { cause },
            );
        }
        if (typeof reason === "number" && reason > 1) {
            const why = messageOf(cause).replace(/^.*open failure: /, "");
            return new ReachError(
                `The ${placeOf(this.route)} cannot reach ${target} (${why}); check that the database runs and that its security group admits the host's.`,
                "EROUTE",
                { cause },
            );
        }
        this.isOpen = false;
        this.socket.destroy();
        return new CutError(messageOf(cause), { cause });
    }

    /** Only what uses the connection keeps the process alive. */
    private settle(): void {
        if (this.streams.size + this.waiting > 0) {
            this.socket.ref();
        } else {
            this.socket.unref();
        }
    }

    /**
     * Asks something that any server answers. The library's own way has a timer that would keep the process alive. Without
     * an answer before the next question the connection is dead.
     */
    private keepAlive(): void {
        const deadline = setTimeout(() => this.socket.destroy(), this.settings.keepAliveMs).unref();
        try {
            this.client.unforwardIn("127.0.0.1", 0, () => {
                clearTimeout(deadline);
            });
        } catch {
            clearTimeout(deadline);
            this.socket.destroy();
        }
    }

    private over(): void {
        this.isOpen = false;
        clearInterval(this.keepingAlive);
        for (const stream of this.streams) {
            if (stream.listenerCount("error") > 0) {
                stream.emit(
                    "error",
                    new ReachError(
                        `The tunnel through the ${placeOf(this.route)} was cut while it was in use; check the network between this machine and the host, and run the command again.`,
                        "EROUTE",
                    ),
                );
            }
        }
    }

    end(): void {
        this.isOpen = false;
        clearInterval(this.keepingAlive);
        this.client.end();
        this.socket.unref();
    }
}
