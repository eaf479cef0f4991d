import { HEADER_COLUMNS } from "./headerColumns";
import { formatTableName } from "./names";
import type { TableDefinition } from "./tableDefinition";

/** MaxHeapAttributeNumber: dropped columns count. https://www.postgresql.org/docs/current/limits.html */
const MAX_COLUMNS = 1600;

/** What PostgreSQL allows a source table and not its trail: one sentence for each, with the table and the mend. */
export function tableLimits({
    schema,
    table: name,
    columns,
    primaryKey,
}: Pick<TableDefinition, "schema" | "table" | "columns" | "primaryKey">): string[] {
    const table = formatTableName({ schema, table: name });
    const problems: string[] = [];
    const width = columns.length + HEADER_COLUMNS.length;
    if (width > MAX_COLUMNS) {
        problems.push(
            `The table ${table} has ${columns.length} columns, with the ${HEADER_COLUMNS.length} that DMS adds staging would have ${width}, and PostgreSQL takes no more than ${MAX_COLUMNS}: exclude columns in audit-trail:columns, or leave the table out.`,
        );
    }
    const quoted = [schema, name, ...primaryKey].find(hasDollarQuote);
    if (quoted !== undefined) {
        problems.push(
            `The table ${table} or a column of its primary key has a name with a dollar quote (${quoted}), at which the postgresql provider would cut the log's function: rename it, or leave the table out.`,
        );
    }
    return problems;
}

/** `$...$` would end the body of a function early. */
export function hasDollarQuote(name: string): boolean {
    return /\$\w*\$/u.test(name);
}

/** Line feeds, tabs and their kin. */
export function hasControlCharacter(name: string): boolean {
    return /\p{Cc}/u.test(name);
}
