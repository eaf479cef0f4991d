import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Stack } from "@pulumi/pulumi/automation";
import { isCommandOf } from "../servers/process";

interface LockFile {
    readonly pid?: number;
    readonly hostname?: string;
}

/** What is done to a stack here; no more than that, so that it can be tried with a stack that is not there. */
export type RecoverableStack = Pick<Stack, "cancel" | "exportStack" | "importStack">;

async function lockFiles(folder: string): Promise<LockFile[]> {
    const entries = await fs.promises
        .readdir(folder, { recursive: true, withFileTypes: true })
        .catch(() => []);
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".json"));
    return Promise.all(
        files.map(async (file) =>
            parseLock(await fs.promises.readFile(path.join(file.parentPath, file.name), "utf8")),
        ),
    );
}

/** The machine may have gone down while the file was written: such a lock has no owner. */
function parseLock(text: string): LockFile {
    try {
        return JSON.parse(text) as LockFile;
    } catch {
        return {};
    }
}

/** After a reboot, or in another container of the same name, the number may be that of any other program. */
async function isEngine({ pid, hostname }: LockFile): Promise<boolean> {
    return pid !== undefined && hostname === os.hostname() && (await isCommandOf(pid, "pulumi"));
}

/**
 * Clears what a killed engine left behind: its lock in the file backend, and the operations that it had announced but
 * not finished (the stand-ins pick up half-made resources by themselves).
 *
 * @throws when the engine that holds the lock is still at work.
 */
export async function recover(stack: RecoverableStack, engineDir: string): Promise<void> {
    const locks = await lockFiles(path.join(engineDir, "state", ".pulumi", "locks"));
    const atWork = await Promise.all(locks.map(isEngine));
    const busy = locks.find((_, index) => atWork[index]);
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
