import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import semver from "semver";
import { codeOf, messageOf } from "../../text/errors";
import { ReachError } from "../reachError";
import type { SsmRoute } from "../route";

const PLUGIN = "session-manager-plugin";

/**
 * The first that takes the session from the environment, so that the session's token is in no process's arguments: see
 * RELEASENOTES.md of https://github.com/aws/session-manager-plugin.
 */
const MINIMUM = "1.2.536";

const INSTALL = `install ${PLUGIN} ${MINIMUM}.0 or newer (https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html) and run the command again`;

/** The plugin takes a first argument that begins like this as the name of the variable with the session. */
const VARIABLE = "AWS_SSM_START_SESSION_RESPONSE";

/** What the plugin needs of the environment: AWS's configuration and the way to AWS. Nothing else of it, passwords above all. */
const NEEDED = /^(PATH|HOME|USERPROFILE|SYSTEMROOT|TMPDIR|TEMP|TMP|AWS_.*|(HTTPS?|NO|ALL)_PROXY)$/i;

function pluginEnvironment(): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(process.env).filter(([name]) => NEEDED.test(name)));
}

/** @throws ReachError when there is no plugin, or one that is too old. */
export async function requirePlugin(): Promise<void> {
    let version: string;
    try {
        const env = pluginEnvironment();
        version = (await promisify(execFile)(PLUGIN, ["--version"], { env })).stdout.trim();
    } catch (cause) {
        const why =
            codeOf(cause) === "ENOENT" ? "is not installed" : `cannot run (${messageOf(cause)})`;
        throw new ReachError(
            `AWS's Session Manager plugin ${why}, and the way to the databases needs it (the config key audit-trail:databaseAccess is ssm); ${INSTALL}.`,
            "EROUTE",
            { cause },
        );
    }
    // Four numbers, of which the last is always 0.
    const number = semver.coerce(version);
    if (number !== null && semver.lt(number, MINIMUM)) {
        throw new ReachError(
            `AWS's Session Manager plugin is ${version}, which takes a session only as an argument that every user of this machine can read; ${INSTALL}.`,
            "EROUTE",
        );
    }
}

/** What Systems Manager answers to StartSession, for the plugin. */
export interface SessionResponse {
    readonly SessionId: string;
    readonly StreamUrl: string;
    readonly TokenValue: string;
}

/** A plugin that forwards a port, and what it has said. */
export class PluginProcess {
    private said = "";
    private readonly child: ChildProcess;
    private readonly ended: Promise<void>;
    isRunning = true;

    /** @param isOutOfGroup whether it is the leader of a process group of its own, which a terminal's Ctrl-C passes by */
    constructor(route: SsmRoute, session: SessionResponse, isOutOfGroup: boolean) {
        const { AWS_ENDPOINT_URL_SSM: own, AWS_ENDPOINT_URL: all } = process.env;
        // As the AWS CLI calls it, src/sessionmanagerplugin/session/session.go.
        this.child = spawn(
            PLUGIN,
            [
                VARIABLE,
                route.region,
                "StartSession",
                route.profile ?? "",
                JSON.stringify({ Target: route.instanceId }),
                own ?? all ?? "",
            ],
            {
                env: { ...pluginEnvironment(), [VARIABLE]: JSON.stringify(session) },
                stdio: ["ignore", "pipe", "pipe"],
                detached: isOutOfGroup,
            },
        );
        this.ended = once(this.child, "close").then(
            () => {
                this.isRunning = false;
            },
            (error: unknown) => {
                this.said += messageOf(error);
                this.isRunning = false;
            },
        );
        for (const stream of [this.child.stdout, this.child.stderr]) {
            stream?.setEncoding("utf8").on("data", (text: string) => {
                this.said = `${this.said}${text}`.slice(-4_000);
            });
        }
    }

    /**
     * The port of this machine on which it listens. Both of the plugin's ways of forwarding say that; only the newer one
     * says afterwards that it waits for connections.
     */
    async port(deadlineMs: number): Promise<number> {
        const deadline = Date.now() + deadlineMs;
        for (;;) {
            const [, port] = /Port (\d+) opened for sessionId/.exec(this.said) ?? [];
            if (port !== undefined) {
                return Number(port);
            }
            if (!this.isRunning || Date.now() > deadline) {
                throw new Error(this.lastWords() || "it said nothing in time");
            }
            await this.news(deadline - Date.now());
        }
    }

    /** Until the plugin says something or ends, or the time is over. */
    private async news(withinMs: number): Promise<void> {
        let timer: NodeJS.Timeout | undefined;
        const stdout = this.child.stdout;
        await Promise.race([
            this.ended,
            new Promise<void>((resolve) => {
                timer = setTimeout(resolve, Math.max(0, withinMs));
                stdout?.once("data", () => {
                    resolve();
                });
            }),
        ]);
        clearTimeout(timer);
    }

    /** Whether the far end refused a connection: the host could not reach its target. */
    async saidUnreachable(withinMs: number): Promise<boolean> {
        const deadline = Date.now() + withinMs;
        const isTold = (): boolean => this.said.includes("Connection to destination port failed");
        while (!isTold() && this.isRunning && Date.now() < deadline) {
            await this.news(deadline - Date.now());
        }
        return isTold();
    }

    /** The last line that it said. */
    lastWords(): string {
        const lines = this.said.split("\n").map((line) => line.trim());
        return (lines.filter((line) => line !== "").at(-1) ?? "").slice(0, 200);
    }

    /** From now on it does not keep this process alive. */
    unref(): void {
        this.child.unref();
        for (const stream of [this.child.stdout, this.child.stderr]) {
            if (stream !== null && "unref" in stream && typeof stream.unref === "function") {
                (stream.unref as () => void)();
            }
        }
    }

    /** SIGINT is what the plugin listens to: it tells the host that the session is over. */
    interrupt(): void {
        if (this.isRunning) {
            this.child.kill("SIGINT");
        }
    }

    /** Ends it, by force where it does not go. */
    async stop(withinMs: number): Promise<void> {
        this.interrupt();
        const timer = setTimeout(() => this.child.kill("SIGKILL"), withinMs);
        await this.ended;
        clearTimeout(timer);
    }
}
