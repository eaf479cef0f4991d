import type { SqlFile } from "../database/sqlTemplate";
import { formatTableName } from "../trail/names";
import type { TableDefinition } from "../trail/tableDefinition";
import { CommonChunks, forEachRange, type KeyRange } from "./chunks";
import type { Database } from "./database";
import type { Differences, Notes } from "./differences";
import { blurredDifference, BlurredValues, type InexactColumn } from "./exactValues";
import type { DifferingColumn, KeyLookup } from "./keyLookup";
import { differenceKind } from "./keyVersions";
import type { Markers } from "./markers";
import type { VerifySettings } from "./report";
import { comparisonScripts } from "./tableScripts";

const KEYS_PER_LOOKUP = 2_000;

interface Sum {
    readonly rows: string;
    readonly sum: string;
    readonly blurred: readonly string[];
}

/**
 * Compares the source's rows with the staging table, range by range: a number of rows and a sum of hashes on each side,
 * each read by one short statement, the source's first. Where they differ, rows may just be changing: the keys whose hashes
 * differ are looked up in the log, and what the log explains does not count as a difference. Staging is compared with the log
 * elsewhere. What the log cannot hold is noted: where rows have it, and where staging has something else.
 *
 * @returns the number of rows at the source
 */
export async function compareRows(
    {
        source,
        audit,
        markers,
        definition,
        stagingColumns,
        inexact,
        settings,
        lookup,
    }: CompareContext,
    differences: Differences,
    notes: Notes,
): Promise<number> {
    const { sums, hashes } = comparisonScripts(definition, stagingColumns, inexact);
    const { chunkRows, progress } = settings;
    const chunks = new CommonChunks(source, audit, definition, chunkRows);
    const blurred = new BlurredValues(inexact);
    let rows = 0;

    const compareRange = async ({ after, upTo }: KeyRange): Promise<void> => {
        const range = [after, upTo];
        const atSource = await source.row<Sum>(sums.source, range);
        rows += Number(atSource.rows);
        blurred.add(atSource.blurred);
        progress.step(`${formatTableName(definition)}: row ${String(rows)}`);
        await markers.pass();
        const inStaging = await audit.row<Sum>(sums.staging, range);
        if (atSource.sum === inStaging.sum && atSource.rows === inStaging.rows) {
            return;
        }
        const left = await readHashes(source, hashes.source, range);
        await markers.pass();
        const right = await readHashes(audit, hashes.staging, range);
        await judge(suspects(left, right), lookup, differences, notes);
    };

    await forEachRange(
        (after) => chunks.end(after),
        compareRange,
        () => differences.isEnough,
    );
    notes.say(blurred.lines);
    return rows;
}

/** What {@link compareRows} works with. */
export interface CompareContext {
    readonly source: Database;
    readonly audit: Database;
    readonly markers: Markers;
    readonly definition: TableDefinition;
    readonly stagingColumns: readonly string[];
    readonly inexact: readonly InexactColumn[];
    readonly settings: Pick<VerifySettings, "chunkRows" | "progress">;
    readonly lookup: KeyLookup;
}

/** The keys that only one side has, or with another hash on each. */
export function suspects(
    left: ReadonlyMap<string, string>,
    right: ReadonlyMap<string, string>,
): string[] {
    const differing = [...left].filter(([key, hash]) => right.get(key) !== hash);
    const added = [...right.keys()].filter((key) => !left.has(key));
    return [...differing.map(([key]) => key), ...added];
}

async function readHashes(
    database: Database,
    script: SqlFile,
    range: readonly unknown[],
): Promise<Map<string, string>> {
    const rows = await database.rows<{ row_key: string; hash: string }>(script, range);
    return new Map(rows.map(({ row_key, hash }) => [row_key, hash]));
}

async function judge(
    keys: readonly string[],
    lookup: KeyLookup,
    differences: Differences,
    notes: Notes,
): Promise<void> {
    for (let at = 0; at < keys.length && !differences.isEnough; at += KEYS_PER_LOOKUP) {
        const { unexplained, silent, blurred } = await lookup.judge(
            keys.slice(at, at + KEYS_PER_LOOKUP),
        );
        for (const { key, row, columns } of silent) {
            const kind = "staging differs where the log is silent";
            const detail = `columns: ${columns.join(", ")}`;
            differences.add({ key, kind, detail, evidence: `${row ?? ""} ${columns.join()}` });
        }
        for (const { key, columns } of blurred) {
            columns.forEach((column) => {
                notes.add(blurredDifference(column), key);
            });
        }
        for (const one of unexplained) {
            const kind = differenceKind(one.row, one.versions);
            const columns =
                kind === "different row" && differences.hasRoom
                    ? await lookup.differingColumns(one)
                    : [];
            const evidence = `${one.row ?? ""} ${one.versions.at(-1)?.hash ?? ""}`;
            differences.add({ key: one.key, kind, detail: describe(columns), evidence });
        }
    }
}

function describe(columns: readonly DifferingColumn[]): string {
    const told = columns.map(({ name, is_cut }) => (is_cut ? `${name} (cut by DMS)` : name));
    return told.length === 0 ? "" : `columns: ${told.join(", ")}`;
}
