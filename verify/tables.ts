import type { Client } from "pg";

import { type CatalogRow, catalogParameters, comparableShapes } from "../components/trail/catalog";
import type { TableName, TableShape } from "../components/trail/shape";
import { renderSql } from "../components/trail/template";
import { Database } from "./database";
import type { UnreadableTable } from "./verifyTrail";

/** The tables as the source's catalog has them now, each with its own problem where it has one. */
export async function readTables(
    source: Client,
    names: readonly TableName[],
): Promise<(TableShape | UnreadableTable)[]> {
    // Values in the catalog are read as text, which depends on the session's settings.
    const database = await Database.prepare(source, "source");
    const script = renderSql("sql/source/catalog.sql");
    const rows = await database.rows<CatalogRow>(script, catalogParameters(names));
    return rows.flatMap((row): (TableShape | UnreadableTable)[] => {
        try {
            return comparableShapes([row]);
        } catch (error) {
            const problem = error instanceof Error ? error.message : String(error);
            return [{ schema: row.table_schema, table: row.table_name, problem }];
        }
    });
}
