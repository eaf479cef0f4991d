import { qualified, renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";
import type { TableName } from "./tableDefinition";

/**
 * To be run in a transaction before a table of the source is read by somebody with more rights than its owner: it stays what it is
 * until the transaction ends, and if that is no plain table, this fails.
 *
 * @param knownColumns columns whose types may be anybody's, because they are read by the types' own functions or not at all
 */
export function holdTable(
    { schema, table }: TableName,
    knownColumns: readonly string[] = [],
): SqlFile {
    return renderSql("sql/source/hold_table.sql", {
        schema,
        table,
        table_name: qualified(schema, table),
        known_columns: SqlFragment.literals(knownColumns),
    });
}
