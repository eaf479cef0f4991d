import { formatTableName } from "./names";
import type { TableName } from "./tableDefinition";

/** A DMS name pattern as a regular expression: `%` any run, `_` any character, `[...]` one of a set. */
export function dmsPattern(pattern: string): RegExp {
    const source = pattern.replace(/\[([^\]]+)\]|[%_]|[^%_]/gsu, (part, set?: string) => {
        if (part === "%") {
            return ".*";
        }
        if (part === "_") {
            return ".";
        }
        if (set !== undefined) {
            return `[${set.replace(/[\\\]^]/g, "\\$&")}]`;
        }
        return part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    });
    return new RegExp(`^${source}$`, "su");
}

/** As DMS compares names where it does not heed the case: those that it takes for one another are the same text. */
function caseless({ schema, table }: TableName): string {
    return formatTableName({ schema: schema.toLowerCase(), table: table.toLowerCase() });
}

/**
 * Refuses tables whose names differ in case only. Their replication "may cause unpredictable behavior and is therefore not
 * supported", says the maker of the engine inside DMS,
 * https://help.qlik.com/en-US/replicate/Content/Replicate/Main/Aurora%20PostgreSQL/aws_limitations_postgresql_source.htm
 * @throws Error that completes "... but": which two of the tables.
 */
export function refuseCaseTwins(tables: readonly TableName[]): void {
    const seen = new Map<string, TableName>();
    for (const table of tables) {
        const other = seen.get(caseless(table));
        if (other !== undefined) {
            throw new Error(
                `DMS does not support ${formatTableName(other)} and ${formatTableName(table)} together, whose names differ in case only; rename one of them or audit only one`,
            );
        }
        seen.set(caseless(table), table);
    }
}

/**
 * Refuses names that DMS would read as patterns for something else. A selection of kind `explicit` takes no `%` and knows
 * no other wildcards, but the transformations do: `items_x` also names `itemsAx`, whose staging table would then be named by two rules.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Wildcards.html
 * @throws Error that completes "... but": a reason why these tables cannot be mapped together.
 */
export function refuseConfusableNames(tables: readonly TableName[]): void {
    for (const pattern of tables) {
        if (`${pattern.schema}${pattern.table}`.includes("%")) {
            throw new Error(
                `DMS takes no % in a name that is selected explicitly, as ${formatTableName(pattern)} would be`,
            );
        }
        const [schema, table] = [dmsPattern(pattern.schema), dmsPattern(pattern.table)];
        const matched = tables.filter((name) => schema.test(name.schema) && table.test(name.table));
        if (!matched.includes(pattern)) {
            throw new Error(
                `DMS reads the brackets in ${formatTableName(pattern)} as a set of characters and would not find the table`,
            );
        }
        const other = matched.find((name) => name !== pattern);
        if (other !== undefined) {
            throw new Error(
                `DMS reads _ in ${formatTableName(pattern)} as a wildcard that also matches ${formatTableName(other)}, so the two cannot be audited by one task`,
            );
        }
    }
}
