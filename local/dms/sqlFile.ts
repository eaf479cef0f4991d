import { readFileSync } from "node:fs";
import path from "node:path";

/** The text of a file in local/dms/sql. */
export function sqlFile(name: string): string {
    return readFileSync(path.join(__dirname, "sql", name), "utf8");
}
