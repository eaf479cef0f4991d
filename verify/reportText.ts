import { wrapped } from "../text/terminalLines";
import { NO_GAPS } from "./auditChecks";
import { ENOUGH } from "./differences";
import type { Check, Difference, TableReport, VerifyReport } from "./report";

/** How many of a list a person reads; `--json` has all of them. */
const LISTED = 5;

/** Longer names push their line to the right. */
const NAME_WIDTH = 28;

/**
 * A report as lines for a terminal: one for each table, then what is wrong, then what is known and explained.
 */
export function reportLines({ checks, tables }: VerifyReport): string[] {
    const width = Math.min(NAME_WIDTH, Math.max(...tables.map(({ table }) => table.length), 0));
    const blocks = [
        checks.filter(({ ok }) => !ok).flatMap((check) => failure(check, "")),
        checks
            .filter(({ ok, note }) => ok && note === true)
            .flatMap(({ name, detail }) => wrapped(`NOTE ${name}: ${detail}`, "")),
        ...tables.map(details),
    ].filter(({ length }) => length > 0);
    return [
        ...tables.map((report) => `${report.table.padEnd(width)}  ${verdict(report)}`),
        ...blocks.flatMap((lines) => ["", ...lines]),
        ...howToAcknowledge(tables),
    ];
}

function verdict(report: TableReport): string {
    const { complete, comparedUpTo, differenceCount, checks, acknowledged } = report;
    const explained = acknowledged.differences.length + acknowledged.gaps.length;
    const known = explained === 0 ? "" : `, ${explained} acknowledged`;
    if (complete) {
        return `complete up to ${seconds(comparedUpTo)}${known} (${counted(report.rows, "row")})`;
    }
    const failed = checks.filter(({ ok }) => !ok).length;
    const reasons = [
        ...(comparedUpTo === null ? ["rows not compared"] : []),
        ...(differenceCount === 0
            ? []
            : [`${atLeast(differenceCount)}${counted(differenceCount, "difference")}`]),
        ...(failed === 0 ? [] : [counted(failed, "failed check")]),
    ];
    return `NOT complete: ${reasons.join(", ")}${known}`;
}

function size({ rows, logRows }: TableReport): string {
    return `(${counted(rows, "row")}, ${counted(logRows, "log row")})`;
}

function counted(count: number, what: string): string {
    return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Earlier than the time by less than a second: what is said of it holds up to there as well. */
function seconds(time: string | null): string {
    return (time ?? "").replace(/\.\d+Z$/u, "Z");
}

function details(report: TableReport): string[] {
    const { table, complete, comparedUpTo, checks, differences, acknowledged, notes } = report;
    const lines = [
        ...checks.filter(({ ok }) => !ok).flatMap((check) => failure(check, "  ")),
        ...byKind(differences),
        ...more(
            report.differenceCount - differences.length,
            "differences",
            `  and ${atLeast(report.differenceCount)}`,
        ),
        ...folded(
            [
                ...acknowledged.differences.map(
                    ({ key, kind, by, at, reason }) =>
                        `acknowledged by ${by} at ${at}: ${key} ${kind}: ${reason}`,
                ),
                ...acknowledged.gaps.map(
                    ({ gap, kind, by, at, reason }) =>
                        `acknowledged by ${by} at ${at}: gap ${gap}, ${kind}: ${reason}`,
                ),
            ],
            "  ",
        ),
        ...knownGaps(checks),
        ...folded(
            notes.map((note) => `note: ${note}`),
            "  ",
        ),
    ];
    if (lines.length === 0) {
        return [];
    }
    const compared = comparedUpTo === null ? "" : `, compared up to ${seconds(comparedUpTo)}`;
    return [complete ? table : `${table}${compared} ${size(report)}`, ...lines];
}

function knownGaps(checks: readonly Check[]): string[] {
    return checks
        .filter(({ name, ok, detail }) => name === "gaps" && ok && detail !== NO_GAPS)
        .flatMap(({ detail }) => wrapped(`known gaps: ${detail}`, "  "));
}

function failure({ name, detail, findings = [detail] }: Check, indent: string): string[] {
    return [`${indent}FAILED ${name}`, ...folded(findings, `${indent}  `)];
}

function byKind(differences: readonly Difference[]): string[] {
    const kinds = new Map<string, string[]>();
    for (const { key, kind, detail, finding } of differences) {
        const parts = [key, detail, finding === null ? "" : `[${finding}]`];
        const line = parts.filter((part) => part !== "").join("  ");
        kinds.set(kind, [...(kinds.get(kind) ?? []), line]);
    }
    return [...kinds].flatMap(([kind, lines]) => [`  ${kind}`, ...folded(lines, "    ")]);
}

/** The first of a list, each on its own line, and how many there are besides. */
function folded(items: readonly string[], indent: string): string[] {
    // One more than can be listed takes no more room than the line that counts it.
    const shown = items.length === LISTED + 1 ? items : items.slice(0, LISTED);
    return [
        ...shown.flatMap((item) => wrapped(item, indent)),
        ...more(items.length - shown.length, "", `${indent}and `),
    ];
}

function more(count: number, what: string, before: string): string[] {
    return count > 0 ? [`${before}${count} more ${what}`.trimEnd()] : [];
}

/** What stands before a count of differences that nobody has counted to its end. */
function atLeast(differences: number): string {
    return differences < ENOUGH ? "" : "at least ";
}

function howToAcknowledge(tables: readonly TableReport[]): string[] {
    const canBe = tables.some(
        ({ differences, checks }) =>
            differences.some(({ finding }) => finding !== null) ||
            checks.some(({ name, ok }) => name === "gaps" && !ok),
    );
    return canBe
        ? ["", ...wrapped("docs/verify.md says how to acknowledge what has an explanation.", "")]
        : [];
}
