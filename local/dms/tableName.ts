import { escapeIdentifier } from "pg";

/** A table as PostgreSQL's catalog spells it. */
export interface TableName {
    readonly schema: string;
    readonly table: string;
}

/** Quoted for SQL; also a key for maps, as two tables never share it. */
export function quoted(name: TableName): string {
    return `${escapeIdentifier(name.schema)}.${escapeIdentifier(name.table)}`;
}
