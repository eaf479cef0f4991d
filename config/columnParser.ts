import { messageOf } from "../text/errors";
import { nearest } from "../text/nearest";
import {
    type ColumnChoice,
    NO_REASON,
    type TableChoices,
    UNBOUNDED_NUMERIC,
    UNBOUNDED_VARCHAR_CHARACTERS,
} from "../trail/columnChoices";
import { formatTableName, parseTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { FieldError, isObject, objectIn } from "./jsonObject";
import type { KeyParser } from "./keyParsers";

/**
 * What the trail does with single columns: `{ "public.film": { "fulltext": "exclude", "rating": "asText" } }`. Whether a table
 * has such columns, the source's catalog tells.
 */
export function columnsOf(audited: readonly TableName[]): KeyParser<readonly TableChoices[]> {
    const known = audited.map(formatTableName);
    return {
        type: "object",
        setting: (key) => `--path '${key}["${known[0] ?? "public.items"}"].notes'`,
        example: "exclude",
        parse(text) {
            const tables = objectIn(text);
            if (tables === undefined) {
                throw new Error("it must hold tables, each with its columns");
            }
            const seen = new Set<string>();
            return Object.entries(tables).map(([written, columns]) => {
                const place = `[${JSON.stringify(written)}]`;
                const table = tableAt(place, written);
                const name = formatTableName(table);
                if (!known.includes(name)) {
                    throw new FieldError(
                        `${name} is not one of the tables of audit-trail:tables, the nearest of them is ${nearest(name, known) ?? ""}`,
                        "rm",
                        place,
                    );
                }
                if (seen.has(name)) {
                    throw new FieldError(`it names ${name} twice`, "rm", place);
                }
                seen.add(name);
                if (!isObject(columns)) {
                    throw new FieldError(
                        `what it says of ${name} must be columns with a choice each`,
                        "rm",
                        place,
                    );
                }
                return {
                    ...table,
                    columns: Object.entries(columns).map(([column, choice]) => ({
                        name: column,
                        choice: choiceAt(
                            `${place}[${JSON.stringify(column)}]`,
                            `the column ${JSON.stringify(column)} of ${name}`,
                            choice,
                        ),
                    })),
                };
            });
        },
    };
}

const FORMS =
    '"exclude", "asText", {"exclude": "<reason>"}, {"numeric": [<precision>, <scale>]} or {"varchar": <length>}';

/** @throws FieldError with the command that removes what is no table's name. */
function tableAt(place: string, written: string): TableName {
    try {
        return parseTableName(written);
    } catch (error) {
        throw new FieldError(messageOf(error), "rm", place);
    }
}

/** @throws FieldError with the command that gives this very column a choice that it can have. */
function choiceAt(place: string, where: string, value: unknown): ColumnChoice {
    try {
        return parseChoice(where, value);
    } catch (error) {
        throw new FieldError(messageOf(error), "set", place, "exclude");
    }
}

function parseChoice(where: string, value: unknown): ColumnChoice {
    if (value === "exclude") {
        return { kind: "exclude", reason: NO_REASON };
    }
    if (value === "asText") {
        return { kind: "asText" };
    }
    const [entry, ...more] = isObject(value) ? Object.entries(value) : [];
    const [word, detail] = entry ?? [];
    if (more.length === 0 && word === "exclude") {
        return excluded(where, detail);
    }
    if (more.length === 0 && word === "numeric") {
        return numeric(where, detail);
    }
    if (more.length === 0 && word === "varchar") {
        return varchar(where, detail);
    }
    throw new Error(`${where} has the choice ${JSON.stringify(value)}, and it must be ${FORMS}`);
}

function excluded(where: string, reason: unknown): ColumnChoice {
    if (typeof reason !== "string" || reason.trim() === "" || reason.length > 500) {
        throw new Error(
            `${where} is excluded for a reason that is not a text of 1 to 500 characters`,
        );
    }
    return { kind: "exclude", reason };
}

function numeric(where: string, value: unknown): ColumnChoice {
    const [precision, scale, ...more] = Array.isArray(value) ? (value as unknown[]) : [];
    const { precision: digits, scale: places } = UNBOUNDED_NUMERIC;
    if (
        more.length > 0 ||
        !isWhole(precision, 1, digits) ||
        !isWhole(scale, 0, places) ||
        scale > precision ||
        precision - scale > digits - places
    ) {
        throw new Error(
            `${where} has the limit ${JSON.stringify(value)}, and DMS carries a numeric without a limit as numeric(${digits},${places}): it must be [precision, scale] with at most ${places} decimals and at most ${digits - places} digits before them`,
        );
    }
    return { kind: "limit", limit: { type: "numeric", precision, scale } };
}

function varchar(where: string, length: unknown): ColumnChoice {
    if (!isWhole(length, 1, UNBOUNDED_VARCHAR_CHARACTERS)) {
        throw new Error(
            `${where} has the limit ${JSON.stringify(length)}, and DMS keeps 8000 bytes of a varchar without a length: it must be a number of characters from 1 to ${UNBOUNDED_VARCHAR_CHARACTERS}, of four bytes each at most`,
        );
    }
    return { kind: "limit", limit: { type: "varchar", length } };
}

function isWhole(value: unknown, least: number, most: number): value is number {
    return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
