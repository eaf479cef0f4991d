/** The number of single-character edits that turn one text into the other (Levenshtein). */
export function editDistance(from: string, to: string): number {
    let row = Array.from({ length: to.length + 1 }, (_, index) => index);
    for (let line = 0; line < from.length; line++) {
        const next = [line + 1];
        for (let column = 1; column <= to.length; column++) {
            const substituted = (row[column - 1] ?? 0) + (to[column - 1] === from[line] ? 0 : 1);
            next.push(Math.min(substituted, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
        }
        row = next;
    }
    return row[to.length] ?? 0;
}

/** The candidate that is closest to what was written, upper and lower case being the same. */
export function nearest(written: string, candidates: readonly string[]): string | undefined {
    const distance = (candidate: string): number =>
        editDistance(written.toLowerCase(), candidate.toLowerCase());
    return [...candidates].sort((a, b) => distance(a) - distance(b))[0];
}
