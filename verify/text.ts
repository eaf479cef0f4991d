import type { Check, TableReport, VerifyReport } from "./report";

/** A report as lines for a terminal: one per table that is complete, the reasons below one that is not. */
export function reportLines({ checks, tables }: VerifyReport): string[] {
    const notes = checks.filter(({ note }) => note === true);
    const told = notes.map(({ name, detail }) => `NOTE ${name}: ${detail}`);
    return [...failures(checks, ""), ...told, ...tables.flatMap(tableLines)];
}

function tableLines(report: TableReport): string[] {
    const { table, complete, completeUpTo, rows, logRows, checks, differences } = report;
    const size = `(${rows} rows, ${logRows} log rows)`;
    const gaps = checks.filter(({ name, ok, detail }) => name === "gaps" && ok && !isNone(detail));
    const told = gaps.map(({ detail }) => `  known gaps: ${detail}`);
    if (complete) {
        return [`${table}: complete up to ${completeUpTo ?? ""} ${size}`, ...told];
    }
    const compared = completeUpTo === null ? "rows not compared" : `compared up to ${completeUpTo}`;
    const more = report.differenceCount - differences.length;
    return [
        `${table}: NOT complete, ${compared} ${size}`,
        ...failures(checks, "  "),
        ...differences.map(({ key, kind, detail }) =>
            ["  ", key, "  ", kind, detail === "" ? "" : ` (${detail})`].join(""),
        ),
        ...(more > 0 ? [`  and ${more} more differences`] : []),
        ...told,
    ];
}

function failures(checks: readonly Check[], indent: string): string[] {
    return checks
        .filter(({ ok }) => !ok)
        .map(({ name, detail }) => `${indent}FAILED ${name}: ${detail}`);
}

function isNone(detail: string): boolean {
    return detail === "none recorded";
}
