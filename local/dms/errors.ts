import { DatabaseError } from "pg";
import { codeOf, PlainError } from "../../text/errors";

/** The task cannot go on until a person mends something: it ends in state "failed", as a DMS task does. */
export class TaskError extends PlainError {
    override readonly name = "TaskError";
}

/**
 * Whether an SQLSTATE speaks about one statement and its data. Everything else (connection, disk, shutdown, cancelled
 * by a timeout, deadlock) says nothing about the row: it is retried and never becomes an apply exception.
 */
export function isRowError(error: unknown): boolean {
    const retried = ["08", "25", "28", "40", "53", "55", "57", "58", "F0", "XX"];
    return error instanceof DatabaseError && !retried.includes(codeOf(error).slice(0, 2));
}
