import { type Client, escapeIdentifier } from "pg";
import { codeOf } from "../../../text/errors";
import { type Change, type ColumnValue, UNCHANGED } from "../capture/testDecoding";
import { quoted } from "../tableName";
import { isLob } from "./columnValues";
import type { TablePlan } from "./tablePlan";

/** The source's table or column has gone since. */
const GONE = ["42P01", "42703", "3F000"];
const asText = { getTypeParser: () => (text: unknown) => text };

/**
 * The change with the large columns that the source's row has now, as DMS reads them when it looks them up by the key:
 * later values than the change had, and NULL when the row is gone.
 */
export async function withLobsOfNow(
    source: Client,
    plan: TablePlan,
    change: Change,
): Promise<Change> {
    const { columns, operation } = change;
    const lobs = (columns ?? []).filter(
        ({ name, type }) => isLob(type) && !plan.key.includes(name) && plan.targetColumns.has(name),
    );
    if (
        columns === undefined ||
        operation === "delete" ||
        lobs.length === 0 ||
        plan.key.length === 0
    ) {
        return change;
    }
    const now = await rowOfNow(source, plan, change, lobs);
    const looked = new Map(lobs.map(({ name }, at) => [name, now?.[at] ?? null]));
    return {
        ...change,
        columns: columns.map((column) => {
            const value = looked.get(column.name);
            return value === undefined ? column : { ...column, value };
        }),
    };
}

async function rowOfNow(
    source: Client,
    plan: TablePlan,
    change: Change,
    lobs: readonly ColumnValue[],
): Promise<readonly (string | null)[] | undefined> {
    const columns = change.columns ?? [];
    const list = lobs.map(({ name }) => escapeIdentifier(name)).join(", ");
    const test = plan.key.map((name, at) => `${escapeIdentifier(name)} = $${at + 1}`);
    const written = [...columns, ...(change.oldKey ?? [])].filter(
        ({ value }) => value !== UNCHANGED,
    );
    const key = plan.key.map((name) => written.find((column) => column.name === name)?.value);
    try {
        const { rows } = await source.query<(string | null)[]>({
            text: `SELECT ${list} FROM ${quoted(plan.source)} WHERE ${test.join(" AND ")}`,
            values: key,
            rowMode: "array",
            types: asText,
        });
        return rows[0];
    } catch (error) {
        if (GONE.includes(codeOf(error))) {
            return undefined;
        }
        throw error;
    }
}
