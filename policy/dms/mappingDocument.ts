import type { Findings } from "../engine/findings";
import { readJson } from "../engine/jsonInput";
import { isName, isValues, type Values } from "../engine/values";

/** A table that a selection rule takes into the task. */
export interface SelectedTable {
    readonly schema: string;
    readonly table: string;
    /** The name in messages. */
    readonly shown: string;
}

/** The rules of a table mapping. */
export interface MappingDocument {
    readonly rules: readonly Values[];
    readonly selections: readonly Values[];
    /** Tables of the selections that do not exclude and name a schema and a table. */
    readonly tables: readonly SelectedTable[];
    /** The transformations by the schema and table that they name, as JSON; a table with hundreds of leaves has thousands. */
    readonly transformations: ReadonlyMap<string, readonly Values[]>;
}

/** Reads `tableMappings`; whatever keeps it from being read is a violation or still unknown. */
export function readMapping(text: unknown, findings: Findings): MappingDocument | undefined {
    const document = readJson("tableMappings", text, findings);
    if (document.state === "absent") {
        findings.violation('tableMappings is absent; give {"rules": [...]}.');
    }
    if (document.state !== "read") {
        return undefined;
    }
    const { rules, ...others } = document.value;
    if (!Array.isArray(rules) || !rules.every(isValues)) {
        findings.violation('tableMappings has no list "rules" of objects; give {"rules": [...]}.');
        return undefined;
    }
    const [other] = Object.keys(others);
    if (other !== undefined) {
        findings.violation(`tableMappings holds "${other}" beside "rules"; remove it.`);
    }
    const selections = rules.filter((rule) => rule["rule-type"] === "selection");
    const tables = selections
        .filter((rule) => rule["rule-action"] !== "exclude")
        .map(tableOf)
        .filter((table) => table !== undefined);
    if (tables.length === 0) {
        findings.violation("tableMappings selects no table; add an explicit selection.");
    }
    return { rules, selections, tables, transformations: transformationsByTable(rules) };
}

/** The table that a rule's object locator names. */
export function tableOf(rule: Values): SelectedTable | undefined {
    const locator = rule["object-locator"];
    if (!isValues(locator)) {
        return undefined;
    }
    const { "schema-name": schema, "table-name": table } = locator;
    return isName(schema) && isName(table)
        ? { schema, table, shown: `${schema}.${table}` }
        : undefined;
}

function transformationsByTable(rules: readonly Values[]): ReadonlyMap<string, readonly Values[]> {
    const found = new Map<string, Values[]>();
    for (const rule of rules) {
        const table = rule["rule-type"] === "transformation" ? tableOf(rule) : undefined;
        if (table !== undefined) {
            const key = keyOf(table.schema, table.table);
            found.set(key, [...(found.get(key) ?? []), rule]);
        }
    }
    return found;
}

function keyOf(schema: string, table: string): string {
    return JSON.stringify([schema, table]);
}

/** The transformations of one kind that reach a table: by its exact name, or by `%` for every table. */
export function transformations(
    mapping: MappingDocument,
    { schema, table }: SelectedTable,
    target: string,
    action: string,
): readonly Values[] {
    const names = new Set(
        [schema, "%"].flatMap((first) => [table, "%"].map((second) => keyOf(first, second))),
    );
    return [...names]
        .flatMap((name) => mapping.transformations.get(name) ?? [])
        .filter((rule) => rule["rule-target"] === target && rule["rule-action"] === action);
}
