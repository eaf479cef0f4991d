import type { SqlFile } from "../database/sqlTemplate";
import type { TableDefinition } from "../trail/tableDefinition";
import { chunkEnd, forEachRange } from "./chunks";
import type { Database } from "./database";
import type { Differences, Notes } from "./differences";
import type { KeyLookup } from "./keyLookup";
import { countLog } from "./logCounts";
import { deletesInLog } from "./statistics";
import { type ConsistencyScripts, consistencyScripts } from "./tableScripts";

const KEYS_PER_LOOKUP = 2_000;

/** The truth about the source's clock, and no fault of the log: its order is that of the positions. */
const NOTES = new Set(["commit clock stepped back"]);

/** Kinds of which the source's row tells which of the two is wrong, and which staging's row is a part of. */
const WORTH_A_LOOK = new Set([
    "log and staging differ",
    "not in staging",
    "deleted but in staging",
]);

interface Problem {
    readonly row_key: string;
    readonly kind: string;
    readonly audit_id?: string;
}

/**
 * Whether the log, staging and the tombstones of one table fit each other, on the audit side alone: every change begins
 * where the one before it ended, and what the last one left is what staging holds.
 *
 * @param lookup asks the source which side of a disagreement is right; undefined when it cannot be asked
 * @returns the number of log rows
 */
export async function checkConsistency(
    audit: Database,
    definition: TableDefinition,
    stagingColumns: readonly string[],
    chunkRows: number,
    lookup: KeyLookup | undefined,
    differences: Differences,
    notes: Notes,
): Promise<number> {
    const scripts = consistencyScripts(definition, stagingColumns);
    const staging = new StagingRows(audit, scripts.stagingRows);
    const {
        logRows,
        firstChange,
        differences: changed,
        notes: uncounted,
    } = await countLog(audit, definition);
    notes.say(uncounted);
    for (const one of [...(await deletesInLog(audit, definition)), ...changed]) {
        differences.add(one);
    }
    await checkLog({ audit, scripts, chunkRows, lookup, staging, notes, firstChange }, differences);
    await checkStaging(audit, scripts, chunkRows, staging, differences);
    await checkTombstones(audit, scripts, differences);
    return logRows;
}

interface LogContext {
    readonly audit: Database;
    readonly scripts: ConsistencyScripts;
    readonly chunkRows: number;
    readonly lookup: KeyLookup | undefined;
    readonly staging: StagingRows;
    readonly notes: Notes;
    readonly firstChange: string | null;
}

async function checkLog(context: LogContext, differences: Differences): Promise<void> {
    const { audit, scripts, chunkRows, firstChange } = context;
    await forEachRange(
        (after) => chunkEnd(audit, scripts.logEnd, after, chunkRows),
        async ({ after, upTo }) => {
            const range = [after, upTo, firstChange];
            for (const problem of await audit.rows<Problem>(scripts.logChunk, range)) {
                await report(problem, context, differences);
            }
        },
        () => differences.isEnough,
    );
}

async function report(
    { row_key: key, kind, audit_id }: Problem,
    { lookup, staging, notes }: LogContext,
    differences: Differences,
): Promise<void> {
    if (NOTES.has(kind)) {
        notes.add(kind, key);
        return;
    }
    let detail = audit_id === undefined ? "" : `audit_id ${audit_id}`;
    if (lookup !== undefined && differences.hasRoom && WORTH_A_LOOK.has(kind)) {
        const isLogWrong = (await lookup.unexplained([key])).length > 0;
        detail += isLogWrong
            ? "; the log's last row is not what the source has"
            : "; the log agrees with the source, staging does not";
    }
    let evidence = audit_id ?? "";
    if (WORTH_A_LOOK.has(kind) && (differences.hasRoom || differences.isExplained(kind))) {
        evidence += ` ${(await staging.hash(key)) ?? ""}`;
    }
    differences.add({ key, kind, detail, evidence });
}

/** The hashes of single staging rows. */
class StagingRows {
    constructor(
        private readonly audit: Database,
        private readonly script: SqlFile,
    ) {}

    async hash(key: string): Promise<string | null> {
        const [row] = await this.audit.rows<{ hash: string | null }>(this.script, [`[${key}]`]);
        return row?.hash ?? null;
    }
}

async function checkStaging(
    audit: Database,
    scripts: ConsistencyScripts,
    chunkRows: number,
    staging: StagingRows,
    differences: Differences,
): Promise<void> {
    await forEachRange(
        (after) => chunkEnd(audit, scripts.stagingEnd, after, chunkRows),
        async ({ after, upTo }) => {
            const found = await audit.rows<{ row_key: string }>(scripts.stagingWithoutLog, [
                after,
                upTo,
            ]);
            for (let at = 0; at < found.length; at += KEYS_PER_LOOKUP) {
                const keys = found.slice(at, at + KEYS_PER_LOOKUP).map(({ row_key }) => row_key);
                const list = `[${keys.join(",")}]`;
                for (const { row_key, kind } of await audit.rows<Problem>(scripts.keysWithoutLog, [
                    list,
                ])) {
                    const evidence =
                        differences.hasRoom || differences.isExplained(kind)
                            ? ((await staging.hash(row_key)) ?? "")
                            : "";
                    differences.add({ key: row_key, kind, detail: "", evidence });
                }
            }
        },
        () => differences.isEnough,
    );
}

async function checkTombstones(
    audit: Database,
    { tombstones }: ConsistencyScripts,
    differences: Differences,
): Promise<void> {
    // One more than can be listed is enough to show that there are more.
    for (const { row_key, kind } of await audit.rows<Problem>(tombstones, [1_000])) {
        differences.add({ key: row_key, kind, detail: "" });
    }
}
