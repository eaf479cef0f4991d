import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { PROJECT_ROOT } from "../local/engine/paths";

/** How a command ended and what it printed. */
export interface CommandResult {
    /** As a shell tells it: 128 and the signal's number when a signal ended it. */
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
    /** Standard output and standard error as a person at a terminal sees them. */
    readonly output: string;
}

/** A command under way, the leader of a process group of its own. */
export interface RunningCommand {
    readonly child: ChildProcess;
    /** What it has printed so far. */
    output(): string;
    /** Resolves when it has ended and every process that shares its output has, too. */
    readonly ended: Promise<CommandResult>;
}

/** The folders, as the commands take them from their environment, and whatever else a test changes there. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts a program in the project's folder; an undefined variable is removed from the environment.
 *
 * @param input what it reads from standard input; nothing by default
 */
export function launch(
    file: string,
    args: readonly string[],
    environment: Environment,
    input?: string,
): RunningCommand {
    const child = spawn(file, args, {
        cwd: PROJECT_ROOT,
        env: { ...process.env, ...environment },
        detached: true,
        stdio: "pipe",
    });
    // It may end without reading.
    child.stdin.on("error", () => undefined).end(input);
    // A test that dies leaves no command behind; what the command has started is swept by the stack's guard.
    const end = (): void => {
        signalGroup(child, "SIGKILL");
    };
    process.once("exit", end);
    const printed = { stdout: "", stderr: "", output: "" };
    const hear = (name: "stdout" | "stderr") => (chunk: Buffer) => {
        printed[name] += chunk.toString();
        printed.output += chunk.toString();
    };
    child.stdout.on("data", hear("stdout"));
    child.stderr.on("data", hear("stderr"));
    const ended = once(child, "close").then((result) => {
        process.removeListener("exit", end);
        const [code, signal] = result as [number | null, NodeJS.Signals | null];
        return {
            ...printed,
            code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
        };
    });
    return { child, output: () => printed.output, ended };
}

/** Sends a signal to a command and what it runs, as a terminal does on Ctrl-C; nothing when it has ended. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, signal);
    }
}

/** One of the project's npm scripts, as a person runs it. */
export function npmRun(
    script: string,
    environment: Environment,
    args: readonly string[] = [],
    input?: string,
): RunningCommand {
    return launch("npm", ["run", "-s", script, "--", ...args], environment, input);
}
