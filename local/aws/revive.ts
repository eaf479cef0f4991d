import { rm } from "node:fs/promises";
import { messageOf } from "../../text/errors";
import { isRdsServerRunning, startRdsServer, stopRdsServer } from "../servers/rds";
import { findRecord, rdsIdentifiers } from "../servers/rdsFiles";
import { Store } from "./store";
import { replicator, type TaskControl } from "./taskControl";
import { startTask, TASK, taskFolder, taskIds } from "./tasks";

/** What had to be started; empty lists when everything ran. */
export interface ReviveReport {
    readonly servers: readonly string[];
    readonly tasks: readonly string[];
    /** The reason, a sentence or more, of each task that could not be started: what the mapping has may not be there. */
    readonly failures: readonly string[];
}

/**
 * Brings a stack's servers and tasks back after a reboot or a crash: every server that has an instance, then every
 * task that should run. What runs already is left alone. A task that does not start keeps nobody from changing it.
 */
export async function reviveStack(
    stackDir: string,
    control: TaskControl = replicator,
): Promise<ReviveReport> {
    const servers: string[] = [];
    for (const identifier of await rdsIdentifiers(stackDir)) {
        const wanted = (await findRecord(stackDir, identifier))?.wanted === true;
        if (wanted && !(await isRdsServerRunning(stackDir, identifier))) {
            await startRdsServer(stackDir, identifier);
            servers.push(identifier);
        }
    }
    const tasks: string[] = [];
    const failures: string[] = [];
    for (const { id, inputs, computed } of await new Store(stackDir).list(TASK)) {
        // A task without ongoing replication ends by itself.
        const wanted = computed.status === "running" && inputs.migrationType !== "full-load";
        if (wanted && !control.isTaskRunning(taskFolder(stackDir, id))) {
            try {
                await startTask(control, stackDir, id);
                tasks.push(id);
            } catch (error) {
                failures.push(messageOf(error));
            }
        }
    }
    return { servers, tasks, failures };
}

/**
 * Ends every process that the stack still has on this machine and deletes its folder: after a destroy, or instead of
 * one that is impossible. A server or task that cannot be ended keeps the folder, so that it can be tried again.
 */
export async function sweepStack(
    stackDir: string,
    control: TaskControl = replicator,
): Promise<void> {
    for (const id of await taskIds(stackDir)) {
        await control.stopTask(taskFolder(stackDir, id));
    }
    for (const identifier of await rdsIdentifiers(stackDir)) {
        await stopRdsServer(stackDir, identifier);
    }
    await rm(stackDir, { recursive: true, force: true });
}
