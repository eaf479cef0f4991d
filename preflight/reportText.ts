import { printable, wrapped } from "../text/terminalLines";
import type { Finding, Severity } from "./finding";
import type { PreflightReport } from "./preflight";
import { volumeLines } from "./volumeText";

/** More findings of one check are folded into one line: a source may have a thousand tables. */
const SHOWN = 5;

const HEADINGS: Readonly<Record<Severity, string>> = {
    must: "Must be mended first",
    should: "Should be mended",
    note: "To know",
};

/** A report for people: what must be mended first, each with how. */
export function reportLines(report: PreflightReport): string[] {
    const { database, version, server, tables, findings } = report;
    const pages = [...new Set(findings.map(({ source }) => source))];
    const severities: readonly Severity[] = ["must", "should", "note"];
    return [
        ...wrapped(
            `${server} ${printable(version)}, database "${printable(database)}", ${counted(tables.length, "table")}.`,
            "",
            "",
        ),
        ...severities.flatMap((severity) => section(severity, findings, pages)),
        ...volumeLines(report.volume),
        ...(pages.length === 0 ? [] : ["", "Rules"]),
        ...pages.map((page, index) => `  [${index + 1}] ${page}`),
        "",
        verdict(findings),
    ];
}

function section(severity: Severity, all: readonly Finding[], pages: readonly string[]): string[] {
    const findings = all.filter((one) => one.severity === severity);
    if (findings.length === 0) {
        return [];
    }
    const checks = [...new Set(findings.map(({ check }) => check))];
    return [
        "",
        `${HEADINGS[severity]} (${findings.length})`,
        ...checks.flatMap((check) => {
            const same = findings.filter((one) => one.check === check);
            const more = same.length - SHOWN;
            return [
                ...same.slice(0, SHOWN).flatMap((finding) => findingLines(finding, pages)),
                ...(more > 0
                    ? wrapped(`and ${more} more of the check "${check}": add --json.`, "  ", "  ")
                    : []),
            ];
        }),
    ];
}

/** A note has no line "Wanted", because it asks for nothing. */
function findingLines(
    { severity, found, wanted, mend, source }: Finding,
    pages: readonly string[],
): string[] {
    const rule = `[${pages.indexOf(source) + 1}]`;
    return [
        ...wrapped(`${printable(found)} ${rule}`, "  ", "    "),
        ...(severity === "note" ? [] : wrapped(printable(wanted), "    Wanted: ", "      ")),
        ...(mend === "" ? [] : wrapped(printable(mend), "    Mend: ", "      ")),
    ];
}

function counted(count: number, what: string): string {
    return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function verdict(findings: readonly Finding[]): string {
    const count = (severity: Severity): number =>
        findings.filter((one) => one.severity === severity).length;
    const should = count("should");
    const rest = should === 0 ? "" : ` ${counted(should, "thing")} should be mended.`;
    return count("must") === 0
        ? `Ready for a deployment.${rest}`
        : `Not ready: ${counted(count("must"), "thing")} must be mended.${rest}`;
}
