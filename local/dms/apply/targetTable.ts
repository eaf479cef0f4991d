import { type Client, escapeIdentifier } from "pg";
import { quoted, type TableName } from "../tableName";
import type { AddedColumn, MappedTable } from "../task/mapping";
import type { CatalogTable } from "./columnCatalog";

/** Creates the target table as DMS does: source types, user-defined ones as text, the source's key, nothing else. */
export async function createTargetTable(
    client: Client,
    mapped: MappedTable,
    target: TableName,
    source: CatalogTable,
): Promise<void> {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(target.schema)}`);
    const columns = [
        ...source.columns
            .filter(({ name }) => !mapped.isRemoved(name))
            .map(({ name, type, userDefined }) => {
                const nullable = source.key.includes(name) ? " NOT NULL" : "";
                return `${escapeIdentifier(name)} ${userDefined ? "character varying" : type}${nullable}`;
            }),
        ...mapped.added.map((column) => `${escapeIdentifier(column.name)} ${addedType(column)}`),
    ];
    const key = source.key.map(escapeIdentifier).join(", ");
    const constraint = key === "" ? [] : [`PRIMARY KEY (${key})`];
    await client.query(
        `CREATE TABLE ${quoted(target)} (${[...columns, ...constraint].join(", ")})`,
    );
}

/** PostgreSQL's type for an added column (DMS guide, "Target data types for PostgreSQL"). */
function addedType({ dataType, expression }: AddedColumn): string {
    const isTime =
        expression?.kind === "header" &&
        (expression.header === "AR_H_COMMIT_TIMESTAMP" || expression.header === "AR_H_TIMESTAMP");
    switch (dataType?.type ?? (isTime ? "datetime" : "string")) {
        case "datetime": {
            const precision = dataType?.precision ?? 7;
            return precision > 6 ? "character varying(37)" : `timestamp(${precision})`;
        }
        case "date":
            return "date";
        case "int1":
        case "int2":
            return "smallint";
        case "int4":
            return "integer";
        case "int8":
            return "bigint";
        case "boolean":
            return "character varying(5)";
        case "string":
        case "wstring":
            return `character varying(${dataType?.length ?? 50})`;
        default:
            return "text";
    }
}
