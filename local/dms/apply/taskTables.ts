import { type Client, escapeIdentifier } from "pg";
import { messageOf } from "../../../text/errors";
import type { Change } from "../capture/testDecoding";
import { isRowError, TaskError } from "../errors";
import type { Log } from "../log";
import { quoted, type TableName } from "../tableName";
import type { MappedTable } from "../task/mapping";
import type { Task } from "../task/task";
import { type CatalogTable, readTable, readTables } from "./columnCatalog";
import { withLobsOfNow } from "./lobLookup";
import { makePlan, missingOnTarget, type TablePlan, targetOf } from "./tablePlan";
import { createTargetTable } from "./targetTable";

/** The task's tables on both sides, looked up once and again when a change shows a column that is not known. */
export class Tables {
    private readonly plans = new Map<string, TablePlan>();
    private readonly selected = new Map<string, boolean>();

    constructor(
        private readonly task: Task,
        private readonly source: Client,
        private readonly target: Client,
        private readonly log: Log,
        /** Source tables as they were read before, by their quoted names: what is in here is not read again. */
        private readonly definitions: Map<string, CatalogTable | undefined> = new Map(),
    ) {}

    isSelected(table: TableName): boolean {
        const name = quoted(table);
        let selected = this.selected.get(name);
        if (selected === undefined) {
            selected = this.task.mapping.map(table) !== undefined;
            this.selected.set(name, selected);
        }
        return selected;
    }

    /** The selected tables that the source has. */
    async all(): Promise<readonly MappedTable[]> {
        const mapped = (await readTables(this.source)).flatMap((table) => {
            const found = this.task.mapping.map(table);
            return found === undefined ? [] : [found];
        });
        if (mapped.length === 0 && this.task.settings.ErrorBehavior.FailOnNoTablesCaptured) {
            throw new TaskError(
                "No tables were found at the source that the table mappings select " +
                    "(names are case-sensitive; the source user needs USAGE and SELECT; of a partitioned table the " +
                    "partitions are selected).",
            );
        }
        const owners = new Map<string, string>();
        for (const table of mapped) {
            const target = quoted(this.targetOf(table));
            const other = owners.get(target);
            if (other !== undefined) {
                throw new TaskError(
                    `The source tables ${other} and ${quoted(table.source)} must not both go to ${target}.`,
                );
            }
            owners.set(target, quoted(table.source));
        }
        return mapped;
    }

    targetOf(mapped: MappedTable): TableName {
        return targetOf(mapped, this.task.settings.TargetMetadata.TargetSchema);
    }

    /** The plan for a selected table; creates a target table that is missing, with a warning as DMS does. */
    async plan(table: TableName): Promise<TablePlan> {
        const known = this.plans.get(quoted(table));
        if (known !== undefined) {
            return known;
        }
        const mapped = this.task.mapping.map(table);
        if (mapped === undefined) {
            throw new TaskError(`The table ${quoted(table)} is not selected.`);
        }
        const target = this.targetOf(mapped);
        const sourceTable = this.definitions.has(quoted(table))
            ? this.definitions.get(quoted(table))
            : await readTable(this.source, table);
        this.definitions.set(quoted(table), sourceTable);
        const plan = makePlan(
            mapped,
            target,
            sourceTable,
            await this.targetTable(mapped, sourceTable),
        );
        for (const column of missingOnTarget(mapped, plan)) {
            this.log(
                "W",
                "TARGET_APPLY",
                `The target table ${quoted(target)} has no column "${column}": its values are dropped.`,
            );
        }
        if (plan.key.length === 0) {
            this.log(
                "W",
                "TARGET_APPLY",
                `The table ${quoted(table)} has no primary key: its updates and deletes are skipped.`,
            );
        }
        this.plans.set(quoted(table), plan);
        return plan;
    }

    /** Whether a change has columns that the plan does not know: the source table was altered. */
    isOutdated(plan: TablePlan, change: Change): boolean {
        return change.columns?.some(({ name }) => !plan.sourceColumns.has(name)) === true;
    }

    /** Follows an altered source table; new columns are added to the target when DDL is captured and handled. */
    async refresh(plan: TablePlan, change: Change): Promise<TablePlan> {
        const current = await readTable(this.source, plan.source);
        const types = new Map(current?.columns.map(({ name, type }) => [name, type]));
        const fresh = (change.columns ?? []).filter(({ name }) => !plan.sourceColumns.has(name));
        const follows =
            this.task.settings.ChangeProcessingDdlHandlingPolicy.HandleSourceTableAltered &&
            this.task.source.settings.captureDdls;
        for (const { name, type } of fresh) {
            const isRemoved = this.task.mapping.map(plan.source)?.isRemoved(name) === true;
            if (!plan.targetColumns.has(name) && follows && !isRemoved) {
                await this.addColumn(plan.target, name, types.get(name) ?? type);
            }
        }
        this.plans.delete(quoted(plan.source));
        this.definitions.delete(quoted(plan.source));
        const renewed = await this.plan(plan.source);
        // A column that has already gone again must not look new with each change.
        const sourceColumns = new Map([
            ...fresh.map(({ name, type }) => [name, type] as const),
            ...renewed.sourceColumns,
        ]);
        const settled = { ...renewed, sourceColumns };
        this.plans.set(quoted(plan.source), settled);
        return settled;
    }

    /** A change with the large columns that the source's row has now (the fault `lobLookup`). */
    async withLobsOfNow(plan: TablePlan, change: Change): Promise<Change> {
        return await withLobsOfNow(this.source, plan, change);
    }

    private async addColumn(target: TableName, name: string, type: string): Promise<void> {
        const column = `${escapeIdentifier(name)} ${type}`;
        await this.target.query("SAVEPOINT awsdms_ddl");
        try {
            await this.target.query(
                `ALTER TABLE ${quoted(target)} ADD COLUMN IF NOT EXISTS ${column}`,
            );
            await this.target.query("RELEASE SAVEPOINT awsdms_ddl");
        } catch (error) {
            if (!isRowError(error)) {
                throw error;
            }
            await this.target.query("ROLLBACK TO SAVEPOINT awsdms_ddl");
            this.log(
                "W",
                "TARGET_APPLY",
                `The column "${name}" could not be added to ${quoted(target)}: ${messageOf(error)}`,
            );
        }
    }

    private async targetTable(
        mapped: MappedTable,
        sourceTable: CatalogTable | undefined,
    ): Promise<CatalogTable> {
        const target = this.targetOf(mapped);
        const existing = await readTable(this.target, target);
        if (existing !== undefined) {
            return existing;
        }
        if (sourceTable === undefined) {
            throw new TaskError(
                `Neither the source table ${quoted(mapped.source)} nor its target ${quoted(target)} exists.`,
            );
        }
        this.log(
            "W",
            "TARGET_LOAD",
            `The target table ${quoted(target)} is missing: it is created.`,
        );
        await createTargetTable(this.target, mapped, target, sourceTable);
        const created = await readTable(this.target, target);
        if (created === undefined) {
            throw new TaskError(`The target table ${quoted(target)} could not be created.`);
        }
        return created;
    }
}
