import { rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { codeOf, messageOf } from "../../text/errors";
import { type TaskContext, withFaults } from "./context";
import { isRowError, TaskError } from "./errors";
import { ReloadFile, withoutLoads } from "./load/reload";
import { logToStandardOutput } from "./log";
import { livingProcess, recordProcess } from "./processIdentity";
import { Session } from "./session";
import { ReloadRequested, StopRequested } from "./signals";
import { quoted } from "./tableName";
import { readCheckpoint, writeCheckpoint } from "./task/checkpoint";
import { FaultFile } from "./task/faults";
import { retryLimit } from "./task/retries";
import { StatusFile } from "./task/status";
import { readTask, taskFiles } from "./task/task";

/** How long a start waits for endpoints that do not answer yet. */
const START_PATIENCE_MS = 30_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;
/** A connection that was good for so long counts like one that brought a change to the target. */
const HEALTHY_MS = 60_000;
/** A stop that hangs in the database ends the process anyway; the open transaction is rolled back there. */
const STOP_PATIENCE_MS = 10_000;

/** Runs the task of a folder until SIGTERM; resolves to the process's exit code. */
async function main(taskDir: string): Promise<number> {
    const files = taskFiles(taskDir);
    const other = livingProcess(files.process);
    if (other !== undefined) {
        throw new TaskError(`The task in ${taskDir} already runs as process ${other.pid}.`);
    }
    recordProcess(files.process);
    const log = logToStandardOutput;
    const status = new StatusFile(files.status, path.basename(taskDir));
    const stop = new AbortController();
    for (const name of ["SIGTERM", "SIGINT"] as const) {
        process.on(name, () => {
            stop.abort();
            setTimeout(() => {
                status.enter("stopped");
                process.exit(0);
            }, STOP_PATIENCE_MS).unref();
        });
    }
    rmSync(files.spool, { recursive: true, force: true });
    try {
        const faults = new FaultFile(files.faults, log);
        const task = readTask(taskDir);
        const context: TaskContext = {
            task,
            files,
            faults,
            reload: new ReloadFile(files.reload, task, log),
            status,
            log,
            signal: stop.signal,
            checkpoint: withFaults(readCheckpoint(files.checkpoint), faults.current()),
            definitions: new Map(),
        };
        status.update({ taskIdentifier: task.identifier });
        log("I", "TASK_MANAGER", `Task ${task.identifier} starts.`);
        await keepRunning(context);
        log("I", "TASK_MANAGER", "The full load is complete.");
        status.enter("stopped");
        return 0;
    } catch (error) {
        if (error instanceof StopRequested) {
            log("I", "TASK_MANAGER", "The task has stopped.");
            status.enter("stopped");
            return 0;
        }
        log("E", "TASK_MANAGER", `The task has failed: ${messageOf(error)}`);
        status.enter("failed", messageOf(error));
        return 1;
    } finally {
        rmSync(files.process, { force: true });
    }
}

/** Runs sessions, one after the other when connections break, until a stop, a failure or the end of a full load. */
async function keepRunning(context: TaskContext): Promise<void> {
    const { log, signal, status } = context;
    const startedAt = Date.now();
    const limit = retryLimit(context.task.settings.ErrorBehavior);
    let hasRun = false;
    let attempts = 0;
    let backoff = FIRST_BACKOFF_MS;
    for (;;) {
        takeReloadRequest(context);
        const session = new Session(context);
        const begunAt = Date.now();
        try {
            await session.run();
            return;
        } catch (error) {
            if (signal.aborted) {
                throw new StopRequested();
            }
            if (error instanceof ReloadRequested) {
                // DMS "retains the previously read table definition" (guide, "Reloading tables during a task").
                continue;
            }
            context.definitions.clear();
            const isRunning = status.current.state === "running";
            hasRun ||= isRunning;
            // An error that comes again with every attempt must reach the limit.
            if (session.hasCommitted || (isRunning && Date.now() - begunAt > HEALTHY_MS)) {
                attempts = 0;
                backoff = FIRST_BACKOFF_MS;
            }
            attempts += 1;
            const isPatient = hasRun
                ? attempts <= limit
                : Date.now() - startedAt < START_PATIENCE_MS;
            if (!isPatient || !isRecoverable(error, hasRun)) {
                throw error;
            }
            log("W", "TASK_MANAGER", `Connecting again after: ${messageOf(error)}`);
            status.enter("reconnecting", messageOf(error));
            await pause(backoff, undefined, { signal }).catch(() => undefined);
            backoff = Math.min(backoff * 2, LAST_BACKOFF_MS);
        }
    }
}

/** Turns a request to load tables again into a part of the checkpoint, which survives a crash at any step. */
function takeReloadRequest(context: TaskContext): void {
    const { checkpoint, files, log, reload } = context;
    const tables = reload.pending();
    if (tables.length === 0) {
        return;
    }
    // During the first full load all tables are loaded anyway.
    if (checkpoint?.fullLoad === "done") {
        log("I", "TASK_MANAGER", `Reload of ${tables.map(quoted).join(", ")}.`);
        context.checkpoint = withoutLoads(checkpoint, tables);
        writeCheckpoint(files.checkpoint, context.checkpoint);
    }
    reload.remove();
}

/** Whether trying again may help: before the first success only where an endpoint may still be starting. */
function isRecoverable(error: unknown, hasRun: boolean): boolean {
    if (error instanceof TaskError || isRowError(error)) {
        return false;
    }
    if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) {
        return false;
    }
    const code = codeOf(error);
    return (
        hasRun ||
        ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN"].includes(code) ||
        /^(08|40|53|55|57)/.test(code) ||
        /terminated|timeout expired|not queryable/.test(messageOf(error))
    );
}

const [TASK_FOLDER] = process.argv.slice(2);
if (TASK_FOLDER === undefined) {
    process.stderr.write("The task's folder is missing: give it as the only argument.\n");
    process.exitCode = 2;
} else {
    main(path.resolve(TASK_FOLDER)).then(
        (code) => process.exit(code),
        (error: unknown) => {
            process.stderr.write(`${messageOf(error)}\n`);
            process.exit(1);
        },
    );
}
