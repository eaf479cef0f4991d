import { escapeIdentifier } from "pg";
import type { ColumnDefinition } from "./tableDefinition";

/**
 * Whether a column of the source has a type that somebody has made there: an enumerated or a composite one, a range, or arrays
 * of these. Whoever owns a type can make casts from and to it, and PostgreSQL calls them for `CAST`, `to_jsonb()` and
 * `jsonb_build_object()`: with the rights of whoever reads, and with whatever result. What converts such a value here calls
 * the type's own input and output functions, which only a superuser can make.
 * https://www.postgresql.org/docs/current/sql-createcast.html
 *
 * A type of an extension under its own name is the extension's: nobody else can own it.
 */
export function isForeign({ type, sourceType, extension }: ColumnDefinition): boolean {
    const actual = (sourceType ?? type).replace(/\[\]$/u, "");
    const own = extension && [extension.schema, extension.name].map(quoteIfNeeded).join(".");
    // PostgreSQL's own types are the only ones that are not qualified.
    return actual.replaceAll(/"(?:[^"]|"")*"/gu, "x").includes(".") && actual !== own;
}

/** As `format_type()` writes a name; a reserved word as it is, which no extension is called. */
function quoteIfNeeded(name: string): string {
    return /^[a-z_][a-z0-9_$]*$/u.test(name) ? name : escapeIdentifier(name);
}

/** The text of a column of `t`, named by the template's variable `name`, in the words of the type's output function. */
export function foreignText(variable: string): string {
    const column = `t.:"${variable}"`;
    // A composite value of which every field is null is no null, though IS NULL says so.
    return `CASE WHEN num_nulls(${column}) = 0 THEN format('%s', ${column}) END`;
}

/** The value of a column out of a JSON object, by the type's input function; for a template with `column` and `type`. */
export function foreignValue(json: string): string {
    return `(SELECT v.:"column" FROM jsonb_to_record(${json}) AS v (:"column" :type))`;
}
