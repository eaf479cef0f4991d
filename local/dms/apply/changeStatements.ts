import { escapeIdentifier, escapeLiteral } from "pg";
import { type Change, type ColumnValue, UNCHANGED } from "../capture/testDecoding";
import { quoted } from "../tableName";
import { convert, isLob, type ValueRules } from "./columnValues";
import { type HeaderSource, headerValue } from "./headerValues";
import type { TablePlan } from "./tablePlan";

export interface Statement {
    readonly text: string;
    readonly values: readonly (string | null)[];
    /** Whether no row touched means a conflict. */
    readonly expectsRow: boolean;
}

/** What to do with one change: the statements, or why it leaves no trace on the target. */
export type Rendered =
    | { readonly statements: readonly Statement[]; readonly truncatedLobs: readonly string[] }
    | { readonly dropped: string };

export interface RenderOptions {
    readonly rules: ValueRules;
    readonly lobTwoStep: boolean;
    readonly deleteImage: "keep" | "null";
}

interface Cell {
    readonly name: string;
    readonly value: string | null;
    readonly lob: boolean;
}

interface KeyValue {
    readonly name: string;
    readonly value: string | null;
}

/** The single-row statements DMS's transactional apply runs for a change. */
export function renderChange(
    plan: TablePlan,
    change: Change,
    headers: HeaderSource,
    options: RenderOptions,
): Rendered {
    if (change.columns === undefined) {
        return { dropped: "the source logs no key for it (REPLICA IDENTITY NOTHING?)" };
    }
    const row = new RowBuilder(plan, options.rules);
    const cells = row.cells(change.columns);
    const headerCells = headerCellsOf(plan, headers);
    if (change.operation === "insert") {
        return {
            statements: inserts(plan, cells, headerCells, options),
            truncatedLobs: row.truncated,
        };
    }
    if (plan.key.length === 0) {
        return { dropped: "the table has no primary key" };
    }
    if (change.operation === "update" && keyChanges(plan, change)) {
        return { dropped: "it changes the primary key, which DMS does not replicate" };
    }
    const key = keyOf(plan, [change.columns, change.oldKey], options.rules);
    const changed =
        change.operation === "update"
            ? cells
            : plan.flagsDeletes && options.deleteImage === "null"
              ? deletedCells(plan, cells)
              : [];
    if (change.operation === "delete" && !plan.flagsDeletes) {
        return { statements: [deleteRow(plan, key)], truncatedLobs: [] };
    }
    return {
        statements: updates(
            plan,
            changed,
            headerCells,
            key,
            options.lobTwoStep && change.operation === "update",
        ),
        truncatedLobs: row.truncated,
    };
}

/** DELETE + INSERT of the whole row: what INSERT_RECORD and UPDATE_RECORD do on a conflict. */
export function renderReplacement(
    plan: TablePlan,
    change: Change,
    headers: HeaderSource,
    options: RenderOptions,
): readonly Statement[] {
    const row = new RowBuilder(plan, options.rules);
    const columns = change.columns ?? [];
    return [
        { ...deleteRow(plan, keyOf(plan, [columns], options.rules)), expectsRow: false },
        insertRow(plan, [...row.cells(columns), ...headerCellsOf(plan, headers)]),
    ];
}

/** A statement with its values written out, for awsdms_apply_exceptions. */
export function withLiterals({ text, values }: Statement): string {
    return text.replaceAll(/\$(\d+)/g, (_, index: string) => {
        const value = values[Number(index) - 1];
        return value === null || value === undefined ? "NULL" : escapeLiteral(value);
    });
}

class RowBuilder {
    readonly truncated: string[] = [];

    constructor(
        private readonly plan: TablePlan,
        private readonly rules: ValueRules,
    ) {}

    /** Values for columns the target has; unchanged TOAST values are left out. */
    cells(columns: readonly ColumnValue[]): readonly Cell[] {
        const cells: Cell[] = [];
        for (const { name, type, value } of columns) {
            const lob = isLob(type);
            if (
                value === UNCHANGED ||
                !this.plan.targetColumns.has(name) ||
                (lob && !this.rules.supportLobs)
            ) {
                continue;
            }
            const converted = convert(value, exactType(this.plan, name, type), this.rules);
            if (converted.truncated) {
                this.truncated.push(name);
            }
            cells.push({ name, value: converted.value, lob });
        }
        return cells;
    }
}

function headerCellsOf(plan: TablePlan, headers: HeaderSource): readonly Cell[] {
    return plan.added.flatMap((column) => {
        const value = headerValue(column, headers);
        return value === undefined ? [] : [{ name: column.name, value, lob: false }];
    });
}

function inserts(
    plan: TablePlan,
    cells: readonly Cell[],
    headers: readonly Cell[],
    { lobTwoStep }: RenderOptions,
): readonly Statement[] {
    const lobs = cells.filter(({ lob, value }) => lob && value !== null);
    if (!lobTwoStep || lobs.length === 0 || plan.key.length === 0) {
        return [insertRow(plan, [...cells, ...headers])];
    }
    const first = cells.map((cell) => (cell.lob ? { ...cell, value: null } : cell));
    const key = cells.filter(({ name }) => plan.key.includes(name));
    return [insertRow(plan, [...first, ...headers]), updateRow(plan, lobs, key)];
}

function updates(
    plan: TablePlan,
    cells: readonly Cell[],
    headers: readonly Cell[],
    key: readonly KeyValue[],
    twoSteps: boolean,
): readonly Statement[] {
    const lobs = cells.filter(({ lob }) => lob);
    if (!twoSteps || lobs.length === 0) {
        return [updateRow(plan, [...cells, ...headers], key)];
    }
    const others = cells.filter(({ lob }) => !lob);
    return [updateRow(plan, [...others, ...headers], key), updateRow(plan, lobs, key)];
}

/** The key as it is, every other column what the delete message holds: nothing under REPLICA IDENTITY DEFAULT. */
function deletedCells(plan: TablePlan, known: readonly Cell[]): readonly Cell[] {
    const byName = new Map(known.map((cell) => [cell.name, cell]));
    return [...plan.sourceColumns.keys()]
        .filter((name) => plan.targetColumns.has(name) && !plan.key.includes(name))
        .map((name) => byName.get(name) ?? { name, value: null, lob: false });
}

function insertRow(plan: TablePlan, cells: readonly Cell[]): Statement {
    const names = cells.map(({ name }) => escapeIdentifier(name)).join(", ");
    const places = cells.map((_, index) => `$${index + 1}`).join(", ");
    return {
        text: `INSERT INTO ${quoted(plan.target)} (${names}) VALUES (${places})`,
        values: cells.map(({ value }) => value),
        expectsRow: true,
    };
}

function updateRow(plan: TablePlan, cells: readonly Cell[], key: readonly KeyValue[]): Statement {
    const sets = cells.map(({ name }, index) => `${escapeIdentifier(name)} = $${index + 1}`);
    return {
        text: `UPDATE ${quoted(plan.target)} SET ${sets.join(", ")} WHERE ${keyTest(key, sets.length)}`,
        values: [...cells, ...key].map(({ value }) => value),
        expectsRow: true,
    };
}

function deleteRow(plan: TablePlan, key: readonly KeyValue[]): Statement {
    return {
        text: `DELETE FROM ${quoted(plan.target)} WHERE ${keyTest(key, 0)}`,
        values: key.map(({ value }) => value),
        expectsRow: true,
    };
}

function keyTest(key: readonly { name: string }[], offset: number): string {
    return key
        .map(({ name }, index) => `${escapeIdentifier(name)} = $${offset + index + 1}`)
        .join(" AND ");
}

/** The key's values as they were written, from the first of the tuples that holds them: the target's row has no others. */
function keyOf(
    plan: TablePlan,
    tuples: readonly (readonly ColumnValue[] | undefined)[],
    rules: ValueRules,
): readonly KeyValue[] {
    return plan.key.map((name) => {
        for (const tuple of tuples) {
            const column = tuple?.find((one) => one.name === name);
            if (column !== undefined && column.value !== UNCHANGED) {
                const type = exactType(plan, name, column.type);
                return { name, value: convert(column.value, type, rules).value };
            }
        }
        return { name, value: null };
    });
}

/** The catalog knows the modifiers; a column that is no longer there has none to know. */
function exactType(plan: TablePlan, name: string, type: string): string {
    return plan.sourceColumns.get(name) ?? type;
}

function keyChanges(plan: TablePlan, change: Change): boolean {
    return plan.key.some((name) => {
        const before = valueOf(change.oldKey, name);
        const after = valueOf(change.columns, name);
        return before !== undefined && after !== undefined && before !== after;
    });
}

/** A column's value in a tuple; undefined when the tuple does not hold it. */
function valueOf(
    columns: readonly ColumnValue[] | undefined,
    name: string,
): string | null | undefined {
    const value = columns?.find((column) => column.name === name)?.value;
    return value === UNCHANGED ? undefined : value;
}
