import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { leastEnvironment } from "../local/environment";
import { findBinaries } from "../local/servers/binaries";
import {
    initServer,
    type ServerFiles,
    startOnFreePort,
    stopArguments,
    writeSettings,
} from "../local/servers/postgres";
import { asServerUser, giveToServerUser } from "../local/servers/runAs";

/** A throw-away PostgreSQL server. */
export interface ScratchServer {
    readonly host: string;
    readonly port: number;
    /** A superuser. */
    readonly user: string;
    readonly password: string;
    readonly database: string;
    stop(): Promise<void>;
}

export interface ScratchOptions {
    /** Server settings on top of the defaults (logical decoding on, fsync off). */
    readonly settings?: Readonly<Record<string, string>>;
    /** Major version, default 17. */
    readonly major?: number;
}

const DEFAULTS: Readonly<Record<string, string>> = {
    fsync: "off",
    full_page_writes: "off",
    synchronous_commit: "off",
    shared_buffers: "32MB",
    max_wal_size: "256MB",
    wal_level: "logical",
    autovacuum_naptime: "10min",
};

/**
 * Starts a PostgreSQL server in a folder of its own under the OS temp folder. It ends and its folder goes with
 * `stop()`, or with this process, however that ends.
 */
export async function scratchServer(options: ScratchOptions = {}): Promise<ScratchServer> {
    const bin = await findBinaries(options.major);
    const folder = await mkdtemp(path.join(await realpath(tmpdir()), "audit-trail-pg-"));
    const files: ServerFiles = {
        bin,
        dataDir: path.join(folder, "data"),
        logFile: path.join(folder, "server.log"),
    };
    await giveToServerUser(folder);
    const stop = guard(folder, files);
    const superuser = { name: "postgres", password: "scratch" };
    try {
        await initServer(files, superuser);
        await writeSettings(files, { ...DEFAULTS, ...options.settings });
        const port = await startOnFreePort(files);
        return {
            host: "localhost",
            port,
            user: superuser.name,
            password: superuser.password,
            database: "postgres",
            stop,
        };
    } catch (error) {
        await stop();
        throw error;
    }
}

/**
 * A process that waits for the end of its standard input, then stops the server and removes the folder. The input ends
 * when `stop` closes it and also when this process dies, by whatever signal.
 */
function guard(folder: string, files: ServerFiles): () => Promise<void> {
    const [program = "", ...args] = stopArguments(files);
    const { file, args: full, ...ids } = asServerUser(program, args);
    const script = 'cat >/dev/null; "$@" >/dev/null 2>&1; rm -rf -- "$0"';
    const child = spawn("sh", ["-c", script, folder, file, ...full], {
        ...ids,
        cwd: "/",
        env: leastEnvironment(),
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
    });
    const ended = once(child, "exit");
    child.unref();
    return async () => {
        child.ref();
        child.stdin.end();
        await ended;
    };
}
