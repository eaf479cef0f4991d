import { TaskError } from "../errors";
import { quoted, type TableName } from "../tableName";
import type { AddedColumn, MappedTable } from "../task/mapping";
import type { CatalogTable } from "./columnCatalog";

/** All that is needed to write one source table's changes to its target table. */
export interface TablePlan {
    readonly source: TableName;
    readonly target: TableName;
    /** Primary key of the source, or of the target when the source table is gone. */
    readonly key: readonly string[];
    /** Type with modifiers of each source column; the target's columns when the source table is gone. */
    readonly sourceColumns: ReadonlyMap<string, string>;
    /** Those that the task writes: none that a rule removes. */
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
    const key = sourceTable?.key ?? targetTable.key;
    const lost = key.find(mapped.isRemoved);
    if (lost !== undefined) {
        throw new TaskError(
            `The table mappings remove the column "${lost}" of ${quoted(mapped.source)}, which is part of its primary key: its updates and deletes would find no row.`,
        );
    }
    const targetColumns = new Set(
        targetTable.columns
            .map(({ name }) => name)
            .filter((name) => !mapped.isRemoved(name) || isAddedBy(mapped, name)),
    );
    const added = mapped.added.filter(({ name }) => targetColumns.has(name));
    const sourceColumns =
        sourceTable?.columns ?? targetTable.columns.filter(({ name }) => !isAddedBy(mapped, name));
    return {
        source: mapped.source,
        target,
        key,
        sourceColumns: new Map(sourceColumns.map(({ name, type }) => [name, type])),
        targetColumns,
        added,
        flagsDeletes: mapped.added.some(
            ({ expression }) => expression?.kind === "operationIndicator",
        ),
    };
}

function isAddedBy({ added }: MappedTable, name: string): boolean {
    return added.some((column) => column.name === name);
}

/** Columns that DMS would write and the target does not have; their values are dropped with a warning. */
export function missingOnTarget(mapped: MappedTable, plan: TablePlan): readonly string[] {
    const own = [...plan.sourceColumns.keys()].filter((name) => !mapped.isRemoved(name));
    return [...own, ...mapped.added.map(({ name }) => name)].filter(
        (name) => !plan.targetColumns.has(name),
    );
}
