import { parseLsn } from "../lsn";
import { readIfExists, writeJsonFile } from "../taskFiles";

/** What a task remembers over a stop; written after each commit on the target. */
export interface Checkpoint {
    readonly slot: string;
    /** "loading" after an interrupted load: the tables are then loaded again. */
    readonly fullLoad: "loading" | "done";
    /** Quoted source tables that the mapping had at the last start; none in a checkpoint of an older version. */
    readonly mapped?: readonly string[];
    /**
     * Quoted source tables and the position up to which their load holds their changes; also those that have left the mapping
     * since.
     */
    readonly tables: Readonly<Record<string, string>>;
    /**
     * Quoted source tables whose load read later than their capture began, and the position up to which their changes may
     * be in the load already. An entry goes once all of that is on the target.
     */
    readonly overlaps?: Readonly<Record<string, string>>;
    /** Quoted source tables that an unfinished load may have committed. */
    readonly loaded?: readonly string[];
    /** WAL position, e.g. "0/16B3748": everything that committed before it is on the target. */
    readonly position: string;
    readonly changeSequence: ChangeSequence;
    /** Quoted source tables whose changes are no longer applied. */
    readonly suspended: readonly string[];
}

/** State of $AR_H_CHANGE_SEQ. */
export interface ChangeSequence {
    /** 16 digits; never goes back. */
    readonly stamp: string;
    readonly counter: number;
}

export const FIRST_SEQUENCE: ChangeSequence = { stamp: "", counter: 0 };

/** The task's checkpoint, undefined before its first start. */
export function readCheckpoint(file: string): Checkpoint | undefined {
    const json = readIfExists(file);
    if (json === undefined) {
        return undefined;
    }
    try {
        const checkpoint = JSON.parse(json) as Checkpoint;
        parseLsn(checkpoint.position);
        return checkpoint;
    } catch (cause) {
        throw new Error(`${file} is not a checkpoint of this program: remove the task's folder.`, {
            cause,
        });
    }
}

export function writeCheckpoint(file: string, checkpoint: Checkpoint): void {
    writeJsonFile(file, checkpoint);
}
