import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { failureReason } from "./failureReason";
import { readIfExists } from "./files";
import { freePort } from "./ports";
import { isCommandOf } from "./process";
import { giveToServerUser, runAsServerUser, spawnAsServerUser } from "./runAs";

/** One PostgreSQL server on this machine: its programs and its files. */
export interface ServerFiles {
    /** Folder of initdb, postgres and pg_ctl; see `findBinaries`. */
    readonly bin: string;
    readonly dataDir: string;
    readonly logFile: string;
}

export interface Superuser {
    readonly name: string;
    readonly password: string;
}

export type Settings = Readonly<Record<string, string>>;

const START_DEADLINE_MS = 60_000;
const POLL_MS = 20;
/** The line of postmaster.pid, counted from 0, that tells how far the start is: PostgreSQL's src/include/utils/pidfile.h. */
const PID_FILE_STATUS = 7;
const STOP_DEADLINE_SECONDS = 30;
/** Larger than any process id an operating system gives out. */
const NO_PROCESS = 2_147_483_647;
const SETTINGS_FILE = "server.conf";

/** Creates the data directory with one superuser (scram password), UTF-8, reachable by TCP only. */
export async function initServer(files: ServerFiles, superuser: Superuser): Promise<void> {
    refuseShellWords(files.bin);
    const folder = path.dirname(files.dataDir);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(files.dataDir, { mode: 0o700 });
    await giveToServerUser(files.dataDir);
    const passwordFile = path.join(folder, `password-${randomUUID()}`);
    try {
        await writeFile(passwordFile, `${superuser.password}\n`, { mode: 0o600 });
        await giveToServerUser(passwordFile);
        await runAsServerUser(path.join(files.bin, "initdb"), [
            `--pgdata=${files.dataDir}`,
            `--username=${superuser.name}`,
            `--pwfile=${passwordFile}`,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ]);
        await appendFile(
            path.join(files.dataDir, "postgresql.conf"),
            `include = '${SETTINGS_FILE}'\n`,
        );
        await writeSettings(files, {});
    } catch (cause) {
        await rm(files.dataDir, { recursive: true, force: true });
        throw new Error(
            `The PostgreSQL data directory ${files.dataDir} could not be created: ${failureReason(cause)}; mend that and run the command again.`,
            { cause },
        );
    } finally {
        await rm(passwordFile, { force: true });
    }
}

/** Replaces the server's settings; they take effect at the next reload or start, as PostgreSQL has it. */
export async function writeSettings(files: ServerFiles, settings: Settings): Promise<void> {
    const all: Settings = {
        listen_addresses: "localhost",
        unix_socket_directories: "",
        password_encryption: "scram-sha-256",
        timezone: "UTC",
        log_timezone: "UTC",
        ...settings,
    };
    const file = path.join(files.dataDir, SETTINGS_FILE);
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${quoteSetting(value)}\n`);
    await writeFile(file, lines.join(""), { mode: 0o600 });
    await giveToServerUser(file);
}

/** Quotes a value for postgresql.conf. */
export function quoteSetting(value: string): string {
    return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/**
 * Starts the server on a port and waits until it accepts connections; it outlives this process.
 * Does nothing when it already runs. Rejects with the server's own FATAL line.
 */
export async function startServer(files: ServerFiles, port: number): Promise<void> {
    if (await isRunning(files)) {
        return;
    }
    await forgetPid(files);
    await appendFile(files.logFile, "", { mode: 0o600 });
    await chmod(files.logFile, 0o600);
    await giveToServerUser(files.logFile);
    const deadline = Date.now() + START_DEADLINE_MS;
    for (;;) {
        const logged = (await stat(files.logFile)).size;
        const failure = await launchServer(files, port, deadline);
        if (failure === undefined) {
            return;
        }
        const log = (await readFile(files.logFile, "utf8")).slice(logged);
        const reason = fatalLine(log);
        // Children of a killed server hold its shared memory for a moment until they notice its death.
        const orphans = /pre-existing shared memory block/.test(reason ?? "");
        if (!orphans || Date.now() > deadline) {
            throw new Error(
                `The PostgreSQL server in ${files.dataDir} did not start on port ${port}: ` +
                    `${reason ?? [failure, ...lastLine(log)].join("; ")} (log: ${files.logFile})`,
            );
        }
        await pause(POLL_MS);
    }
}

/** Starts the server on a port that nobody uses, and resolves with it: another program may take the one that was found. */
export async function startOnFreePort(files: ServerFiles, attempts = 5): Promise<number> {
    const port = await freePort();
    try {
        await startServer(files, port);
        return port;
    } catch (error) {
        if (attempts > 1 && String(error).includes("could not create any TCP/IP sockets")) {
            return await startOnFreePort(files, attempts - 1);
        }
        throw error;
    }
}

/**
 * Starts the server's program itself and waits until its pid file says that it is ready, as pg_ctl does; pg_ctl would hand
 * the path of the program, of the data and of the log to a shell. Resolves with what went wrong.
 */
async function launchServer(
    files: ServerFiles,
    port: number,
    deadline: number,
): Promise<string | undefined> {
    const ended = new AbortController();
    let failure = "";
    const child = spawnAsServerUser(
        path.join(files.bin, "postgres"),
        ["-D", files.dataDir, "-p", String(port)],
        files.logFile,
    );
    child.once("error", (error) => {
        failure = error.message;
        ended.abort();
    });
    child.once("exit", (code, signalName) => {
        failure =
            signalName === null
                ? `it ended at its start with exit code ${String(code)}`
                : `it was ended at its start by ${signalName}`;
        ended.abort();
    });
    while (!ended.signal.aborted) {
        const lines = await pidFileLines(files.dataDir);
        if (Number(lines[0]) === child.pid && lines[PID_FILE_STATUS]?.trim() === "ready") {
            return undefined;
        }
        if (Date.now() > deadline) {
            child.kill("SIGQUIT");
            return `it was not ready after ${String(START_DEADLINE_MS / 1000)} s`;
        }
        await pause(POLL_MS);
    }
    return failure;
}

/** Makes a running server read its settings again. */
export async function reloadServer(files: ServerFiles): Promise<void> {
    if (await isRunning(files)) {
        signal(await recordedPid(files), "SIGHUP");
    }
}

/**
 * Stops the server and waits for its end; does nothing when it does not run.
 * `fast` ends the sessions and writes a checkpoint, `immediate` skips that (recovery at the next start).
 */
export async function stopServer(
    files: ServerFiles,
    mode: "fast" | "immediate" = "fast",
): Promise<void> {
    if (!(await isRunning(files))) {
        return;
    }
    // pg_ctl stop sends the same signals, but needs the server's programs, which may be gone from the cache.
    const pid = await recordedPid(files);
    signal(pid, mode === "fast" ? "SIGINT" : "SIGQUIT");
    const deadline = Date.now() + STOP_DEADLINE_SECONDS * 1000;
    while (await isRunning(files)) {
        if (Date.now() > deadline) {
            if (mode === "fast") {
                await stopServer(files, "immediate");
                return;
            }
            throw new Error(
                `The PostgreSQL server in ${files.dataDir} did not stop: end process ${String(pid)}.`,
            );
        }
        await pause(POLL_MS);
    }
}

/** The command that ends the server, for a process that must be able to do it without this one. */
export function stopArguments(files: ServerFiles): readonly string[] {
    return [
        path.join(files.bin, "pg_ctl"),
        `--pgdata=${files.dataDir}`,
        "stop",
        "--mode=immediate",
        "--wait",
        `--timeout=${STOP_DEADLINE_SECONDS}`,
    ];
}

/** Whether the server of this data directory runs; a reused process id does not count. */
export async function isRunning(files: ServerFiles): Promise<boolean> {
    const pid = await recordedPid(files);
    return pid !== undefined && (await isCommandOf(pid, await startedIn(files)));
}

/** Whether the data directory was renamed while its server ran, whose programs and files are no longer where they were. */
export async function wasRenamed(files: ServerFiles): Promise<boolean> {
    return (await startedIn(files)) !== files.dataDir && (await isRunning(files));
}

/**
 * The data directory as its server's command line names it: another one when it was renamed since. Where that other one
 * still exists, the server is its own, and this directory is a copy.
 */
async function startedIn({ dataDir }: ServerFiles): Promise<string> {
    const [, recorded = ""] = await pidFileLines(dataDir);
    return path.isAbsolute(recorded) && !existsSync(recorded) ? recorded : dataDir;
}

/** The process id in postmaster.pid, running or not. */
export async function recordedPid({ dataDir }: ServerFiles): Promise<number | undefined> {
    const [first] = await pidFileLines(dataDir);
    const pid = Number(first);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** The lines of postmaster.pid: process id, data directory and more; none where there is no such file. */
async function pidFileLines(dataDir: string): Promise<string[]> {
    return (await readIfExists(path.join(dataDir, "postmaster.pid")))?.split("\n") ?? [];
}

/**
 * PostgreSQL refuses to start while postmaster.pid names an existing process, even when that is another program that got
 * the number, or a killed server that nobody reaped. The rest of the file stays: by it a starting server finds out
 * whether children of its predecessor still use the data.
 */
async function forgetPid(files: ServerFiles): Promise<void> {
    if ((await recordedPid(files)) !== undefined) {
        const file = path.join(files.dataDir, "postmaster.pid");
        const [, ...rest] = (await readFile(file, "utf8")).split("\n");
        await writeFile(file, [NO_PROCESS, ...rest].join("\n"));
    }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
    try {
        if (pid !== undefined) {
            process.kill(pid, name);
        }
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
            throw error; // ESRCH: it ended by itself in the meantime
        }
    }
}

/**
 * What others say in the same log while a server starts: the sessions of a killed one before they end, and those who connect
 * too early.
 */
const OF_SESSIONS = /unexpected postmaster exit|^the database system is /;

/** Why a server did not start, by what was logged meanwhile. */
export function fatalLine(log: string): string | undefined {
    const reasons = [...log.matchAll(/(?:FATAL|PANIC): {2}(.*)/g)].map(([, reason = ""]) => reason);
    return reasons.find((reason) => !OF_SESSIONS.test(reason));
}

/** What was logged last, where anything was. */
function lastLine(log: string): string[] {
    const lines = log.trim().split("\n");
    const last = lines.at(-1) ?? "";
    return last === "" ? [] : [`its log ends with "${last}"`];
}

/** Refuses a path that initdb cannot have: it runs the server's program by a shell, with the path in double quotes. */
function refuseShellWords(bin: string): void {
    if (/["$`\\\n]/.test(bin)) {
        throw new Error(
            `PostgreSQL cannot be set up with its programs in ${JSON.stringify(bin)}: initdb hands that path to a shell, to which a quote, $, \` and \\ mean something else; move the project, or set XDG_CACHE_HOME to a folder with a plain name.`,
        );
    }
}
