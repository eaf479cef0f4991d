import { isName, isText, isValues, type Values } from "../engine/values";
import { fillsColumn, headerColumns, headerNames } from "./demandedHeaders";
import { type SelectedTable, tableOf } from "./mappingDocument";

/** A kind of mapping rule that is known to be safe beside a trail. */
export interface MappingKind {
    /** The kind in words, for messages and docs. */
    readonly words: string;
    /** Every key that such a rule may have. */
    readonly keys: readonly string[];
    /** Every key of its object locator. */
    readonly locator: readonly string[];
    /**
     * What the rule changes about its table, in a word that no other rule of the table repeats: DMS applies one action to
     * an object. Undefined when the rule is of another kind.
     */
    readonly subject: (rule: Values, table: SelectedTable) => string | undefined;
}

const COMMON = ["rule-type", "rule-id", "rule-name", "rule-action", "object-locator"] as const;
const TRANSFORMATION = [...COMMON, "rule-target", "value"] as const;
const TABLE = ["schema-name", "table-name"] as const;

function acts(rule: Values, type: string, action: string, target?: string): boolean {
    return (
        rule["rule-type"] === type &&
        rule["rule-action"] === action &&
        rule["rule-target"] === target
    );
}

/**
 * Every kind of mapping rule that a trail may have. Whatever else the guide's rules can do changes, hides or thins out
 * what is recorded. A further kind that the program comes to write is added here, with what makes it safe.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.html
 */
export const MAPPING_KINDS: readonly MappingKind[] = [
    {
        words: "an explicit selection of one table without filters",
        keys: [...COMMON, "filters"],
        locator: [...TABLE, "table-type"],
        subject: (rule) => {
            const { filters } = rule;
            const { "table-type": type } = isValues(rule["object-locator"])
                ? rule["object-locator"]
                : {};
            return acts(rule, "selection", "explicit") &&
                (filters === undefined || (Array.isArray(filters) && filters.length === 0)) &&
                (type === undefined || type === "table")
                ? "selection"
                : undefined;
        },
    },
    {
        words: "the rename of a table to a name that ends in _staging",
        keys: TRANSFORMATION,
        locator: TABLE,
        subject: (rule) =>
            acts(rule, "transformation", "rename", "table") &&
            isText(rule.value) &&
            rule.value.endsWith("_staging")
                ? "table"
                : undefined,
    },
    {
        words: `an added column ${headerNames("or")} with its own expression and data type`,
        keys: [...TRANSFORMATION, "expression", "data-type"],
        locator: TABLE,
        subject: (rule) => {
            const column = headerColumns.find((candidate) => fillsColumn(rule, candidate));
            return acts(rule, "transformation", "add-column", "column") && column !== undefined
                ? `column ${column.name}`
                : undefined;
        },
    },
    {
        words: "the removal of one column, by its exact name, that is none of those",
        keys: [...COMMON, "rule-target"],
        locator: [...TABLE, "column-name"],
        subject: (rule) => {
            const column = removedColumn(rule);
            return column === undefined ? undefined : `column ${column}`;
        },
    },
];

/**
 * The column that a rule removes and nothing else, as the program writes it for a column that the config excludes; undefined
 * when the rule is another one. A name with a % or a bracket may mean more columns than one.
 */
export function removedColumn(rule: Values): string | undefined {
    const { "column-name": column } = isValues(rule["object-locator"])
        ? rule["object-locator"]
        : {};
    return acts(rule, "transformation", "remove-column", "column") &&
        isName(column) &&
        !/[%[\]]/u.test(column) &&
        !headerColumns.some(({ name }) => mayMean(column, name))
        ? column
        : undefined;
}

/** True of a name that is another one, or that DMS may read as a pattern of it: `_` is any character. */
function mayMean(column: string, name: string): boolean {
    const letters = column.toLowerCase();
    return (
        letters.length === name.length &&
        Array.from(name).every((letter, at) => ["_", letter].includes(letters.charAt(at)))
    );
}

/** True of an object that has no other keys. */
function hasOnly(value: unknown, keys: readonly string[]): boolean {
    return isValues(value) && Object.keys(value).every((key) => keys.includes(key));
}

/** The subject of a rule of a known kind; undefined when the rule is of none. */
export function knownSubject(rule: Values): string | undefined {
    const table = tableOf(rule);
    if (table === undefined) {
        return undefined;
    }
    for (const { keys, locator, subject } of MAPPING_KINDS) {
        const found = subject(rule, table);
        if (
            found !== undefined &&
            hasOnly(rule, keys) &&
            hasOnly(rule["object-locator"], locator)
        ) {
            return found;
        }
    }
    return undefined;
}
