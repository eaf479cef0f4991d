import { formatTableName, trailNames } from "../trail/names";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { checkColumns, checkGaps, checkGrants, checkRegistry, checkUnlogged } from "./auditChecks";
import { unlessLocked } from "./checkOf";
import { excludedNotes } from "./chosenColumns";
import { compareRows } from "./compareRows";
import { checkConsistency } from "./consistency";
import type { Database } from "./database";
import type { DefinitionChecks } from "./definitionChecks";
import { Differences, Notes, readAcknowledgements } from "./differences";
import { inexactColumns, type TypedColumn } from "./exactValues";
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
    readonly definitionChecks: DefinitionChecks;
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
    {
        source,
        audit,
        markers,
        settings,
        audited,
        definitionChecks,
        isReplicating,
        now,
    }: TableContext,
    definition: TableDefinition,
): Promise<TableReport> {
    const table = formatTableName(definition);
    const { staging } = trailNames(definition);
    const typedColumns = await audit.rows<TypedColumn>(stagingColumnsScript(definition));
    const stagingColumns = typedColumns.map(({ name }) => name);
    if (stagingColumns.length === 0) {
        const problem = `the audit side has no ${definition.schema}.${staging}`;
        return emptyReport(table, "staging", problem);
    }
    const { chunkRows, maxListed, progress, since } = settings;
    const acknowledgements = await readAcknowledgements(audit, definition);
    const differences = new Differences(definition, maxListed, acknowledgements);
    const notes = new Notes();
    const inexact = inexactColumns(definition, typedColumns);
    const rowsOf = source.reading(definition);
    const lookup = new KeyLookup(rowsOf, audit, markers, definition, stagingColumns, inexact);
    let comparedUpTo: string | null = null;
    let rows = 0;
    const canCompare = isReplicating && now !== undefined && showsAllRows(now);
    if (canCompare) {
        comparedUpTo = (await markers.pass()).commitTime;
        const context = { audit, markers, definition, stagingColumns, inexact, settings, lookup };
        rows = await compareRows({ ...context, source: rowsOf }, differences, notes);
    }
    progress.step(`${table}: the log`);
    const logRows = await checkConsistency(
        audit,
        definition,
        stagingColumns,
        chunkRows,
        canCompare ? lookup : undefined,
        differences,
        notes,
    );
    return tableReport({
        table,
        comparedUpTo,
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
        notes: [...notes.lines, ...excludedNotes(definition)],
        checks: [
            ...(now === undefined ? [] : [judgeSourceTable(now)]),
            await checkGuards(source, definition, settings.guardsExpected, now?.guards),
            await checkPartitions({ source, audit }, definition, audited),
            await checkColumns(audit, definition, stagingColumns),
            await definitionChecks.checkTable(definition),
            definitionChecks.checkReload(definition),
            await unlessLocked("registry", () => checkRegistry(audit, definition)),
            await checkGrants(audit, definition),
            await unlessLocked("unlogged changes", () => checkUnlogged(audit, definition, since)),
            await unlessLocked("gaps", () => checkGaps(audit, definition, since)),
        ],
    });
}
