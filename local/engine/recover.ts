import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Stack } from "@pulumi/pulumi/automation";

interface LockFile {
    readonly pid?: number;
    readonly hostname?: string;
}

/** True unless the process is known to be gone: another user's process answers EPERM, and it lives. */
export function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

async function lockFiles(folder: string): Promise<LockFile[]> {
    const entries = await fs.promises
        .readdir(folder, { recursive: true, withFileTypes: true })
        .catch(() => []);
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".json"));
    return Promise.all(
        files.map(
            async (file) =>
                JSON.parse(
                    await fs.promises.readFile(path.join(file.parentPath, file.name), "utf8"),
                ) as LockFile,
        ),
    );
}

/**
 * Clears what a killed engine left behind: its lock in the file backend, and the operations that it had announced but
 * not finished (the stand-ins pick up half-made resources by themselves).
 *
 * @throws when the engine that holds the lock is still at work.
 */
export async function recover(stack: Stack, engineDir: string): Promise<void> {
    const locks = await lockFiles(path.join(engineDir, "state", ".pulumi", "locks"));
    const busy = locks.find(
        ({ pid, hostname }) => pid !== undefined && hostname === os.hostname() && isAlive(pid),
    );
    if (busy) {
        throw new Error(
            `Another update of this stack is running (process ${String(busy.pid)}); wait for its end and run the command again.`,
        );
    }
    if (locks.length > 0) {
        await stack.cancel();
    }
    const state = await stack.exportStack();
    const deployment = state.deployment as { pending_operations?: unknown[] } | undefined;
    if (deployment?.pending_operations?.length) {
        await stack.importStack({
            ...state,
            deployment: { ...deployment, pending_operations: [] },
        });
    }
}
