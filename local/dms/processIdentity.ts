import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { readIfExists, writeJsonFile } from "./files";

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
    readonly pid: number;
    readonly startedAt: string;
    /** When the system started it: clock ticks since boot on Linux, a date elsewhere. */
    readonly startTicks: string;
}

export function recordProcess(file: string): void {
    const identity: ProcessIdentity = {
        pid: process.pid,
        startedAt: new Date().toISOString(),
        startTicks: startTicks(process.pid) ?? "",
    };
    writeJsonFile(file, identity);
}

/** The recorded process when it still lives, undefined otherwise. */
export function livingProcess(file: string): ProcessIdentity | undefined {
    const json = readIfExists(file);
    if (json === undefined) {
        return undefined;
    }
    const identity = JSON.parse(json) as ProcessIdentity;
    return startTicks(identity.pid) === identity.startTicks ? identity : undefined;
}

/** When a living process started; undefined when there is none with this number or it is a zombie. */
export function startTicks(pid: number): string | undefined {
    if (!Number.isInteger(pid) || pid <= 1) {
        return undefined;
    }
    try {
        if (process.platform === "linux") {
            const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
            // The command name, in brackets, may hold blanks and brackets itself.
            const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
            return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
        }
        const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
        }).trim();
        return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
    } catch {
        return undefined;
    }
}
