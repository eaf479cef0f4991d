import { readFileSync } from "node:fs";
import path from "node:path";
import { escapeIdentifier } from "pg";

/** The text of a file in local/dms/sql, with a schema's name in the place of {schema}. */
export function sqlFile(name: string, schema = ""): string {
    const sql = readFileSync(path.join(__dirname, "sql", name), "utf8");
    return sql.replaceAll("{schema}", () => escapeIdentifier(schema));
}
