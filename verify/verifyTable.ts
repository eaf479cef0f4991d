import { formatTableName, trailNames } from "../trail/names";
import type { TableDefinition } from "../trail/tableDefinition";
import { checkColumns, checkGaps, checkGrants, checkRegistry, checkUnlogged } from "./auditChecks";
import { makeChecks, type WantedCheck } from "./checkOf";
import { asChosen } from "./chosenColumns";
import type { Database } from "./database";
import type { DefinitionChecks } from "./definitionChecks";
import type { TypedColumn } from "./exactValues";
import type { Markers } from "./markers";
import { asFarAsRead, type Registry } from "./registry";
import {
    type Check,
    emptyReport,
    type TableReport,
    tableReport,
    type VerifySettings,
} from "./report";
import { checkGuards, checkPartitions } from "./sourceChecks";
import { judgeSourceTable, showsAllRows, type SourceTable } from "./sourceTables";
import { TableRows } from "./tableRows";
import { stagingColumnsScript } from "./tableScripts";

/** What the verification of a table works with. */
export interface TableContext {
    readonly source: Database;
    readonly audit: Database;
    readonly markers: Markers;
    readonly settings: VerifySettings;
    readonly registry: Registry;
    readonly definitionChecks: DefinitionChecks;
    readonly isReplicating: boolean;
    /** The table as the source has it now. */
    readonly now: SourceTable | undefined;
}

/**
 * Verifies one table. What somebody has locked keeps only that from being verified which reads it.
 *
 * @param read the table as the source's catalog has it
 * @throws PlainError with one sentence when something of it cannot be read
 */
export async function verifyTable(
    context: TableContext,
    read: TableDefinition,
): Promise<TableReport> {
    const table = formatTableName(read);
    const { audit, settings, registry, isReplicating, now } = context;
    const columns = await audit.rows<TypedColumn>(stagingColumnsScript(read));
    if (columns.length === 0) {
        const problem = `the audit side has no ${read.schema}.${trailNames(read).staging}`;
        return emptyReport(table, "staging", problem);
    }
    const chosen = (): TableDefinition => asChosen(read, registry.chosenColumns());
    const asFarAsKnown = asChosen(read, asFarAsRead(registry.chosenColumns));
    const stagingColumns = columns.map(({ name }) => name);
    const canCompare = isReplicating && now !== undefined && showsAllRows(now);
    const rows = new TableRows({ ...context, columns, canCompare }, asFarAsKnown);
    const checks = await makeChecks([
        [
            "rows",
            async () => {
                chosen();
                await rows.compareWithSource();
                return undefined;
            },
        ],
        [
            "the log",
            async () => {
                chosen();
                settings.progress.step(`${table}: the log`);
                await rows.compareWithLog();
                return undefined;
            },
        ],
        ...checksOf(context, read, chosen, stagingColumns),
    ]);
    return tableReport({ table, ...rows.found, checks });
}

/** @param chosen the table as the trail is meant to have it, or a LockedError */
function checksOf(
    { source, audit, settings, registry, definitionChecks, now }: TableContext,
    read: TableDefinition,
    chosen: () => TableDefinition,
    stagingColumns: readonly string[],
): WantedCheck[] {
    const { guardsExpected, since } = settings;
    const sourceTable = async (): Promise<Check | undefined> => {
        const check = now === undefined ? undefined : judgeSourceTable(now);
        if (check?.ok === true) {
            // Whether it is the one that was deployed is part of it.
            registry.deployed();
        }
        return Promise.resolve(check);
    };
    return [
        ["source table", sourceTable],
        ["source guards", async () => checkGuards(source, chosen(), guardsExpected, now?.guards)],
        ["partitions", async () => checkPartitions({ source, audit }, read, registry.tables)],
        ["columns", async () => checkColumns(audit, chosen(), stagingColumns)],
        ["definitions", async () => definitionChecks.checkTable(chosen())],
        ["reload", async () => Promise.resolve(definitionChecks.checkReload(read))],
        ["registry", () => checkRegistry(audit, read)],
        ["grants", () => checkGrants(audit, read)],
        ["unlogged changes", () => checkUnlogged(audit, read, since)],
        ["gaps", () => checkGaps(audit, read, since)],
    ];
}
