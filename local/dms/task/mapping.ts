import { TaskError } from "../errors";
import type { TableName } from "../tableName";
import { type Expression, parseExpression } from "./expression";
import {
    asArray,
    asObject,
    type JsonObject,
    optionalTextAt,
    parseObject,
    refuseUnknownKeys,
    textAt,
} from "./jsonFields";
import { wildcardTest } from "./wildcard";

/** The column type an add-column rule declares. */
interface DataType {
    readonly type: string;
    readonly length?: number;
    readonly precision?: number;
}

export interface AddedColumn {
    readonly name: string;
    /** Without one DMS adds the column and leaves it empty. */
    readonly expression?: Expression;
    readonly dataType?: DataType;
}

/** What the rules say about one source table. */
export interface MappedTable {
    readonly source: TableName;
    /** Undefined schema: the source's, unless the task settings name a target schema. */
    readonly target: { readonly schema?: string; readonly table: string };
    readonly added: readonly AddedColumn[];
    /** Whether a remove-column rule keeps a column out of the target. */
    readonly isRemoved: (column: string) => boolean;
}

export interface TableMapping {
    /** The rules' outcome for a table, undefined when it is not selected. */
    map(table: TableName): MappedTable | undefined;
}

interface Rule {
    readonly id: number;
    readonly where: string;
    readonly json: JsonObject;
    readonly matches: (table: TableName) => boolean;
}

const COMMON = ["rule-type", "rule-id", "rule-name", "rule-action", "object-locator"];
const SELECTION = [...COMMON, "filters", "load-order"];
const TRANSFORMATION = [...COMMON, "rule-target", "value", "old-value", "expression", "data-type"];
const DATA_TYPES =
    "bytes date time datetime int1 int2 int4 int8 numeric real4 real8 string uint1 uint2 uint4 uint8 wstring blob nclob clob boolean".split(
        " ",
    );

/** https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.html */
const LIMIT_BYTES = 2_000_000;

/** Parses and checks the table-mapping JSON (DMS guide, "Using table mapping"); undocumented things are refused. */
export function parseTableMappings(json: string): TableMapping {
    if (Buffer.byteLength(json) > LIMIT_BYTES) {
        throw new TaskError(
            `The table mappings have ${Buffer.byteLength(json)} bytes, and DMS takes ${LIMIT_BYTES} (2 MB).`,
        );
    }
    const root = parseObject(json, "The table mappings");
    refuseUnknownKeys(root, ["rules"], "The table mappings");
    const rules = asArray(root.rules, 'The table mappings\' "rules"').map(parseRule);
    refuseRepeated(rules);
    // Of two rules for one object the lower rule-id wins.
    rules.sort((a, b) => a.id - b.id);
    const selections = rules.filter((rule) => rule.json["rule-type"] === "selection");
    if (!selections.some((rule) => rule.json["rule-action"] !== "exclude")) {
        throw new TaskError("The table mappings need a selection rule that includes a table.");
    }
    const renames = rules.filter((rule) => rule.json["rule-action"] === "rename");
    const removals = rules
        .filter((rule) => rule.json["rule-action"] === "remove-column")
        .map((rule) => ({ rule, column: columnTest(rule) }));
    const additions = rules
        .filter((rule) => rule.json["rule-action"] === "add-column")
        .map((rule) => ({ rule, column: addedColumn(rule) }));
    return {
        map(source) {
            const matching = selections.filter((rule) => rule.matches(source));
            if (
                matching.length === 0 ||
                matching.some((rule) => rule.json["rule-action"] === "exclude")
            ) {
                return undefined;
            }
            const schema = renamed(renames, "schema", source);
            const added = new Map<string, AddedColumn>();
            for (const { rule, column } of additions) {
                if (rule.matches(source) && !added.has(column.name)) {
                    added.set(column.name, column);
                }
            }
            return {
                source,
                target: {
                    ...(schema === undefined ? {} : { schema }),
                    table: renamed(renames, "table", source) ?? source.table,
                },
                added: [...added.values()],
                isRemoved: (name) =>
                    removals.some(({ rule, column }) => rule.matches(source) && column(name)),
            };
        },
    };
}

function renamed(renames: readonly Rule[], target: string, source: TableName): string | undefined {
    const rule = renames.find(
        (candidate) => candidate.json["rule-target"] === target && candidate.matches(source),
    );
    return rule === undefined ? undefined : textAt(rule.json, "value", rule.where);
}

function parseRule(value: unknown, index: number): Rule {
    const json = asObject(value, `Rule number ${index + 1} of the table mappings`);
    const id = json["rule-id"];
    if ((typeof id !== "string" && typeof id !== "number") || !/^[0-9]+$/.test(String(id))) {
        throw new TaskError(`Rule number ${index + 1}: "rule-id" must be a number.`);
    }
    const where = `Table-mapping rule ${id}`;
    if (!/^[A-Za-z0-9_-]+$/.test(textAt(json, "rule-name", where))) {
        throw new TaskError(`${where}: "rule-name" must be alphanumeric.`);
    }
    const type = textAt(json, "rule-type", where);
    if (type === "selection") {
        return { id: Number(id), where, json, matches: selectionTest(json, where) };
    }
    if (type === "transformation") {
        return { id: Number(id), where, json, matches: transformationTest(json, where) };
    }
    throw new TaskError(`${where}: rule-type "${type}" is not supported by this stand-in.`);
}

function selectionTest(json: JsonObject, where: string): Rule["matches"] {
    refuseUnknownKeys(json, SELECTION, where);
    const filters = json.filters === undefined ? [] : asArray(json.filters, `${where}: filters`);
    if (filters.length > 0) {
        throw new TaskError(`${where}: filters are not supported: an audit trail has no gaps.`);
    }
    const locator = asObject(json["object-locator"], `${where}: object-locator`);
    refuseUnknownKeys(locator, ["schema-name", "table-name", "table-type"], where);
    const kind = optionalTextAt(locator, "table-type", where) ?? "table";
    if (kind !== "table") {
        throw new TaskError(`${where}: table-type "${kind}" cannot be captured, only "table".`);
    }
    const action = textAt(json, "rule-action", where);
    if (action === "explicit") {
        const schema = textAt(locator, "schema-name", where);
        const table = textAt(locator, "table-name", where);
        if (schema.includes("%") || table.includes("%")) {
            throw new TaskError(`${where}: rule-action "explicit" takes exact names, no "%".`);
        }
        return (name) => name.schema === schema && name.table === table;
    }
    if (action === "include" || action === "exclude") {
        return locatorTest(locator, where);
    }
    throw new TaskError(`${where}: rule-action "${action}" is not include, exclude or explicit.`);
}

function transformationTest(json: JsonObject, where: string): Rule["matches"] {
    refuseUnknownKeys(json, TRANSFORMATION, where);
    const action = textAt(json, "rule-action", where);
    const target = textAt(json, "rule-target", where);
    const locator = asObject(json["object-locator"], `${where}: object-locator`);
    if (action === "remove-column" && target === "column") {
        refuseUnknownKeys(locator, ["schema-name", "table-name", "column-name"], where);
        textAt(locator, "column-name", where);
        for (const key of ["value", "old-value", "expression", "data-type"]) {
            if (json[key] !== undefined && json[key] !== null) {
                throw new TaskError(`${where}: "${key}" means nothing to remove-column.`);
            }
        }
        return locatorTest(locator, where);
    }
    refuseUnknownKeys(locator, ["schema-name", "table-name"], where);
    textAt(json, "value", where);
    if (action === "rename" && (target === "table" || target === "schema")) {
        return locatorTest(
            target === "schema" ? { ...locator, "table-name": "%" } : locator,
            where,
        );
    }
    if (action === "add-column" && target === "column") {
        return locatorTest(locator, where);
    }
    throw new TaskError(
        `${where}: "${action}" of "${target}" is not supported by this stand-in (rename of table or ` +
            `schema, add-column and remove-column are).`,
    );
}

function locatorTest(locator: JsonObject, where: string): Rule["matches"] {
    const schema = wildcardTest(textAt(locator, "schema-name", where), where);
    const table = wildcardTest(textAt(locator, "table-name", where), where);
    return (name) => schema(name.schema) && table(name.table);
}

/** The columns that a remove-column rule means; its name is a pattern, as in the guide's example `col%`. */
function columnTest({ json, where }: Rule): (column: string) => boolean {
    const locator = asObject(json["object-locator"], `${where}: object-locator`);
    const pattern = textAt(locator, "column-name", where);
    const test = wildcardTest(pattern, where);
    // Columns with these characters in their names cannot be transformed (DMS guide, limitations of transformation rules).
    return (column) => test(column) && !/[#\\/-]/.test(column);
}

function addedColumn({ json, where }: Rule): AddedColumn {
    const expression = optionalTextAt(json, "expression", where);
    const dataType = json["data-type"];
    return {
        name: textAt(json, "value", where),
        ...(expression === undefined ? {} : { expression: parseExpression(expression, where) }),
        ...(dataType === undefined ? {} : { dataType: parseDataType(dataType, where) }),
    };
}

function parseDataType(value: unknown, where: string): DataType {
    const json = asObject(value, `${where}: data-type`);
    refuseUnknownKeys(json, ["type", "length", "precision", "scale"], `${where}: data-type`);
    const type = textAt(json, "type", where);
    if (!DATA_TYPES.includes(type)) {
        throw new TaskError(`${where}: "${type}" is not a DMS data type.`);
    }
    const length = wholeNumber(json.length, `${where}: data-type length`);
    const precision = wholeNumber(json.precision, `${where}: data-type precision`);
    return {
        type,
        ...(length === undefined ? {} : { length }),
        ...(precision === undefined ? {} : { precision }),
    };
}

function wholeNumber(value: unknown, where: string): number | undefined {
    if (value === undefined || value === "") {
        return undefined;
    }
    const number = Number(value);
    if (!Number.isInteger(number) || number < 0) {
        throw new TaskError(`${where} must be a whole number.`);
    }
    return number;
}

function refuseRepeated(rules: readonly Rule[]): void {
    for (const key of ["rule-id", "rule-name"]) {
        const seen = new Set<string>();
        for (const rule of rules) {
            const value = String(rule.json[key]);
            if (seen.has(value)) {
                throw new TaskError(`The table mappings use the ${key} "${value}" twice.`);
            }
            seen.add(value);
        }
    }
}
