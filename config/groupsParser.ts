import { formatTableName, parseTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { DEFAULT_GROUP, type TableGroup } from "../trail/tableGroups";
import { FieldError, objectIn } from "./jsonObject";
import type { KeyParser } from "./keyParsers";

/**
 * A part of a task's identifier, which has letters, digits and hyphens, no two hyphens in a row and none at its end, and which
 * AWS keeps in lower case, https://docs.aws.amazon.com/dms/latest/APIReference/API_CreateReplicationTask.html.
 */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Longer names would leave little of a table's name in the names that PostgreSQL and DMS keep. */
const LONGEST_NAME = 30;

/**
 * Which tables have a task and a slot of their own, by the group's name: `{ "billing": ["sales.invoices", "sales.payments"] }`.
 * Tables that no group names are in the default one.
 */
export function groupsOf(audited: readonly TableName[]): KeyParser<readonly TableGroup[]> {
    const known = new Map(audited.map((table) => [formatTableName(table), table]));
    const [example = "public.items"] = known.keys();
    return {
        type: "object",
        setting: (key) => `--path '${key}.orders[0]'`,
        example,
        parse(text) {
            const groups = objectIn(text);
            if (groups === undefined) {
                throw new Error("it must hold groups, each with a list of tables");
            }
            const groupOf = new Map<string, string>();
            return Object.entries(groups).map(([name, list]) => {
                refuseName(name);
                const tables = listOf(name, list, example).map((written, index) => {
                    const table = memberOf(name, written, index, known);
                    const other = groupOf.get(formatTableName(table));
                    if (other !== undefined) {
                        throw new FieldError(
                            other === name
                                ? `it has ${formatTableName(table)} twice in the group ${name}`
                                : `it has ${formatTableName(table)} in the group ${other} and in the group ${name}, and a table has one task`,
                            "rm",
                            `${name}[${index}]`,
                        );
                    }
                    groupOf.set(formatTableName(table), name);
                    return table;
                });
                return { name, tables };
            });
        },
    };
}

function refuseName(name: string): void {
    const quoted = JSON.stringify(name);
    // The path of a name with a dot or a quote would be another one.
    const path = /^[A-Za-z0-9_-]+$/.test(name) ? name : `[${quoted}]`;
    if (name === DEFAULT_GROUP) {
        throw new FieldError(
            `the group ${DEFAULT_GROUP} is that of the tables which no group names`,
            "rm",
            path,
        );
    }
    if (!NAME.test(name) || name.length > LONGEST_NAME) {
        throw new FieldError(
            `the group ${quoted} has no name of 1 to ${LONGEST_NAME} lower-case letters, digits and single hyphens that begins with a letter, which becomes a part of its task's identifier`,
            "rm",
            path,
        );
    }
}

function listOf(name: string, list: unknown, example: string): readonly unknown[] {
    if (!Array.isArray(list)) {
        throw new FieldError(
            `what it says of the group ${name} is not a list of tables as schema.table`,
            "set",
            `${name}[0]`,
            example,
        );
    }
    if (list.length === 0) {
        throw new FieldError(
            `the group ${name} is empty, and a task needs a table`,
            "set",
            `${name}[0]`,
            example,
        );
    }
    return list as readonly unknown[];
}

function memberOf(
    group: string,
    written: unknown,
    index: number,
    known: ReadonlyMap<string, TableName>,
): TableName {
    const table = typeof written === "string" ? known.get(textOf(written)) : undefined;
    if (table === undefined) {
        throw new FieldError(
            `the group ${group} has ${JSON.stringify(written)}, which is not one of the tables of audit-trail:tables`,
            "rm",
            `${group}[${index}]`,
        );
    }
    return table;
}

/** The name as all messages write it. */
function textOf(written: string): string {
    return formatTableName(parseTableName(written));
}
