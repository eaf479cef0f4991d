import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { chown } from "node:fs/promises";
import { promisify } from "node:util";
import { leastEnvironment } from "../environment";

const execFileAsync = promisify(execFile);

/** The OS user that a server runs as; PostgreSQL refuses to run as root. */
interface ServerUser {
    readonly uid: number;
    readonly gid: number;
    /** Whether `setpriv` may hand the user dac_override, so that it reaches its files inside a 0700 home. */
    readonly setpriv: boolean;
}

export interface Command {
    readonly file: string;
    readonly args: readonly string[];
    readonly uid?: number;
    readonly gid?: number;
}

let cachedUser: ServerUser | undefined;

/** The user for servers when this process is root, otherwise undefined: servers run as the caller. */
function serverUser(): ServerUser | undefined {
    if (process.getuid?.() !== 0) {
        return undefined;
    }
    cachedUser ??= lookUpNobody();
    return cachedUser;
}

function lookUpNobody(): ServerUser {
    const [uid, gid] = ["-u", "-g"].map((flag) => {
        const found = spawnSync("id", [flag, "nobody"], { encoding: "utf8" });
        return found.status === 0 ? Number(found.stdout.trim()) : Number.NaN;
    });
    if (uid === undefined || gid === undefined || !Number.isInteger(uid + gid)) {
        throw new Error(
            "PostgreSQL does not run as root and there is no user `nobody` to run it as: start this as an ordinary user.",
        );
    }
    const probe = spawnSync("setpriv", [...setprivFlags(uid, gid), "true"], { stdio: "ignore" });
    return { uid, gid, setpriv: probe.status === 0 };
}

function setprivFlags(uid: number, gid: number): string[] {
    return [
        `--reuid=${uid}`,
        `--regid=${gid}`,
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        // Without it access(2), by which PostgreSQL looks for its own programs, ignores the capability.
        "--securebits=+no_setuid_fixup",
    ];
}

/** The command line that runs `file` as the servers' user. */
export function asServerUser(file: string, args: readonly string[]): Command {
    const user = serverUser();
    if (user === undefined) {
        return { file, args };
    }
    if (user.setpriv) {
        return { file: "setpriv", args: [...setprivFlags(user.uid, user.gid), file, ...args] };
    }
    return { file, args, uid: user.uid, gid: user.gid };
}

/** Gives a file or folder to the servers' user; does nothing when that is the caller. */
export async function giveToServerUser(path: string): Promise<void> {
    const user = serverUser();
    if (user !== undefined) {
        await chown(path, user.uid, user.gid);
    }
}

/** Runs a server program to its end and returns what it printed; rejects with its own message otherwise. */
export async function runAsServerUser(
    file: string,
    args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
    const { file: command, args: full, ...ids } = asServerUser(file, args);
    return await execFileAsync(command, [...full], { ...ids, cwd: "/", env: leastEnvironment() });
}

/**
 * Starts a server program that outlives this process, in a session of its own, its output appended to a file. A failure
 * to start it comes as the child's `error` event.
 */
export function spawnAsServerUser(
    file: string,
    args: readonly string[],
    logFile: string,
): ChildProcess {
    const { file: command, args: full, ...ids } = asServerUser(file, args);
    const log = openSync(logFile, "a", 0o600);
    try {
        const child = spawn(command, full, {
            ...ids,
            cwd: "/",
            env: leastEnvironment(),
            detached: true,
            stdio: ["ignore", log, log],
        });
        child.unref();
        return child;
    } finally {
        closeSync(log);
    }
}
