/** The middle one of some numbers, NaN of none. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const upper = sorted[middle] ?? NaN;
    return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** "median (min-max)", or the one number there is. */
export function spread(values: readonly number[], digits = 0): string {
    const usable = values.filter((value) => Number.isFinite(value));
    if (usable.length === 0) {
        return "n/a";
    }
    const [low, high] = [Math.min(...usable), Math.max(...usable)].map((v) => v.toFixed(digits));
    const middle = median(usable).toFixed(digits);
    return usable.length === 1 ? middle : `${middle} (${String(low)}-${String(high)})`;
}

/** Pairs the rounds of two series, so that each ratio is of two measurements made one after the other. */
export function roundRatios(over: readonly number[], under: readonly number[]): number[] {
    return over.flatMap((value, round) => {
        const base = under[round];
        return base === undefined ? [] : [value / base];
    });
}

/** A Markdown table; all columns but the first are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
    return [head, rule, ...rows].map(line).join("\n");
}

/** One goal and whether it is met, as an item of a Markdown list. A number that could not be measured is a miss. */
export function goal(what: string, measured: string, isMet: boolean): string {
    return `- ${what}: ${measured}: ${isMet ? "ok" : "MISSED"}`;
}
