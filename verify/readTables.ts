import type { Client } from "pg";
import { renderSql } from "../database/sqlTemplate";
import { messageOf } from "../text/errors";
import type { CatalogRow, FormerName } from "../trail/catalogRow";
import { comparableDefinitions, withWhereabouts } from "../trail/catalogTables";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { Database } from "./database";
import { LockedError } from "./locks";
import {
    isUnreadable,
    readCatalog,
    readRegistered,
    type RegisteredTable,
    type UnreadableTable,
} from "./sourceTables";

/** The tables as the source's catalog has them now, each with its own problem where it has one. */
export async function readTables(
    source: Client,
    audit: Client,
    names: readonly TableName[],
): Promise<(TableDefinition | UnreadableTable)[]> {
    // Values in the catalog are read as text, which depends on the session's settings.
    const database = await Database.prepare(source, "source");
    const registered = await registeredTables(await Database.prepare(audit, "audit"));
    const all = await readCatalog(database, names);
    const read = all.filter((row): row is CatalogRow => !isUnreadable(row));
    const knownOids = read.map(
        (row) =>
            registered.find(
                (one) => one.table_schema === row.table_schema && one.table_name === row.table_name,
            )?.source_oid,
    );
    const rows = await withWhereabouts(read, knownOids, (oids) =>
        database.rows<FormerName>(renderSql("sql/source/former_names.sql"), [oids]),
    );
    const definitions = rows.map((row): TableDefinition | UnreadableTable => {
        const name = { schema: row.table_schema, table: row.table_name };
        try {
            const [definition] = comparableDefinitions([row]);
            return definition ?? { ...name, problem: "the catalog says nothing of it" };
        } catch (error) {
            return { ...name, problem: messageOf(error) };
        }
    });
    return all.flatMap((row) => (isUnreadable(row) ? [row] : definitions.splice(0, 1)));
}

/** None where somebody has locked the registry, which is asked only where a table is that is missing. */
async function registeredTables(audit: Database): Promise<RegisteredTable[]> {
    try {
        return await readRegistered(audit);
    } catch (error) {
        if (!(error instanceof LockedError)) {
            throw error;
        }
        return [];
    }
}
