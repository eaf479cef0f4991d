import { formatTableName, trailNames } from "../trail/names";
import type { TableName, TableShape } from "../trail/tableDefinition";
import { checkColumns, checkGaps, checkGrants, checkRegistry, checkUnlogged } from "./auditChecks";
import { excludedNotes } from "./chosenColumns";
import { compareRows } from "./compareRows";
import { checkConsistency } from "./consistency";
import type { Database } from "./database";
import type { Definitions } from "./definitionChecks";
import { Differences, Notes, readAcknowledgements } from "./differences";
import { KeyLookup } from "./keyLookup";
import type { Markers } from "./markers";
import { emptyReport, type TableReport, tableReport, type VerifySettings } from "./report";
import { checkGuards, checkPartitions } from "./sourceChecks";
import { judgeSourceTable, showsAllRows, type SourceTable } from "./sourceTables";
import { stagingColumnsScript } from "./tableScripts";

/** What the verification of a table works with. */
export interface TableContext {
    readonly source: Database;
    readonly audit: Database;
    readonly markers: Markers;
    readonly settings: VerifySettings;
    /** All tables that have a trail, whether they are verified or not. */
    readonly audited: readonly TableName[];
    readonly definitions: Definitions;
    readonly isReplicating: boolean;
    /** The table as the source has it now. */
    readonly now: SourceTable | undefined;
}

/**
 * Verifies one table.
 *
 * @throws PlainError with one sentence when something of it cannot be read
 */
export async function verifyTable(
    { source, audit, markers, settings, audited, definitions, isReplicating, now }: TableContext,
    shape: TableShape,
): Promise<TableReport> {
    const table = formatTableName(shape);
    const { staging } = trailNames(shape);
    const stagingColumns = (await audit.rows<{ name: string }>(stagingColumnsScript(shape))).map(
        ({ name }) => name,
    );
    if (stagingColumns.length === 0) {
        const problem = `the audit side has no ${shape.schema}.${staging}`;
        return emptyReport(table, "staging", problem);
    }
    const { chunkRows, maxListed, since } = settings;
    const acknowledgements = await readAcknowledgements(audit, shape);
    const differences = new Differences(shape, maxListed, acknowledgements);
    const notes = new Notes();
    const rowsOf = source.reading(shape);
    const lookup = new KeyLookup(rowsOf, audit, markers, shape, stagingColumns);
    let completeUpTo: string | null = null;
    let rows = 0;
    const canCompare = isReplicating && now !== undefined && showsAllRows(now);
    if (canCompare) {
        completeUpTo = (await markers.pass()).commitTime;
        const context = { audit, markers, shape, stagingColumns, chunkRows, lookup };
        rows = await compareRows({ ...context, source: rowsOf }, differences);
    }
    const logRows = await checkConsistency(
        audit,
        shape,
        stagingColumns,
        chunkRows,
        canCompare ? lookup : undefined,
        differences,
        notes,
    );
    return tableReport({
        table,
        completeUpTo,
        rows,
        logRows,
        differences: differences.listed,
        differenceCount: differences.count,
        acknowledged: {
            differences: differences.acknowledged,
            gaps: acknowledgements.flatMap(({ gap_id: gap, kind, by, at, reason }) =>
                gap === null ? [] : [{ gap, kind, by, at, reason }],
            ),
        },
        notes: [...notes.lines, ...excludedNotes(shape)],
        checks: [
            ...(now === undefined ? [] : [judgeSourceTable(now)]),
            await checkGuards(source, shape, settings.guardsExpected, now?.guards),
            await checkPartitions({ source, audit }, shape, audited),
            await checkColumns(audit, shape, stagingColumns),
            await definitions.checkTable(shape),
            await checkRegistry(audit, shape),
            await checkGrants(audit, shape),
            await checkUnlogged(audit, shape, since),
            await checkGaps(audit, shape, since),
        ],
    });
}
