import type { CatalogTable } from "./catalog";
import type { AddedColumn, MappedTable } from "./mapping";
import type { TableName } from "./tableName";

/** All that is needed to write one source table's changes to its target table. */
export interface TablePlan {
    readonly source: TableName;
    readonly target: TableName;
    /** Primary key of the source, or of the target when the source table is gone. */
    readonly key: readonly string[];
    /** Type with modifiers of each source column; the target's columns when the source table is gone. */
    readonly sourceColumns: ReadonlyMap<string, string>;
    readonly targetColumns: ReadonlySet<string>;
    /** Added columns that the target has. */
    readonly added: readonly AddedColumn[];
    /** Whether deletes are flagged instead of carried out. */
    readonly flagsDeletes: boolean;
}

export function targetOf(mapped: MappedTable, targetSchema: string): TableName {
    // A rename-schema rule beats the settings' target schema.
    const settings = targetSchema === "" ? mapped.source.schema : targetSchema;
    return { schema: mapped.target.schema ?? settings, table: mapped.target.table };
}

export function makePlan(
    mapped: MappedTable,
    target: TableName,
    sourceTable: CatalogTable | undefined,
    targetTable: CatalogTable,
): TablePlan {
    const targetColumns = new Set(targetTable.columns.map(({ name }) => name));
    const added = mapped.added.filter(({ name }) => targetColumns.has(name));
    const isAdded = (name: string): boolean => mapped.added.some((column) => column.name === name);
    const sourceColumns =
        sourceTable?.columns ?? targetTable.columns.filter(({ name }) => !isAdded(name));
    return {
        source: mapped.source,
        target,
        key: sourceTable?.key ?? targetTable.key,
        sourceColumns: new Map(sourceColumns.map(({ name, type }) => [name, type])),
        targetColumns,
        added,
        flagsDeletes: mapped.added.some(
            ({ expression }) => expression?.kind === "operationIndicator",
        ),
    };
}

/** Columns that DMS would write and the target does not have; their values are dropped with a warning. */
export function missingOnTarget(mapped: MappedTable, plan: TablePlan): readonly string[] {
    return [...plan.sourceColumns.keys(), ...mapped.added.map(({ name }) => name)].filter(
        (name) => !plan.targetColumns.has(name),
    );
}
