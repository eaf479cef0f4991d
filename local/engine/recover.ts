import { promises } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import type { Stack } from "@pulumi/pulumi/automation";
import { readIfExists } from "../servers/files";
import { endEngine, type Engine, engineOf, hasOwner } from "./engineProcess";
import { BusyError, busyMessage, explained } from "./failure";
import { readDeployment } from "./stackState";

interface LockFile {
    readonly pid?: number;
    readonly hostname?: string;
}

/** The methods of a stack that are called here. A test can stand in for them without a stack. */
export type RecoverableStack = Pick<Stack, "name" | "cancel" | "exportStack" | "importStack">;

async function lockFiles(folder: string): Promise<LockFile[]> {
    const entries = await promises
        .readdir(folder, { recursive: true, withFileTypes: true })
        .catch(() => []);
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".json"));
    const texts = await Promise.all(
        files.map((file) => readIfExists(path.join(file.parentPath, file.name))),
    );
    return texts.filter((text) => text !== undefined).map(parseLock);
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
async function holder({ pid, hostname: host }: LockFile): Promise<Engine | undefined> {
    return pid !== undefined && host === hostname() ? await engineOf(pid) : undefined;
}

/**
 * Whether an engine that was killed may have announced operations in its state. The file is the file backend's own:
 * where it is not as expected, the engine has to be asked.
 */
async function mayHavePendingOperations(engineDir: string, stackName: string): Promise<boolean> {
    const deployment = await readDeployment(engineDir, stackName);
    return deployment === undefined || deployment.pending_operations !== undefined;
}

function locksFolder(engineDir: string): string {
    return path.join(engineDir, "state", ".pulumi", "locks");
}

/** The engines that hold the stack's lock and live. */
async function engines(engineDir: string): Promise<Engine[]> {
    const locks = await lockFiles(locksFolder(engineDir));
    return (await Promise.all(locks.map(holder))).filter((engine) => engine !== undefined);
}

/** Ends every engine that is at work on the stack, whoever started it. */
export async function endEngines(engineDir: string): Promise<void> {
    for (const engine of await engines(engineDir)) {
        await endEngine(engine);
    }
}

/**
 * Ends an engine that went on without the command that started it.
 *
 * @param say receives a line when there is one, because it takes time.
 * @throws BusyError when the engine that holds the lock is still at work for another command.
 */
export async function endOrphans(engineDir: string, say: (line: string) => void): Promise<void> {
    for (const engine of await engines(engineDir)) {
        if (await hasOwner(engine)) {
            throw new BusyError(busyMessage(engine.pid));
        }
        say(
            `Ending the engine of a command that was killed (process ${String(engine.pid)}), once its step under way is done.`,
        );
        await endEngine(engine);
    }
}

/**
 * Clears what a killed command left behind: an engine that went on without it, the engine's lock in the file backend,
 * and the operations that it had announced but not finished (the stand-ins pick up half-made resources by themselves).
 *
 * @param say receives a line when that takes time.
 * @throws BusyError when the engine that holds the lock is still at work for another command.
 */
export async function recover(
    stack: RecoverableStack,
    engineDir: string,
    say: (line: string) => void,
): Promise<void> {
    await endOrphans(engineDir, say);
    try {
        if ((await lockFiles(locksFolder(engineDir))).length > 0) {
            await stack.cancel();
        }
        if (await mayHavePendingOperations(engineDir, stack.name)) {
            await forgetPendingOperations(stack);
        }
    } catch (error) {
        throw explained(
            stack.name,
            error,
            (reason) =>
                `The engine cannot take up the stack's state in ${engineDir}: ${reason}; mend that, or throw the stack away with "npm stop".`,
        );
    }
}

async function forgetPendingOperations(stack: RecoverableStack): Promise<void> {
    const state = await stack.exportStack();
    const deployment = state.deployment as { pending_operations?: unknown[] } | undefined;
    if (deployment?.pending_operations?.length) {
        await stack.importStack({
            ...state,
            deployment: { ...deployment, pending_operations: [] },
        });
    }
}
