import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { dropTaskSlot, stopTask } from "../local/dms/control";

/** The folder of a task of the DMS stand-in. */
export interface TaskFolder {
    readonly path: string;
    /** Stops the task's process, drops its slot and removes the folder. */
    remove(): Promise<void>;
}

/** A new folder under the OS temp folder. It and the task's process go with `remove()`, or with this process. */
export function taskFolder(): TaskFolder {
    const folder = mkdtempSync(path.join(realpathSync(tmpdir()), "audit-trail-task-"));
    const release = guard(folder);
    return {
        path: folder,
        remove: async () => {
            try {
                await stopTask(folder);
                await dropTaskSlot(folder);
                rmSync(folder, { recursive: true, force: true });
            } finally {
                release();
            }
        },
    };
}

/** A process that waits for the end of its standard input, which ends with this process, by whatever signal. */
function guard(folder: string): () => void {
    const script = 'cat >/dev/null; if [ -d "$0" ]; then "$@" >/dev/null 2>&1; rm -rf -- "$0"; fi';
    const loader = pathToFileURL(require.resolve("tsx")).href;
    const stop = path.join(__dirname, "stopTask.ts");
    const child = spawn(
        "sh",
        ["-c", script, folder, process.execPath, "--import", loader, stop, folder],
        {
            cwd: path.resolve(__dirname, ".."),
            detached: true,
            stdio: ["pipe", "ignore", "ignore"],
        },
    );
    child.unref();
    return () => {
        child.stdin.end();
    };
}
