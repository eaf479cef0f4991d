import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine as far as this user may see it. */
export interface ListedProcess {
    readonly pid: number;
    readonly group: number;
    /** Program and arguments. */
    readonly command: string;
}

/** All processes; from /proc on Linux, where ps need not be installed. */
export function listProcesses(): ListedProcess[] {
    if (process.platform !== "linux") {
        const text = execFileSync("ps", ["-A", "-ww", "-o", "pid=,pgid=,command="], {
            encoding: "utf8",
        });
        return text.split("\n").flatMap((line) => {
            const [, pid, group, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
            return command === undefined
                ? []
                : [{ pid: Number(pid), group: Number(group), command }];
        });
    }
    return readdirSync("/proc").flatMap((name) => {
        try {
            const stat = readFileSync(`/proc/${name}/stat`, "latin1");
            // State, parent and process group follow the name, which may hold blanks and brackets itself.
            const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
            const command = readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ");
            return [{ pid: Number(name), group, command }];
        } catch {
            // Not a process, or one that has just ended.
            return [];
        }
    });
}

/** Gathers the command lines of every process that is seen until `stop`, which returns them. */
export function watchCommandLines(): { stop(): ReadonlySet<string> } {
    const seen = new Set<string>();
    const look = (): void => {
        for (const { command } of listProcesses()) {
            seen.add(command);
        }
    };
    look();
    const timer = setInterval(look, 50);
    return {
        stop() {
            clearInterval(timer);
            look();
            return seen;
        },
    };
}
