import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { promisify } from "node:util";

/**
 * Binds processes to the machine's last core, where the least else runs; tells whether that worked. Without it the
 * rate depends on how fast an idle core wakes up when the reply comes from another one.
 */
export async function pin(pids: readonly number[]): Promise<boolean> {
    const core = String(cpus().length - 1);
    try {
        for (const pid of pids) {
            // All threads of a Node.js process.
            await promisify(execFile)("taskset", ["-a", "-c", "-p", core, String(pid)]);
        }
        return true;
    } catch {
        return false;
    }
}
