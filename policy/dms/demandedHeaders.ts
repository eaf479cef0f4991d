import { isValues, type Values } from "../engine/values";

/** What DMS has to write beside a row's own columns. */
export interface HeaderColumn {
    readonly name: string;
    readonly expression: RegExp;
    readonly type: string;
    /** Property of the data type with the least value that holds the header. */
    readonly size: readonly [property: "length" | "precision", least: number];
    readonly shown: string;
}

/** The columns that the trail's triggers read. Not taken from the program, which this pack has to judge. */
export const headerColumns: readonly HeaderColumn[] = [
    {
        name: "audit_trail_operation",
        expression: /^operation_indicator\(\s*'D'\s*,\s*'U'\s*,\s*'I'\s*\)$/,
        type: "string",
        size: ["length", 1],
        shown: "operation_indicator('D', 'U', 'I')",
    },
    {
        name: "audit_trail_commit_timestamp",
        expression: /^\$AR_H_COMMIT_TIMESTAMP$/,
        type: "datetime",
        // Microseconds; without it DMS takes 7 digits, which a PostgreSQL target stores as text.
        size: ["precision", 6],
        shown: "$AR_H_COMMIT_TIMESTAMP",
    },
    {
        name: "audit_trail_stream_position",
        expression: /^\$AR_H_STREAM_POSITION$/,
        type: "string",
        size: ["length", 50],
        shown: "$AR_H_STREAM_POSITION",
    },
    {
        name: "audit_trail_change_seq",
        expression: /^\$AR_H_CHANGE_SEQ$/,
        type: "string",
        // 16 digits of time and 19 of counter.
        size: ["length", 35],
        shown: "$AR_H_CHANGE_SEQ",
    },
];

/** Their names, as a sentence has them, with the word before the last one. */
export function headerNames(word: "and" | "or"): string {
    return listed(
        headerColumns.map(({ name }) => name),
        word,
    );
}

/** What fills them, as a sentence has it. */
export function headerExpressions(): string {
    return listed(
        headerColumns.map(
            ({ shown, type, size: [property, least] }) =>
                `${shown} (${type}, ${property} ${least})`,
        ),
        "and",
    );
}

function listed(texts: readonly string[], word: string): string {
    return `${texts.slice(0, -1).join(", ")} ${word} ${texts.at(-1) ?? ""}`;
}

/** True of an add-column rule that fills the header column as the triggers expect it. */
export function fillsColumn(rule: Values | undefined, column: HeaderColumn): boolean {
    const { expression, "data-type": dataType } = rule ?? {};
    const [property, least] = column.size;
    const size = isValues(dataType) ? Number(dataType[property]) : NaN;
    return (
        rule?.value === column.name &&
        typeof expression === "string" &&
        column.expression.test(expression.trim()) &&
        isValues(dataType) &&
        dataType.type === column.type &&
        Object.keys(dataType).length === 2 &&
        (property === "precision" ? size === least : size >= least)
    );
}
