import { messageOf } from "../../../text/errors";
import { TaskError } from "../errors";
import type { Log } from "../log";
import { ChangingFile } from "../taskFiles";
import { isUnfinishedJson, parseObject, refuseUnknownKeys } from "./jsonFields";

/** Weaknesses of DMS that a person or a test switches on while the task runs, in faults.json. */
export interface Faults {
    /** Hold back confirmation, so that at least this many changes come again after a resume. */
    readonly replayAfterResume: number;
    /** What comes again after a resume may be older than the table's load. */
    readonly replayBeforeLoad: boolean;
    /** Die by SIGKILL after the commit of this number on the target (true: the next one), before anything remembers it. */
    readonly killBeforeConfirm: boolean | number;
    /** Commit on the target after this many changes of a source transaction, too; 0: never. */
    readonly splitTransactions: number;
    /** Tables are read some time after their capture began, as DMS does, and not in the slot's snapshot. */
    readonly loadOverlap: boolean;
    /** The load of each table waits before it reads. */
    readonly holdLoad: boolean;
    /** A table that comes back to the mapping is loaded again: the guide does not say. */
    readonly loadsReturning: boolean;
    /** What a flagged delete does to the columns outside the key. */
    readonly deleteImage: "keep" | "null";
    /** Whose policy a flagged delete of a missing row obeys: the guide does not say. */
    readonly flaggedDeletePolicy: "update" | "delete";
    readonly streamPosition: "change" | "change-and-commit" | "commit";
    /** The counter of $AR_H_CHANGE_SEQ begins again with each start. */
    readonly restartChangeSeq: boolean;
    /** LOB columns come in a second UPDATE, in the row's transaction on the target or in one of its own. */
    readonly lobTwoStep: boolean | "own transaction";
    /** LOB columns have the value that the source's row has when the change is applied; NULL when there is none. */
    readonly lobLookup: boolean;
    /** Bytes, instead of LobMaxSize. */
    readonly lobTruncateAt?: number;
    /** numeric without precision is rounded to NUMERIC(28,6), as the guide says. */
    readonly numericRounding: boolean;
    readonly booleanAsText: boolean;
    /** Whether the target session bypasses ordinary triggers. */
    readonly sessionReplicationRole?: "replica";
    /** Settings of the target session by name, from its next connection on. */
    readonly targetSession?: Readonly<Record<string, string>>;
}

const NO_FAULTS: Faults = {
    replayAfterResume: 0,
    replayBeforeLoad: false,
    killBeforeConfirm: false,
    splitTransactions: 0,
    loadOverlap: true,
    holdLoad: false,
    loadsReturning: false,
    deleteImage: "null",
    flaggedDeletePolicy: "update",
    streamPosition: "change-and-commit",
    restartChangeSeq: false,
    lobTwoStep: false,
    lobLookup: false,
    numericRounding: true,
    booleanAsText: false,
};

const CHECKS: Readonly<Record<keyof Faults, (value: unknown) => boolean>> = {
    replayAfterResume: isCount,
    replayBeforeLoad: isFlag,
    killBeforeConfirm: (value) => isFlag(value) || (isCount(value) && value !== 0),
    splitTransactions: isCount,
    loadOverlap: isFlag,
    holdLoad: isFlag,
    loadsReturning: isFlag,
    deleteImage: (value) => value === "keep" || value === "null",
    flaggedDeletePolicy: (value) => value === "update" || value === "delete",
    streamPosition: (value) =>
        value === "change" || value === "change-and-commit" || value === "commit",
    restartChangeSeq: isFlag,
    lobTwoStep: (value) => isFlag(value) || value === "own transaction",
    lobLookup: isFlag,
    lobTruncateAt: isCount,
    numericRounding: isFlag,
    booleanAsText: isFlag,
    sessionReplicationRole: (value) => value === "replica",
    targetSession: isSettings,
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

function isSettings(value: unknown): boolean {
    return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        Object.values(value).every((setting) => typeof setting === "string")
    );
}
