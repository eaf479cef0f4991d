import type { Client } from "pg";
import { renderSql } from "../database/sqlTemplate";
import { messageOf } from "../text/errors";
import type { CatalogRow, FormerName } from "../trail/catalogRow";
import { catalogParameters, comparableDefinitions, withWhereabouts } from "../trail/catalogTables";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { Database } from "./database";
import { readRegistered } from "./sourceTables";
import type { UnreadableTable } from "./verifyTrail";

/** The tables as the source's catalog has them now, each with its own problem where it has one. */
export async function readTables(
    source: Client,
    audit: Client,
    names: readonly TableName[],
): Promise<(TableDefinition | UnreadableTable)[]> {
    // Values in the catalog are read as text, which depends on the session's settings.
    const database = await Database.prepare(source, "source");
    const registered = await readRegistered(await Database.prepare(audit, "audit"));
    const script = renderSql("sql/source/catalog.sql");
    const read = await database.rows<CatalogRow>(script, catalogParameters(names));
    const knownOids = read.map(
        (row) =>
            registered.find(
                (one) => one.table_schema === row.table_schema && one.table_name === row.table_name,
            )?.source_oid,
    );
    const rows = await withWhereabouts(read, knownOids, (oids) =>
        database.rows<FormerName>(renderSql("sql/source/former_names.sql"), [oids]),
    );
    return rows.flatMap((row): (TableDefinition | UnreadableTable)[] => {
        try {
            return comparableDefinitions([row]);
        } catch (error) {
            const problem = messageOf(error);
            return [{ schema: row.table_schema, table: row.table_name, problem }];
        }
    });
}
