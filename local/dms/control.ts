import { spawn } from "node:child_process";
import { chmodSync, closeSync, openSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseError } from "pg";
import { codeOf } from "../../text/errors";
import { leastEnvironment } from "../environment";
import { dropSlot, slotName } from "./capture/slot";
import { clientConfig, connect, disconnect } from "./connection";
import { livingProcess, type ProcessIdentity, startTicks, wasRenamed } from "./processIdentity";
import { readCheckpoint } from "./task/checkpoint";
import { readStatus, type TaskStatus } from "./task/status";
import { readSource, readTask, taskFiles } from "./task/task";

const POLL_MS = 50;
/** A full load waits up to TransactionConsistencyTimeout (600 s by default) before it reads a row. */
const START_DEADLINE_MS = 30 * 60_000;
const STOP_DEADLINE_MS = 15_000;
const SLOT_DEADLINE_MS = 15_000;

/**
 * Starts the task's process, detached from this one, or finds it running.
 *
 * Resolves once the task is in ongoing replication, or stopped after its full load; rejects with the task's own error.
 */
export async function startTask(taskDir: string): Promise<void> {
    const files = taskFiles(taskDir);
    readTask(taskDir);
    if (wasRenamed(files.process)) {
        await stopTask(taskDir);
    }
    const pid = (await runningProcess(taskDir))?.pid ?? spawnReplicator(taskDir);
    const deadline = Date.now() + START_DEADLINE_MS;
    for (;;) {
        // Looked at before the status, so that a last status is not missed.
        const lives = startTicks(pid) !== undefined;
        const status = readStatus(files.status);
        const isOwn = status?.pid === pid;
        if (isOwn && status.state === "running") {
            return;
        }
        if (isOwn && status.state === "stopped" && !lives) {
            return;
        }
        if (isOwn && status.state === "failed") {
            throw new Error(
                `The replication task ${status.taskIdentifier} failed: ${status.error ?? ""} (log: ${files.log})`,
            );
        }
        if (!lives) {
            throw new Error(
                `The replication task in ${taskDir} ended at its start (log: ${files.log}).`,
            );
        }
        if (Date.now() > deadline) {
            await stopTask(taskDir);
            throw new Error(
                `The replication task in ${taskDir} did not start in time (log: ${files.log}).`,
            );
        }
        await pause(POLL_MS);
    }
}

/** The task's process, unless it is about to end: what it has failed with is no answer to a new start. */
async function runningProcess(taskDir: string): Promise<ProcessIdentity | undefined> {
    const files = taskFiles(taskDir);
    const identity = livingProcess(files.process);
    const status = readStatus(files.status);
    const isEnding =
        status?.pid === identity?.pid &&
        (status?.state === "failed" || status?.state === "stopped");
    return identity !== undefined && isEnding && (await hasEnded(identity, STOP_DEADLINE_MS))
        ? undefined
        : identity;
}

/** Stops the task's process and waits for its end; does nothing when it does not run. The slot stays. */
export async function stopTask(taskDir: string): Promise<void> {
    const { process: file } = taskFiles(taskDir);
    const identity = livingProcess(file);
    if (identity === undefined) {
        return;
    }
    signal(identity, "SIGTERM");
    if (!(await hasEnded(identity, STOP_DEADLINE_MS))) {
        signal(identity, "SIGKILL");
        if (!(await hasEnded(identity, STOP_DEADLINE_MS))) {
            throw new Error(`The replication task's process ${identity.pid} does not end.`);
        }
    }
}

/** What status.json says, corrected when the process behind it is gone; undefined before the first start. */
export function taskStatus(taskDir: string): TaskStatus | undefined {
    const files = taskFiles(taskDir);
    const lives = livingProcess(files.process) !== undefined && !wasRenamed(files.process);
    const status = readStatus(files.status);
    if (status === undefined || lives || status.state === "stopped" || status.state === "failed") {
        return status;
    }
    return { ...status, state: "failed", error: "The replicator's process ended unexpectedly." };
}

/**
 * Drops the slot that the task created, as DMS does when a task is deleted. Silent when the source or its database is
 * gone, or the task has no slot of its own.
 */
export async function dropTaskSlot(taskDir: string): Promise<void> {
    const task = readSource(taskDir);
    if (task === undefined) {
        return;
    }
    const slot = slotName(task.identifier);
    const used = readCheckpoint(taskFiles(taskDir).checkpoint)?.slot;
    if (used !== undefined && used !== "" && used !== slot) {
        return;
    }
    const config = clientConfig(task.source, task.identifier);
    const deadline = Date.now() + SLOT_DEADLINE_MS;
    for (;;) {
        try {
            const source = await connect(config, () => undefined);
            try {
                await dropSlot(source, slot);
            } finally {
                await disconnect(source);
            }
            return;
        } catch (error) {
            const code = codeOf(error);
            const isGone = !(error instanceof DatabaseError) || /^(3D|28)/.test(code);
            if (isGone) {
                return;
            }
            // The source may not have noticed the end of the task's connection yet, or it is starting.
            if (!["55006", "57P03"].includes(code) || Date.now() > deadline) {
                throw new Error(
                    `The replication slot ${slot} could not be dropped on the source as user "${task.source.username}": ` +
                        `${error.message} (SQLSTATE ${code}); mend that and run the command again.`,
                    { cause: error },
                );
            }
            await pause(POLL_MS);
        }
    }
}

function spawnReplicator(taskDir: string): number {
    const { log } = taskFiles(taskDir);
    const output = openSync(log, "a", 0o600);
    chmodSync(log, 0o600);
    try {
        const child = spawn(
            process.execPath,
            [
                "--require",
                path.resolve(__dirname, "../../policy/typeScript.cjs"),
                path.join(__dirname, "replicator.ts"),
                path.resolve(taskDir),
            ],
            {
                cwd: path.resolve(__dirname, "../.."),
                detached: true,
                env: leastEnvironment(),
                stdio: ["ignore", output, output],
            },
        );
        child.unref();
        if (child.pid === undefined) {
            throw new Error(`The replicator for ${taskDir} could not be started.`);
        }
        return child.pid;
    } finally {
        closeSync(output);
    }
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
    if (startTicks(identity.pid) === identity.startTicks) {
        process.kill(identity.pid, name);
    }
}

async function hasEnded(identity: ProcessIdentity, deadlineMs: number): Promise<boolean> {
    const deadline = Date.now() + deadlineMs;
    while (startTicks(identity.pid) === identity.startTicks) {
        if (Date.now() > deadline) {
            return false;
        }
        await pause(POLL_MS);
    }
    return true;
}
