/** What can be done on the stream that a command writes to. */
export interface Terminal {
    /** The width, where a line can be overwritten; undefined on a file, a pipe and a terminal that cannot do that. */
    readonly columns: number | undefined;
    readonly hasColours: boolean;
}

/** A terminal that does not tell its width is taken for one of the usual size. */
const USUAL_COLUMNS = 80;

/**
 * Looks at a stream as it is now; a terminal's width changes.
 *
 * `NO_COLOR` counts when it is not empty (https://no-color.org). `TERM=dumb` is a terminal that knows no control sequences.
 */
export function terminalOf(
    { isTTY, columns }: Pick<NodeJS.WriteStream, "columns"> & { readonly isTTY?: boolean },
    { TERM: kind, NO_COLOR: noColour = "" }: NodeJS.ProcessEnv,
): Terminal {
    if (isTTY !== true || kind === "dumb") {
        return { columns: undefined, hasColours: false };
    }
    return { columns: columns || USUAL_COLUMNS, hasColours: noColour === "" };
}
