import { fit } from "./terminalLines";

/** The bar's own width in columns, and the least that the words beside it are left. */
const BAR_COLUMNS = 20;
const WORDS_COLUMNS = 40;

const CYAN = "\u001b[36m";
const DIM = "\u001b[2m";
const PLAIN = "\u001b[0m";

/** How much of something is done. */
export interface Share {
    readonly done: number;
    /** All of it, where that is known before the end. */
    readonly total?: number | undefined;
}

/**
 * On a terminal: a bar where the total is known and there is room for it, and the words. A line that wraps could not be
 * taken back: the last column stays free, because some terminals wrap a line that fills it, and two more, in which the
 * terminal writes the `^C` of an interruption.
 *
 * @param words without control characters
 */
export function progressBar(
    { done, total }: Share,
    words: string,
    columns: number,
    hasColours: boolean,
): string {
    const room = columns - 3;
    const isKnown = total !== undefined && total > 0 && done <= total;
    if (!isKnown || room < BAR_COLUMNS + WORDS_COLUMNS) {
        return fit(`  ${words}`, room);
    }
    const full = Math.floor((done / total) * BAR_COLUMNS);
    const [filled, empty] = ["#".repeat(full), "-".repeat(BAR_COLUMNS - full)];
    const bar = hasColours ? `${CYAN}${filled}${DIM}${empty}${PLAIN}` : `${filled}${empty}`;
    // Two blanks, two brackets and the blank behind them.
    return `  [${bar}] ${fit(words, room - BAR_COLUMNS - 5)}`;
}
