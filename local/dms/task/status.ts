import { readIfExists, writeJsonFile } from "../taskFiles";

export type TaskState =
    "starting" | "full-load" | "running" | "reconnecting" | "stopping" | "stopped" | "failed";

/** The content of status.json. */
export interface TaskStatus {
    readonly taskIdentifier: string;
    readonly state: TaskState;
    readonly pid: number;
    /** Why it failed or what it waits for. */
    readonly error?: string | undefined;
    readonly updatedAt: string;
    /** Rows of the full load by source table. */
    readonly loadedRows: Readonly<Record<string, number>>;
    readonly suspendedTables: readonly string[];
    /** Position up to which the target is known to be complete. */
    readonly position: string;
    /** Commit time of the last transaction applied, UTC. */
    readonly appliedTimestamp: string | null;
    /** Milliseconds from that commit to the commit on the target. */
    readonly lagMs: number | null;
    /** Counts since this process started. */
    readonly transactions: number;
    readonly applied: number;
    readonly dropped: number;
    readonly conflicts: number;
    readonly spilledTransactions: number;
    readonly pendingChanges: number;
}

const WRITE_INTERVAL_MS = 250;

/** Keeps status.json up to date: state changes at once, figures at most four times a second. */
export class StatusFile {
    private status: TaskStatus;
    private writtenAt = 0;
    private timer: NodeJS.Timeout | undefined;

    constructor(
        private readonly file: string,
        taskIdentifier: string,
    ) {
        this.status = {
            taskIdentifier,
            state: "starting",
            pid: process.pid,
            updatedAt: "",
            loadedRows: {},
            suspendedTables: [],
            position: "0/0",
            appliedTimestamp: null,
            lagMs: null,
            transactions: 0,
            applied: 0,
            dropped: 0,
            conflicts: 0,
            spilledTransactions: 0,
            pendingChanges: 0,
        };
        this.write();
    }

    get current(): TaskStatus {
        return this.status;
    }

    enter(state: TaskState, error?: string): void {
        this.status = { ...this.status, state, error };
        this.write();
    }

    update(figures: Partial<Omit<TaskStatus, "state" | "error" | "pid">>): void {
        this.status = { ...this.status, ...figures };
        const due = this.writtenAt + WRITE_INTERVAL_MS - Date.now();
        if (due <= 0) {
            this.write();
        } else {
            this.timer ??= setTimeout(() => {
                this.write();
            }, due);
        }
    }

    private write(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.writtenAt = Date.now();
        this.status = { ...this.status, updatedAt: new Date().toISOString() };
        writeJsonFile(this.file, this.status);
    }
}

export function readStatus(file: string): TaskStatus | undefined {
    const json = readIfExists(file);
    return json === undefined ? undefined : (JSON.parse(json) as TaskStatus);
}
