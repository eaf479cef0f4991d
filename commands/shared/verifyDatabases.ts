import type { Client } from "pg";
import type { TableName } from "../../trail/tableDefinition";
import { readTables } from "../../verify/readTables";
import { hasUnverified, type VerifyOptions, type VerifyReport } from "../../verify/report";
import { reportLines } from "../../verify/reportText";
import { verifyTrail } from "../../verify/verifyTrail";
import { type CommandOptions, say } from "./command";
import { requireVerifiedServer } from "./secureUrl";
import { VerifyDisplay } from "./verifyDisplay";

const EXIT_DIFFERENT = 1;
/** The exit code of a verification that could not be made, or not for every table. */
export const EXIT_UNKNOWN = 2;

/** What is verified, and where. */
export interface VerifySubject {
    readonly sourceUrl: string;
    readonly auditUrl: string;
    readonly tables: readonly TableName[];
    /** Whether the deployment put guards at the source. */
    readonly guardsExpected: boolean;
    /** See {@link VerifyOptions}. */
    readonly taskFailure?: VerifyOptions["taskFailure"];
    /** Opens a session with one of the two. */
    readonly open: (url: string) => Promise<Client>;
}

/** A table that could not be verified is reported like the others; the exit code says that there is one. */
function exitCode(report: VerifyReport): number {
    if (report.complete) {
        return 0;
    }
    return hasUnverified(report) ? EXIT_UNKNOWN : EXIT_DIFFERENT;
}

/**
 * Proves the trail complete, or names what is not, and sets the exit code: 0 complete; 1 differences or failed checks; 2 it, or
 * a table of it, could not be verified.
 */
export async function verifyDatabases(
    { sourceUrl, auditUrl, tables, guardsExpected, taskFailure, open }: VerifySubject,
    { since, json }: CommandOptions,
): Promise<void> {
    requireVerifiedServer("AUDIT_TRAIL_SOURCE_URL", sourceUrl);
    requireVerifiedServer("AUDIT_TRAIL_AUDIT_URL", auditUrl);
    const source = await open(sourceUrl);
    try {
        const audit = await open(auditUrl);
        try {
            const definitions = await readTables(source, audit, tables);
            const display = json ? undefined : new VerifyDisplay(process.stderr);
            const report = await verifyTrail(source, audit, definitions, {
                guardsExpected,
                ...(taskFailure === undefined ? {} : { taskFailure }),
                ...(since === undefined ? {} : { since }),
                ...(display === undefined ? {} : { progress: display }),
            }).finally(() => display?.end());
            if (json) {
                say(JSON.stringify(report, null, 2));
            } else {
                reportLines(report).forEach(say);
            }
            process.exitCode = exitCode(report);
        } finally {
            await audit.end();
        }
    } finally {
        await source.end();
    }
}
