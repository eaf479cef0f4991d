import { DatabaseError } from "pg";

/** The task cannot go on until a person mends something: it ends in state "failed", as a DMS task does. */
export class TaskError extends Error {
    override readonly name = "TaskError";
}

/** Thrown inside the pipeline when the task is asked to stop; open work is rolled back. */
export class StopRequested extends Error {
    override readonly name = "StopRequested";
}

/** What is wrong, in words, from anything that was thrown. */
export function messageOf(error: unknown): string {
    if (error instanceof AggregateError && error.message === "") {
        return error.errors.map(messageOf).join("; ");
    }
    return error instanceof Error ? error.message : String(error);
}

/** The SQLSTATE or the system error code of what was thrown, "" when it has none. */
export function codeOf(error: unknown): string {
    if (error instanceof AggregateError && error.errors.length > 0) {
        return codeOf(error.errors[0]);
    }
    const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
    return typeof code === "string" ? code : "";
}

/**
 * Whether an SQLSTATE speaks about one statement and its data. Everything else (connection, disk, shutdown, cancelled
 * by a timeout, deadlock) says nothing about the row: it is retried and never becomes an apply exception.
 */
export function isRowError(error: unknown): boolean {
    const retried = ["08", "25", "28", "40", "53", "55", "57", "58", "F0", "XX"];
    return error instanceof DatabaseError && !retried.includes(codeOf(error).slice(0, 2));
}
