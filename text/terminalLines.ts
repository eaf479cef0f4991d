/** Columns of a terminal that nobody has widened. */
export const WIDTH = 80;

/** Control characters, and those that turn the direction of the text around them. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text that stays on its line whatever is in it: a name may have line feeds. */
export function printable(text: string): string {
    return text.replace(UNPRINTABLE, "?");
}

/** Of characters beyond Latin, which a terminal may show in two columns, each is counted as two. */
function columnsOf(character: string): number {
    return character > "\u024f" ? 2 : 1;
}

/** Cuts a text to this many columns; `...` replaces the end of one that would take more. */
export function fit(text: string, columns: number): string {
    const characters = Array.from(text);
    if (characters.reduce((sum, character) => sum + columnsOf(character), 0) <= columns) {
        return text;
    }
    let left = columns - 3;
    const cut = characters.findIndex((character) => (left -= columnsOf(character)) < 0);
    return columns < 3 ? "" : `${characters.slice(0, cut).join("")}...`;
}

/**
 * A text on as many lines of {@link WIDTH} columns as it needs. A word is never cut.
 *
 * @param start what the first line begins with
 * @param indent what the later ones begin with
 */
export function wrapped(text: string, start: string, indent = `${start}  `): string[] {
    const lines: string[] = [];
    let line = start;
    let isEmpty = true;
    for (const word of text.split(" ")) {
        if (!isEmpty && line.length + 1 + word.length > WIDTH) {
            lines.push(line);
            line = indent;
            isEmpty = true;
        }
        line += isEmpty ? word : ` ${word}`;
        isEmpty = false;
    }
    return [...lines, line];
}
