/** A row's columns other than its key. */
export interface Values {
    readonly amount: string;
    readonly note: string | null;
}

export interface Change {
    readonly operation: "I" | "U" | "D";
    readonly key: number;
    /** The row after the change; undefined after a delete. */
    readonly after: Values | undefined;
    readonly position: string;
}

export interface Transaction {
    readonly commitTimestamp: string;
    readonly changes: readonly Change[];
}

/** A log row as it must be. */
interface Expected {
    readonly operation: string;
    readonly key: number;
    readonly before: Values | undefined;
    readonly after: Values | undefined;
    readonly commitTimestamp: string;
    readonly position: string;
}

/** What a source did: the baseline that the full load read, then its transactions in commit order. */
export interface History {
    readonly baseline: ReadonlyMap<number, Values>;
    readonly transactions: readonly Transaction[];
    readonly expected: readonly Expected[];
    readonly final: ReadonlyMap<number, Values>;
}

/** Raw random material; what it means depends on the state of the source at that point. */
export interface Draft {
    readonly baseline: readonly number[];
    readonly transactions: readonly (readonly {
        readonly key: number;
        readonly remove: boolean;
        readonly value: number;
    }[])[];
    readonly positions: "per change" | "per commit";
    /** Mixed: every other one in small letters or dotted, so that the log's two functions take turns. */
    readonly form: "plain" | "dotted" | "mixed";
    /** Re-inserts that wait for the delete of another transaction, their WAL record lying before the delete's. */
    readonly races: boolean;
    /** Commits within one microsecond. */
    readonly sameTime: boolean;
}

export const BASELINE_TIMESTAMP = "2026-11-01 00:00:00.000001";

export function historyOf(draft: Draft): History {
    const state = new Map<number, Values>();
    const expected: Expected[] = [];
    for (const key of draft.baseline) {
        state.set(key, values(key));
        expected.push({
            operation: "B",
            key,
            before: undefined,
            after: values(key),
            commitTimestamp: BASELINE_TIMESTAMP,
            position: "",
        });
    }
    const baseline = new Map(state);
    let lsn = 0x7c00_0000;
    const lastDelete = new Map<number, { lsn: number; transaction: number }>();
    const transactions = draft.transactions.map((steps, index): Transaction => {
        const commitTimestamp = timestamp(draft.sameTime ? 0 : index);
        const changes = steps.map(({ key, remove, value }) => {
            const before = state.get(key);
            const operation = before === undefined ? "I" : remove ? "D" : "U";
            const after = operation === "D" ? undefined : values(value);
            lsn += 0x100;
            let own = lsn;
            const deleted = lastDelete.get(key);
            if (
                draft.races &&
                operation === "I" &&
                deleted !== undefined &&
                deleted.transaction < index
            ) {
                own = deleted.lsn - 1;
            }
            lastDelete.delete(key);
            if (operation === "D") {
                lastDelete.set(key, { lsn: own, transaction: index });
            }
            if (after === undefined) {
                state.delete(key);
            } else {
                state.set(key, after);
            }
            return { operation, key, before, after, lsn: own } as const;
        });
        lsn += 0x100;
        const commitLsn = lsn;
        return {
            commitTimestamp,
            changes: changes.map(({ before, lsn: own, ...change }) => {
                const at = draft.positions === "per change" ? own : commitLsn;
                const position = formatPosition(at, draft.form);
                expected.push({ ...change, before, commitTimestamp, position });
                return { ...change, position };
            }),
        };
    });
    return { baseline, transactions, expected, final: state };
}

function values(seed: number): Values {
    return { amount: `${seed}.50`, note: seed % 3 === 0 ? null : `note ${seed} "ü" \\ '` };
}

function timestamp(index: number): string {
    return `2026-11-23 10:00:${String(index % 60).padStart(2, "0")}.${String(index + 1).padStart(6, "0")}`;
}

function formatPosition(lsn: number, form: Draft["form"]): string {
    const text = `00000002/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
    const dotted = `${text}.3.${text}`;
    const mixed = [text, text.toLowerCase(), dotted, dotted.toLowerCase()][(lsn >> 8) % 4] ?? text;
    return { plain: text, dotted, mixed }[form];
}
