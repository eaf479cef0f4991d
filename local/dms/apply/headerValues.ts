import { formatPosition } from "../lsn";
import type { ChangeSequence } from "../task/checkpoint";
import type { Faults } from "../task/faults";
import type { AddedColumn } from "../task/mapping";

export type Operation = "insert" | "update" | "delete";

/** What the headers of one change are made of. */
export interface HeaderSource {
    readonly operation: Operation;
    /** "YYYY-MM-DD hh:mm:ss.ffffff", UTC. */
    readonly timestamp: string;
    /** "" during full load. */
    readonly position: string;
    /** "" during full load. */
    readonly changeSeq: string;
}

/** The value of an added column; undefined when the rule has no expression and DMS leaves it empty. */
export function headerValue(column: AddedColumn, from: HeaderSource): string | null | undefined {
    const { expression } = column;
    if (expression === undefined) {
        return undefined;
    }
    if (expression.kind === "operationIndicator") {
        switch (from.operation) {
            case "delete":
                return expression.onDelete;
            case "update":
                return expression.onUpdate;
            case "insert":
                return expression.onInsert;
        }
    }
    switch (expression.header) {
        case "AR_H_COMMIT_TIMESTAMP":
        case "AR_H_TIMESTAMP":
            return withScale(from.timestamp, column.dataType?.precision ?? 7);
        case "AR_H_STREAM_POSITION":
            return from.position;
        case "AR_H_CHANGE_SEQ":
            return from.changeSeq;
        case "AR_H_OPERATION":
            return from.operation.toUpperCase();
    }
}

/** A change position as `$AR_H_STREAM_POSITION` shows it. */
export function streamPosition(
    form: Faults["streamPosition"],
    operation: Operation,
    changeLsn: bigint,
    endLsn: bigint,
): string {
    const position = formatPosition(form === "commit" ? endLsn : changeLsn);
    // Seen from a PostgreSQL source: the position twice around 3 (insert) or 2 (update, delete).
    return form === "change-and-commit"
        ? `${position}.${operation === "insert" ? 3 : 2}.${position}`
        : position;
}

/** The sequence after one more change that committed at `timestamp` (UTC). */
export function nextSequence(last: ChangeSequence, timestamp: string): ChangeSequence {
    const digits = timestamp.replaceAll(/\D/g, "").slice(0, 16).padEnd(16, "0");
    return { stamp: digits > last.stamp ? digits : last.stamp, counter: last.counter + 1 };
}

/** 35 digits: the stamp and a counter of 19. */
export function formatSequence({ stamp, counter }: ChangeSequence): string {
    return `${stamp}${String(counter).padStart(19, "0")}`;
}

/** Turns test_decoding's commit time (UTC, fraction as long as needed) into six fraction digits without zone. */
export function commitTimestamp(printed: string): string {
    const [, seconds, fraction = ""] =
        /^(\d+-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(printed) ?? [];
    if (seconds === undefined) {
        throw new Error(`"${printed}" is not a commit time in UTC.`);
    }
    return `${seconds}.${fraction.padEnd(6, "0")}`;
}

/** The present in the same form; JavaScript's clock knows milliseconds. */
export function currentTimestamp(): string {
    return commitTimestamp(new Date().toISOString().replace("T", " ").replace("Z", "+00"));
}

function withScale(timestamp: string, scale: number): string {
    const [seconds = "", fraction = ""] = timestamp.split(".");
    return scale === 0 ? seconds : `${seconds}.${fraction.padEnd(scale, "0").slice(0, scale)}`;
}
