import { readFileSync, writeFileSync } from "node:fs";

import type { Client } from "pg";

/** What `application_name` the load's sessions have, to be told from others. */
export const LOAD_NAME = "audit-trail-load";

/** USER_HZ, the unit of /proc/<pid>/stat: 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of a server's processes since they began; NaN where there is no /proc. */
export interface ServerCpu {
    /** The load's own sessions. */
    readonly backends: number;
    readonly walsender: number;
    /** WAL writer, checkpointer, background writer. */
    readonly background: number;
}

interface Activity {
    readonly pid: number;
    readonly kind: keyof ServerCpu | null;
}

/** User and system time of one process in seconds, NaN when there is none with this number or no /proc. */
export function cpuSeconds(pid: number): number {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
        // The command name, in brackets, may hold blanks and brackets itself.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
        return NaN;
    }
}

/** What the processes of a server have used by now. Sessions that have ended are not counted any more. */
export async function serverCpu(server: Client): Promise<ServerCpu> {
    const { rows } = await server.query<Activity>(
        `SELECT pid, CASE
             WHEN application_name = $1 THEN 'backends'
             WHEN backend_type = 'walsender' THEN 'walsender'
             WHEN backend_type <> 'client backend' THEN 'background'
         END AS kind
         FROM pg_stat_activity`,
        [LOAD_NAME],
    );
    const total = { backends: 0, walsender: 0, background: 0 };
    for (const { pid, kind } of rows) {
        if (kind !== null) {
            total[kind] += cpuSeconds(pid);
        }
    }
    return total;
}

/** Lets the peak of a process's memory begin anew; without /proc or the right to do so it stays as it was. */
export function resetPeakMemory(pid: number): void {
    try {
        writeFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch {
        // The peak then includes what came before, which errs on the side of too much.
    }
}

/** The most memory a process had at once, in MB; NaN without /proc. */
export function peakMemory(pid: number): number {
    try {
        const status = readFileSync(`/proc/${pid}/status`, "latin1");
        return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / 1024;
    } catch {
        return NaN;
    }
}
