import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { readIfExists, writeJsonFile } from "./taskFiles";

/** What distinguishes a process from a later one with the same number. */
export interface ProcessIdentity {
    readonly pid: number;
    readonly startedAt: string;
    /** When the system started it: clock ticks since boot on Linux, a date elsewhere. */
    readonly startTicks: string;
    /** The file that this was recorded in, which distinguishes it from a copy; an older version kept none. */
    readonly file?: string;
}

export function recordProcess(file: string): void {
    const identity: ProcessIdentity = {
        pid: process.pid,
        startedAt: new Date().toISOString(),
        startTicks: startTicks(process.pid) ?? "",
        file: path.resolve(file),
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
    // Where the file was renamed the process is still this one; a copy of a project must not end the other's process.
    const { file: original = file } = identity;
    const isCopy = path.resolve(original) !== path.resolve(file) && existsSync(original);
    return !isCopy && startTicks(identity.pid) === identity.startTicks ? identity : undefined;
}

/** Whether the recorded process lives but was started in a folder that was renamed since: its own files are out of reach. */
export function wasRenamed(file: string): boolean {
    const { file: original = file } = livingProcess(file) ?? {};
    return path.resolve(original) !== path.resolve(file);
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
