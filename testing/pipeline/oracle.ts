import assert from "node:assert/strict";
import type { Commit } from "./session";

/** A row of a log as the oracle wants it; images are jsonb as text. */
export interface LogRow {
    readonly operation: string;
    readonly row: string;
    readonly before: string | null;
    readonly after: string | null;
    /** UTC, six fraction digits; the oracle has none for the baseline. */
    readonly at: string;
}

/** The rows of one table by their keys. */
export type TableState = ReadonlyMap<string, string>;

interface Expectation {
    readonly commit: number;
    /** Rows that one statement changed: any order is right. */
    readonly rows: readonly LogRow[];
}

/** What one table's log must hold, worked out from nothing but what the workload did and saw. */
export class TableOracle {
    /** The state after each commit; the first is the one before all. */
    readonly states: TableState[];
    private readonly expected: Expectation[] = [];

    constructor(table: number, start: TableState, commits: readonly Commit[]) {
        const state = new Map(start);
        this.states = [new Map(state)];
        for (const [commit, { at, statements }] of commits.entries()) {
            for (const effects of statements) {
                const rows = effects
                    .filter((effect) => effect.table === table)
                    .map(({ row, before: seen, after }): LogRow => {
                        const before = state.get(row) ?? null;
                        // The workload's own observation and the chain of changes must tell the same story.
                        if (seen !== undefined) {
                            assert.equal(before, seen, "the workload's record is not consistent");
                        }
                        const operation = before === null ? "I" : after === null ? "D" : "U";
                        if (after === null) {
                            state.delete(row);
                        } else {
                            state.set(row, after);
                        }
                        return { operation, row, before, after, at };
                    });
                if (rows.length > 0) {
                    this.expected.push({ commit, rows });
                }
            }
            this.states.push(new Map(state));
        }
    }

    /** The log that follows a baseline taken after the first `from` commits, rows of a statement in order of their key. */
    logAfter(from: number): LogRow[] {
        return this.expected
            .filter(({ commit }) => commit >= from)
            .flatMap(({ rows }) => [...rows].sort(byRow));
    }

    /** The changes of the commits from number `from` up to number `to` (exclusive). */
    logBetween(from: number, to: number): LogRow[] {
        return this.expected
            .filter(({ commit }) => commit >= from && commit < to)
            .flatMap(({ rows }) => [...rows]);
    }

    /** Puts the rows of each statement into order of their key; the log is `logAfter(from)`'s counterpart. */
    normalised(log: readonly LogRow[], from: number): LogRow[] {
        const rest = [...log];
        const sorted = this.expected
            .filter(({ commit }) => commit >= from)
            .flatMap(({ rows }) => rest.splice(0, rows.length).sort(byRow));
        return [...sorted, ...rest];
    }
}

function byRow(a: LogRow, b: LogRow): number {
    return a.row < b.row ? -1 : a.row > b.row ? 1 : 0;
}

/** The commits after which every table looks like its baseline. */
export function possibleStarts(
    oracles: readonly TableOracle[],
    baselines: readonly TableState[],
): number[] {
    const count = oracles[0]?.states.length ?? 0;
    return Array.from({ length: count }, (_, at) => at).filter((at) =>
        oracles.every((oracle, table) => isSame(oracle.states[at], baselines[table])),
    );
}

function isSame(a: TableState | undefined, b: TableState | undefined): boolean {
    return (
        a !== undefined &&
        b !== undefined &&
        a.size === b.size &&
        [...a].every(([row, image]) => b.get(row) === image)
    );
}

/** What the oracle knows of a row of a log. */
export function logRow({ operation, row, before, after, at }: LogRow): LogRow {
    return { operation, row, before, after, at };
}

/** A state in order of its keys, to compare. */
export function sorted(state: TableState | undefined): [string, string][] {
    return [...(state ?? [])].sort(([a], [b]) => byText(a, b));
}

export function byText(a: string, b: string): number {
    return a < b ? -1 : a > b ? 1 : 0;
}
