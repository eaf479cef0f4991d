/** One value as a person reads it in a terminal. */
function cell(value: unknown): string {
    if (value === null || value === undefined) {
        return "";
    }
    return typeof value === "string" ? value : JSON.stringify(value);
}

/** Rows as an aligned text table with a heading line; `columns` names the fields in order. */
export function textTable(
    columns: readonly string[],
    rows: readonly Readonly<Record<string, unknown>>[],
): string {
    const cells = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
    const widths = columns.map((_, index) =>
        Math.max(...cells.map((line) => (line[index] ?? "").length)),
    );
    const line = (values: readonly string[]): string =>
        values
            .map((value, index) => value.padEnd(widths[index] ?? 0))
            .join("  ")
            .trimEnd();
    const rule = widths.map((width) => "-".repeat(width)).join("  ");
    const [heading = [], ...body] = cells;
    return [line(heading), rule, ...body.map(line)].map((text) => `  ${text}`).join("\n");
}
