import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Client } from "pg";

/**
 * Lets processes go before all others of the machine, and what they start later: the rest gets the time that they
 * leave. Tells whether that worked; it needs Linux and the right to do so. A lower priority for the others would not do:
 * a kernel that preempts lazily lets them run on for milliseconds.
 */
export async function favour(pids: readonly number[]): Promise<boolean> {
    try {
        for (const pid of pids) {
            await promisify(execFile)("chrt", ["--rr", "-a", "--pid", "1", String(pid)]);
        }
        return true;
    } catch {
        return false;
    }
}

/** The processes of a session's server: its postmaster, and all that there are now. None without /proc. */
export async function serverProcesses(server: Client): Promise<number[]> {
    const { rows } = await server.query<{ pid: number }>("SELECT pid FROM pg_stat_activity");
    const pids = rows.map(({ pid }) => pid);
    try {
        const status = readFileSync(`/proc/${String(pids[0])}/status`, "latin1");
        return [Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]), ...pids];
    } catch {
        return [];
    }
}
