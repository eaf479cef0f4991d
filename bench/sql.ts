import { readFileSync } from "node:fs";
import path from "node:path";

/** The text of a file in bench/sql. */
export function readBenchSql(name: string): string {
    return readFileSync(path.join(__dirname, "sql", name), "utf8");
}
