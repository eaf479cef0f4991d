import { messageOf, TaskError } from "./errors";
import { ChangingFile } from "./files";
import { isUnfinishedJson, parseObject, refuseUnknownKeys } from "./json";
import type { Log } from "./log";

/** Weaknesses of DMS that a person or a test switches on while the task runs, in faults.json. */
export interface Faults {
    /** Hold back confirmation, so that at least this many changes come again after a resume. */
    readonly replayAfterResume: number;
    /** Die by SIGKILL after a commit on the target, before anything remembers it. */
    readonly killBeforeConfirm: boolean;
    /** What a flagged delete does to the columns outside the key. */
    readonly deleteImage: "keep" | "null";
    /** Whose policy a flagged delete of a missing row obeys: the guide does not say. */
    readonly flaggedDeletePolicy: "update" | "delete";
    readonly streamPosition: "change" | "change-and-commit" | "commit";
    /** The counter of $AR_H_CHANGE_SEQ begins again with each start. */
    readonly restartChangeSeq: boolean;
    /** LOB columns come in a second UPDATE. */
    readonly lobTwoStep: boolean;
    /** Bytes, instead of LobMaxSize. */
    readonly lobTruncateAt?: number;
    /** numeric without precision is rounded to NUMERIC(28,6). */
    readonly numericRounding: boolean;
    readonly booleanAsText: boolean;
    /** Whether the target session bypasses ordinary triggers. */
    readonly sessionReplicationRole?: "replica";
}

const NO_FAULTS: Faults = {
    replayAfterResume: 0,
    killBeforeConfirm: false,
    deleteImage: "null",
    flaggedDeletePolicy: "update",
    streamPosition: "change-and-commit",
    restartChangeSeq: false,
    lobTwoStep: false,
    numericRounding: false,
    booleanAsText: false,
};

const CHECKS: Readonly<Record<keyof Faults, (value: unknown) => boolean>> = {
    replayAfterResume: isCount,
    killBeforeConfirm: isFlag,
    deleteImage: (value) => value === "keep" || value === "null",
    flaggedDeletePolicy: (value) => value === "update" || value === "delete",
    streamPosition: (value) =>
        value === "change" || value === "change-and-commit" || value === "commit",
    restartChangeSeq: isFlag,
    lobTwoStep: isFlag,
    lobTruncateAt: isCount,
    numericRounding: isFlag,
    booleanAsText: isFlag,
    sessionReplicationRole: (value) => value === "replica",
};

export function parseFaults(json: string): Faults {
    const given = parseObject(json, "faults.json");
    refuseUnknownKeys(given, Object.keys(CHECKS), "faults.json");
    for (const [key, isValid] of Object.entries(CHECKS)) {
        if (given[key] !== undefined && !isValid(given[key])) {
            throw new TaskError(`faults.json: "${key}" has a value that is not known.`);
        }
    }
    return { ...NO_FAULTS, ...given };
}

/**
 * Reads faults.json again whenever it changed; an absent file means none. While somebody is still writing it, what it
 * said before holds.
 */
export class FaultFile {
    private readonly file: ChangingFile;
    private faults = NO_FAULTS;

    constructor(
        path: string,
        private readonly log: Log,
    ) {
        this.file = new ChangingFile(path);
    }

    current(): Faults {
        const change = this.file.change();
        if (change !== undefined) {
            try {
                this.faults = change.text === undefined ? NO_FAULTS : parseFaults(change.text);
            } catch (error) {
                if (!isUnfinishedJson(error)) {
                    throw error;
                }
                this.log("W", "TASK_MANAGER", messageOf(error));
            }
        }
        return this.faults;
    }
}

function isFlag(value: unknown): boolean {
    return typeof value === "boolean";
}

function isCount(value: unknown): boolean {
    return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
