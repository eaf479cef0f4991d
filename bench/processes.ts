import { readFileSync } from "node:fs";
import type { Client } from "pg";

/** The `application_name` that distinguishes the load's sessions from others. */
export const LOAD_NAME = "audit-trail-load";

const SAMPLE_MS = 20;

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

/**
 * Seconds that one process has had on a CPU, NaN when there is none with this number or no /proc. Of a process with one thread, as
 * PostgreSQL's are: the first field is nanoseconds. https://docs.kernel.org/scheduler/sched-stats.html
 */
export function cpuSeconds(pid: number): number {
    try {
        return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[0]) / 1e9;
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

/** The most memory of its own, without shared buffers, that each process had at once since the watch began, in MB. */
export class MemoryWatch {
    private readonly peaks: Map<number, number>;
    private readonly timer: NodeJS.Timeout;

    constructor(pids: readonly number[]) {
        this.peaks = new Map(pids.map((pid) => [pid, privateMemory(pid)]));
        this.timer = setInterval(() => {
            for (const [pid, peak] of this.peaks) {
                this.peaks.set(pid, Math.max(peak, privateMemory(pid)));
            }
        }, SAMPLE_MS);
    }

    /** Ends the watch; in the order of the processes, NaN without /proc. */
    end(): number[] {
        clearInterval(this.timer);
        return [...this.peaks.values()];
    }
}

function privateMemory(pid: number): number {
    try {
        const status = readFileSync(`/proc/${pid}/status`, "latin1");
        return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / 1024;
    } catch {
        return NaN;
    }
}
