import { refuseCaseTwins, refuseConfusableNames } from "../trail/dmsNames";
import { formatTableName, parseTableName } from "../trail/names";
import { schemas } from "../trail/rolesAndSchemas";
import type { TableName } from "../trail/tableDefinition";
import { hasControlCharacter } from "../trail/tableLimits";
import type { KeyParser } from "./keyParsers";

/** PostgreSQL's own schemas hold nothing to audit, and the trail's are not a source. */
const FORBIDDEN_SCHEMAS: string[] = ["pg_catalog", "information_schema", ...Object.values(schemas)];

/** What a list's text says, or undefined where it is no JSON: the parsers say what must be there instead. */
function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** The first item of a list, as `pulumi config set` names it. */
function firstItem(key: string): string {
    return `--path '${key}[0]'`;
}

/** The tables that a list names, each once, in its order. */
function tableList(names: readonly unknown[]): TableName[] {
    const seen = new Set<string>();
    return names.map((name) => {
        if (typeof name !== "string") {
            throw new Error(
                `its entry ${JSON.stringify(name)} is not a text of the form schema.table`,
            );
        }
        const table = parseTableName(name);
        if (hasControlCharacter(table.schema) || hasControlCharacter(table.table)) {
            throw new Error(
                `the name ${JSON.stringify(name)} has a control character, and nothing says that DMS takes such a table`,
            );
        }
        if (FORBIDDEN_SCHEMAS.includes(table.schema)) {
            throw new Error(`the schema of ${name} cannot be audited`);
        }
        const written = formatTableName(table);
        if (seen.has(written)) {
            throw new Error(`it lists ${written} twice`);
        }
        seen.add(written);
        return table;
    });
}

export const tables: KeyParser<readonly TableName[]> = {
    type: "array",
    setting: firstItem,
    example: "public.items",
    parse(text) {
        const names = parseJson(text);
        if (!Array.isArray(names) || names.length === 0) {
            throw new Error("it must be a list of one or more tables as schema.table");
        }
        const listed = tableList(names);
        refuseConfusableNames(listed);
        refuseCaseTwins(listed);
        return listed;
    },
};

/** A list, empty perhaps, of tables that are audited. */
export function someOf(audited: readonly TableName[]): KeyParser<readonly TableName[]> {
    return {
        type: "array",
        setting: firstItem,
        example: audited[0] === undefined ? "public.items" : formatTableName(audited[0]),
        parse(text) {
            const names = parseJson(text);
            if (!Array.isArray(names)) {
                throw new Error("it must be a list of tables as schema.table");
            }
            const known = audited.map(formatTableName);
            const listed = tableList(names);
            const stranger = listed.map(formatTableName).find((name) => !known.includes(name));
            if (stranger !== undefined) {
                throw new Error(`${stranger} is not one of the tables of audit-trail:tables`);
            }
            return listed;
        },
    };
}

/** Names or URNs of resources. Nobody knows them all here: a wrong one acknowledges nothing. */
export const resourceNames: KeyParser<readonly string[]> = {
    type: "array",
    setting: firstItem,
    example: "audit-trail-dev-task",
    parse(text) {
        const names = parseJson(text);
        const isName = (name: unknown): boolean =>
            typeof name === "string" && /^[^\s*]+$/.test(name) && !hasControlCharacter(name);
        if (!Array.isArray(names) || !names.every(isName)) {
            throw new Error("it must be a list of names or URNs of resources, each in full");
        }
        return names as string[];
    },
};
