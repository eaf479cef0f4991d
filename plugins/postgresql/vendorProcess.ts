import { type ChildProcessByStdio, spawn } from "node:child_process";
import http2 from "node:http2";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { SESSION_OPTIONS } from "./grpc";

/** How long an interrupted plugin may take to end, in milliseconds; the engine gives the wrapper five seconds. */
const END_DEADLINE_MS = 2000;

/** What to start, and with which environment. */
export interface VendorProgram {
    readonly file: string;
    readonly args: readonly string[];
    readonly environment: NodeJS.ProcessEnv;
}

/** The vendor's plugin as a process of this one. */
export interface VendorProcess {
    /** The connection to it. Rejects with one sentence when it did not start, or has ended. */
    session(): Promise<http2.ClientHttp2Session>;
    /** Ends it when its calls are answered. */
    retire(): void;
    /** Ends it now. Resolves when it is gone. */
    end(): Promise<void>;
    /** Ends it without waiting, for the very end of this process. */
    kill(): void;
}

/** The plugin writes its port to its standard output and nothing before. */
function portOf(file: string, child: ChildProcessByStdio<null, Readable, null>): Promise<number> {
    return new Promise((resolve, reject) => {
        child.once("error", (error) => {
            reject(
                new Error(
                    `The postgresql plugin ${file} cannot be started (${error.message}); install it again with "pulumi plugin install".`,
                ),
            );
        });
        child.once("close", (code, signal) => {
            reject(
                new Error(
                    `The postgresql plugin ${file} ended by itself (${signal ?? `exit code ${String(code)}`}); run the command again, with --logtostderr -v 9 if that repeats itself.`,
                ),
            );
        });
        const lines = createInterface({ input: child.stdout });
        lines.once("line", (line) => {
            const port = Number(line.trim());
            if (Number.isInteger(port) && port > 0) {
                resolve(port);
            } else {
                reject(new Error(`The postgresql plugin ${file} wrote no port to its output.`));
            }
            lines.on("line", (more) => process.stdout.write(`${more}\n`));
        });
    });
}

function connected(port: number): Promise<http2.ClientHttp2Session> {
    return new Promise((resolve, reject) => {
        const session = http2.connect(`http://127.0.0.1:${String(port)}`, SESSION_OPTIONS);
        session.once("error", reject);
        session.once("connect", () => {
            session.off("error", reject);
            // A stream says what happened to its call.
            session.on("error", () => undefined);
            resolve(session);
        });
    });
}

/** Starts the vendor's plugin; it is in this process's group, as the engine starts and interrupts it with its group. */
export function startVendorProcess({ file, args, environment }: VendorProgram): VendorProcess {
    const child = spawn(file, [...args], {
        env: environment,
        stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise<void>((resolve) => {
        child.once("error", () => {
            resolve();
        });
        child.once("close", () => {
            resolve();
        });
    });
    const ended = new Promise<never>((_resolve, reject) => {
        void gone.then(() => {
            reject(
                new Error(
                    `The postgresql plugin ${file} has ended by itself; run the command again.`,
                ),
            );
        });
    });
    ended.catch(() => undefined);
    const session = portOf(file, child).then((port) => Promise.race([connected(port), ended]));
    session.catch(() => undefined);
    const end = async () => {
        child.kill("SIGINT");
        const timer = setTimeout(() => child.kill("SIGKILL"), END_DEADLINE_MS);
        await gone;
        clearTimeout(timer);
    };
    return {
        async session() {
            const open = await session;
            return open.closed || open.destroyed ? ended : open;
        },
        retire() {
            session.then(
                (open) => {
                    open.close(() => void end());
                },
                () => undefined,
            );
        },
        end,
        kill() {
            child.kill("SIGKILL");
        },
    };
}
