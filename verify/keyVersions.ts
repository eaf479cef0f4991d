/** What the source says of one key: the hash of its row, null when there is none. */
export type RowHash = string | null;

/** A state of a key in the trail. */
export interface Version {
    /** Applied before the window began. */
    readonly isBefore: boolean;
    /** Null when the row was deleted. */
    readonly hash: RowHash;
}

/**
 * Whether a row that was read at the source at some time in the window is what the trail says it was at some time in the
 * window. The versions are those since the window began and, first, the last one before; a key that the log did not know
 * before the window had no row then.
 */
export function isExplained(row: RowHash, versions: readonly Version[]): boolean {
    const startsInside = !versions.some(({ isBefore }) => isBefore);
    return versions.some(({ hash }) => hash === row) || (startsInside && row === null);
}

/** What is wrong with a key that is not explained. */
export function differenceKind(row: RowHash, versions: readonly Version[]): string {
    const last = versions.at(-1)?.hash ?? null;
    if (last === null) {
        return "missing in trail";
    }
    return row === null ? "missing at source" : "different row";
}
