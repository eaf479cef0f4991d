import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/**
 * Whether process `pid` lives and its command line contains `part`. A defunct process does not
 * live.
 */
export async function isCommandOf(pid: number, part: string): Promise<boolean> {
    return (await commandOf(pid))?.includes(part) ?? false;
}

/** The command line of process `pid`; undefined when it does not live. */
export async function commandOf(pid: number): Promise<string | undefined> {
    return process.platform === "linux" ? await commandFromProc(pid) : await commandFromPs(pid);
}

async function commandFromProc(pid: number): Promise<string | undefined> {
    try {
        const stat = await readFile(`/proc/${pid}/stat`, "utf8");
        const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
        if (state === "Z" || state === "X") {
            return undefined;
        }
        return (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ");
    } catch {
        return undefined;
    }
}

async function commandFromPs(pid: number): Promise<string | undefined> {
    try {
        const { stdout } = await execFileAsync("ps", ["-ww", "-o", "command=", "-p", String(pid)]);
        return stdout.trim() === "" ? undefined : stdout;
    } catch {
        return undefined;
    }
}
