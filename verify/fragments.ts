import { escapeIdentifier } from "pg";

import { HEADER_COLUMNS, trailNames } from "../components/trail/names";
import type { TableShape } from "../components/trail/shape";
import { SqlFragment, type Variables } from "../components/trail/template";

/** `"schema"."name"`, as a regclass takes it. */
export function qualified(schema: string, name: string): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

/**
 * What the scripts that read a table row by row or by ranges of keys (as `t`) need: `key` its columns, `row_key` the JSON
 * that the log has, `lower`, `upper` and `candidate` the keys in $1, $2 and $3, and `same_row` the row of `k.row_key` or
 * `o.row_key`.
 */
export function keyVariables(
    shape: TableShape,
    table: string,
    rowKey: "k" | "o" = "k",
): Variables & { readonly same_row: SqlFragment } {
    const columns = shape.primaryKey.map((column) => ({ column, schema: shape.schema, table }));
    const populated = (from: string): string =>
        `(jsonb_populate_record(CAST(NULL AS :"schema".:"table"), ${from})).:"column"`;
    const list = (template: string, separator = ", "): SqlFragment =>
        SqlFragment.each(template, columns, separator);
    return {
        schema: shape.schema,
        table,
        key: list('t.:"column"'),
        row_key: SqlFragment.each("jsonb_build_object(:pairs)", [
            { pairs: list(`:'column', t.:"column"`) },
        ]),
        lower: list(populated("$1::jsonb")),
        upper: list(populated("$2::jsonb")),
        candidate: list(populated("$3::jsonb")),
        same_row: list(`t.:"column" = ${populated(`${rowKey}.row_key`)}`, " AND "),
    };
}

/** Where a row's JSON comes from: a table read as `t`, staging with its header columns, or a log row. */
export type RowSource = "source" | "staging" | "log";

const ROWS: Readonly<Record<RowSource, string>> = {
    source: "to_jsonb(t)",
    staging: "to_jsonb(t)",
    log: "l.new_row_data",
};

/**
 * A row as JSON that is the same text on both sides when the rows are the same.
 *
 * Columns that the source no longer has are left out; ones that the trail does not know yet have the value that the source's
 * older rows have, null as a rule. A numeric without a
 * scale loses its trailing zeros, because DMS adds some; the source's infinite times are those that DMS writes for them.
 *
 * @param stagingColumns the columns of the staging table, headers included
 */
export function rowImage(
    from: RowSource,
    shape: TableShape,
    stagingColumns: readonly string[],
): SqlFragment {
    const names = new Set(shape.columns.map(({ name }) => name));
    const known = new Set(stagingColumns);
    const headers = new Set<string>(HEADER_COLUMNS);
    const gone = stagingColumns.filter((name) => !names.has(name) && !headers.has(name));
    const left = { source: [], staging: [...HEADER_COLUMNS, ...gone], log: gone }[from];
    const missing = from === "log" ? [...names] : [...names].filter((name) => !known.has(name));
    const row = ROWS[from];
    let image = SqlFragment.each(row, [{}]);
    if (left.length > 0) {
        image = SqlFragment.each("(:image - ARRAY[:left])", [
            { image, left: SqlFragment.literals(left) },
        ]);
    }
    if (from !== "source" && missing.length > 0) {
        const nulls = JSON.stringify(Object.fromEntries(missing.map((name) => [name, null])));
        const defaults = shape.columns.flatMap(({ name, type, missing: value }) =>
            value !== undefined && missing.includes(name)
                ? [{ name, value, type: SqlFragment.type(type) }]
                : [],
        );
        const added = SqlFragment.each(
            "|| jsonb_build_object(:'name', CAST(:'value' AS :type)) ",
            defaults,
            "",
        );
        image = SqlFragment.each("(CAST(:'nulls' AS jsonb) :added|| :image)", [
            { nulls, added, image },
        ]);
    }
    const rewritten = shape.columns.flatMap(({ name, type }) => {
        if (type === "numeric") {
            return [SqlFragment.each(trimmed(row), [{ name }])];
        }
        return from === "source" && /^(date|timestamp)/.test(type)
            ? [SqlFragment.each(FINITE, [{ name }])]
            : [];
    });
    if (rewritten.length === 0) {
        return image;
    }
    // One object for each column: a call of a function takes no more than a hundred arguments.
    const parts = rewritten.map((value) => ({ value }));
    return SqlFragment.each("(:image || :rewritten)", [
        { image, rewritten: SqlFragment.each(":value", parts, " || ") },
    ]);
}

function trimmed(row: string): string {
    return `jsonb_build_object(:'name', trim_scale((${row} ->> :'name')::numeric))`;
}

/** DMS has no infinite times and writes these instead, docs/types.md. */
const FINITE = `jsonb_build_object(:'name', CASE t.:"name"
    WHEN 'infinity' THEN '9999-12-31 23:59:59+00'
    WHEN '-infinity' THEN '4713-01-01 00:00:00+00 BC'
    ELSE t.:"name"
END)`;

/** The header columns as an SQL array. */
export function headerArray(): SqlFragment {
    return SqlFragment.each("ARRAY[:names]", [{ names: SqlFragment.literals(HEADER_COLUMNS) }]);
}

/** What the scripts on a table's log need. */
export function logVariables(shape: TableShape): Variables {
    const { auditLog, staging, tombstone } = trailNames(shape);
    const { schema } = shape;
    return { schema, audit_log: auditLog, staging, tombstone };
}
