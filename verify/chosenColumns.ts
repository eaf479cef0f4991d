import { renderSql } from "../database/sqlTemplate";
import type { TableDefinition } from "../trail/tableDefinition";
import type { Database } from "./database";

/** A column of which the last deployment's config said something. */
export interface ChosenColumn {
    readonly schema: string;
    readonly table: string;
    readonly name: string;
    readonly attnum: number;
    /** That of staging; the source's where the column is left out. */
    readonly type: string;
    readonly source_type: string | null;
    readonly excluded_because: string | null;
    /** ISO 8601; null for a column that never was in the trail. */
    readonly excluded_since: string | null;
}

/** All of them, as the registry has them. */
export async function readChosenColumns(audit: Database): Promise<ChosenColumn[]> {
    return await audit.rows<ChosenColumn>(renderSql("sql/verify/chosen_columns.sql"));
}

/**
 * The source's table as the trail is meant to have it: without the columns that are left out, the others with the types that
 * the config chose. A column that has become another one since, by its number or its type, is what it is.
 */
export function asChosen(
    definition: TableDefinition,
    chosen: readonly ChosenColumn[],
): TableDefinition {
    const own = new Map(
        chosen
            .filter(
                ({ schema, table }) => schema === definition.schema && table === definition.table,
            )
            .map((column) => [column.attnum, column]),
    );
    const excluded = definition.columns.flatMap(({ name, type, attnum }) => {
        const {
            name: its,
            excluded_because: reason,
            excluded_since: since,
        } = own.get(attnum) ?? {};
        return name === its && typeof reason === "string"
            ? [{ name, type, attnum, reason, ...(typeof since === "string" ? { since } : {}) }]
            : [];
    });
    const left = new Set(excluded.map(({ name }) => name));
    const columns = definition.columns
        .filter(({ name }) => !left.has(name))
        .map((column) => {
            const known = own.get(column.attnum);
            return known?.name === column.name && known.source_type === column.type
                ? { ...column, type: known.type, sourceType: column.type }
                : column;
        });
    return { ...definition, columns, ...(excluded.length > 0 ? { excluded } : {}) };
}

/** What a table's report has to say of the columns that it does not compare. */
export function excludedNotes({ excluded = [] }: TableDefinition): string[] {
    const columns = excluded.map(({ name, reason, since }) => {
        const from = since === undefined ? "" : ` since ${since}`;
        return `${name} (excluded${from}: ${reason})`;
    });
    return columns.length === 0 ? [] : [`without ${columns.join(", ")}`];
}
