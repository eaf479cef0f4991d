import type { Client } from "pg";
import { sqlFile } from "../sqlFile";
import type { TableName } from "../tableName";

interface CatalogColumn {
    readonly name: string;
    /** format_type() with modifiers. */
    readonly type: string;
    readonly userDefined: boolean;
}

export interface CatalogTable {
    readonly columns: readonly CatalogColumn[];
    /** Names of the primary key's columns in key order; empty without one. */
    readonly key: readonly string[];
}

const TABLES = sqlFile("tables.sql");
const COLUMNS = sqlFile("columns.sql");

/** Every table a mapping could select. */
export async function readTables(client: Client): Promise<readonly TableName[]> {
    return (await client.query<{ schema: string; table: string }>(TABLES)).rows;
}

/** A table's columns and key, undefined when there is no such table. */
export async function readTable(
    client: Client,
    { schema, table }: TableName,
): Promise<CatalogTable | undefined> {
    const { rows } = await client.query<CatalogColumn & { keyPosition: number | null }>(COLUMNS, [
        schema,
        table,
    ]);
    if (rows.length === 0) {
        return undefined;
    }
    const key = rows
        .filter((row) => row.keyPosition !== null)
        .sort((a, b) => (a.keyPosition ?? 0) - (b.keyPosition ?? 0));
    return { columns: rows, key: key.map((row) => row.name) };
}
