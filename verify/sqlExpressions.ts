import { escapeIdentifier } from "pg";
import { SqlFragment, type Variables } from "../database/sqlTemplate";
import { foreignText, foreignValue, isForeign } from "../trail/foreignTypes";
import { addedColumns, PARTITION_COLUMN } from "../trail/headerColumns";
import { trailNames } from "../trail/names";
import type { TableDefinition } from "../trail/tableDefinition";

/**
 * What the scripts that read a table row by row or by ranges of keys (as `t`) need: `key` its columns, `row_key` the JSON
 * that the log has, `lower`, `upper` and `candidate` the keys in $1, $2 and $3, and `same_row` the row of `k.row_key` or
 * `o.row_key`.
 *
 * A key is what DMS makes of it everywhere but in the source's own table, which may have infinite times where the key's
 * are finite. No bound there comes before the row that it was made of: the ranges would not end.
 */
export function keyVariables(
    definition: TableDefinition,
    from: "source" | "staging",
    rowKey: "k" | "o" = "k",
): Variables & { readonly same_row: SqlFragment } {
    const { schema } = definition;
    const table = from === "source" ? definition.table : trailNames(definition).staging;
    const mayBeInfinite = new Set(
        from === "source" ? definition.primaryKey.filter(isTime(definition)) : [],
    );
    const foreign = new Set(from === "source" ? foreignColumns(definition) : []);
    const list = (
        template: string,
        ofTime = template,
        ofForeign = template,
        separator = ", ",
    ): SqlFragment => {
        const parts = definition.primaryKey.map((column) => ({
            part: SqlFragment.each(
                mayBeInfinite.has(column) ? ofTime : foreign.has(column) ? ofForeign : template,
                [{ column, type: SqlFragment.type(typeOf(definition, column, from)) }],
            ),
        }));
        return SqlFragment.each(":part", parts, separator);
    };
    // Not by the table's own row type: a domain's conditions would run as whoever reads.
    const populated = (json: string): string => `CAST(${json} ->> :'column' AS :type)`;
    const bound = (json: string): SqlFragment =>
        list(populated(json), infiniteTime(populated(json), [LAST]), foreignValue(json));
    const key = `${rowKey}.row_key`;
    const same = populated(key);
    return {
        schema,
        table,
        key: list('t.:"column"'),
        row_key: SqlFragment.each("jsonb_build_object(:pairs)", [
            {
                pairs: list(
                    `:'column', t.:"column"`,
                    `:'column', ${finiteTime("column")}`,
                    `:'column', ${foreignText("column")}`,
                ),
            },
        ]),
        lower: bound("$1::jsonb"),
        upper: bound("$2::jsonb"),
        candidate: bound("$3::jsonb"),
        same_row: list(
            `t.:"column" = ${same}`,
            `t.:"column" IN (${same}, ${infiniteTime(same, [FIRST, LAST])})`,
            `t.:"column" = ${foreignValue(key)}`,
            " AND ",
        ),
    };
}

/** Where a row's JSON comes from: a table read as `t`, staging with its header columns, or a log row. */
export type RowSource = "source" | "staging" | "log";

/** A value of a json column: null where it cannot be jsonb as it is, because jsonb refuses some of what json takes. */
const IS_NO_JSONB = "(:text) ~ :'unholdable'";

/**
 * What jsonb refuses of a valid json text: the character zero, halves of surrogate pairs, and numbers that no numeric
 * holds. https://www.postgresql.org/docs/current/datatype-json.html
 */
const UNHOLDABLE = [
    String.raw`(?<!\\)(\\\\)*\\u0000`,
    String.raw`(?<!\\)\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])`,
    String.raw`(?<!\\)(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]`,
    String.raw`[0-9][eE][+]?[0-9]{5,}`,
].join("|");

/**
 * A row of `t` as JSON, by the columns that are named. `to_jsonb(t.*)` where that can do: `to_jsonb(t)` would be a column
 * with that name. It fails on a json value that jsonb cannot hold, which is written as a string here.
 *
 * @param columns those that count where the table has columns of the type json; undefined: all of the source's table but
 * {@link foreignColumns}
 */
export function wholeRow(definition: TableDefinition, columns?: readonly string[]): SqlFragment {
    const json = definition.columns.filter(
        ({ name, type }) => /^json(\[\])?$/u.test(type) && (columns?.includes(name) ?? true),
    );
    // What is left out of the trail is not read either.
    const leavesOut = columns === undefined && (definition.excluded ?? []).length > 0;
    const foreign = columns === undefined ? foreignColumns(definition) : [];
    if (json.length === 0 && !leavesOut && foreign.length === 0) {
        return SqlFragment.each("to_jsonb(t.*)", [{}]);
    }
    const safe = json.map(({ name, type }) => {
        const text = type === "json" ? 't.:"name"::text' : `array_to_string(t.:"name", ' ')`;
        return {
            value: SqlFragment.each(
                `jsonb_build_object(:'name', CASE WHEN ${IS_NO_JSONB} THEN to_jsonb(t.:"name"::text) ELSE to_jsonb(t.:"name") END)`,
                [{ name, text: SqlFragment.each(text, [{ name }]), unholdable: UNHOLDABLE }],
            ),
        };
    });
    const others = (columns ?? definition.columns.map(({ name }) => name))
        .filter((name) => !json.some((one) => one.name === name) && !foreign.includes(name))
        .map((name) => ({ name }));
    return SqlFragment.each("((SELECT to_jsonb(r.*) FROM (SELECT :others) AS r) :safe)", [
        {
            others: SqlFragment.each('t.:"name"', others, ", "),
            safe: SqlFragment.each("|| :value", safe, " "),
        },
    ]);
}

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
    definition: TableDefinition,
    stagingColumns: readonly string[],
): SqlFragment {
    const names = new Set(definition.columns.map(({ name }) => name));
    const known = new Set(stagingColumns);
    const added = addedColumns(definition);
    const headers = new Set(added);
    const gone = stagingColumns.filter((name) => !names.has(name) && !headers.has(name));
    const left = { source: [], staging: [...added, ...gone], log: gone }[from];
    const missing = from === "log" ? [...names] : [...names].filter((name) => !known.has(name));
    const row =
        from === "log"
            ? SqlFragment.each("l.new_row_data", [{}])
            : wholeRow(definition, from === "source" ? undefined : stagingColumns);
    let image = row;
    if (left.length > 0) {
        image = SqlFragment.each("(:image - ARRAY[:left])", [
            { image, left: SqlFragment.literals(left) },
        ]);
    }
    if (from !== "source" && missing.length > 0) {
        const nulls = JSON.stringify(Object.fromEntries(missing.map((name) => [name, null])));
        // The audit side need not have a type that somebody has made at the source.
        const unknown = new Set(foreignColumns(definition));
        const defaults = definition.columns.flatMap(({ name, type, missing: value }) =>
            value !== undefined && missing.includes(name)
                ? [{ name, value, type: SqlFragment.type(unknown.has(name) ? "text" : type) }]
                : [],
        );
        const defaulted = SqlFragment.each(
            "|| jsonb_build_object(:'name', CAST(:'value' AS :type)) ",
            defaults,
            "",
        );
        image = SqlFragment.each("(CAST(:'nulls' AS jsonb) :added|| :image)", [
            { nulls, added: defaulted, image },
        ]);
    }
    const foreign = new Set(from === "source" ? foreignColumns(definition) : []);
    const rewritten = definition.columns.flatMap(({ name, type, sourceType }) => {
        if (foreign.has(name)) {
            return [
                SqlFragment.each(`jsonb_build_object(:'name', ${foreignText("name")})`, [{ name }]),
            ];
        }
        if (type === "numeric" || sourceType === "numeric") {
            return [SqlFragment.each(TRIMMED, [{ name, row }])];
        }
        if (from === "source" && sourceType !== undefined && type === "text") {
            return [SqlFragment.each(AS_TEXT, [{ name }])];
        }
        return from === "source" && TIME.test(type)
            ? [SqlFragment.each(`jsonb_build_object(:'name', ${finiteTime("name")})`, [{ name }])]
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

/** Of an array or a composite type, which is no text in JSON by itself. */
const AS_TEXT = `jsonb_build_object(:'name', CAST(t.:"name" AS text))`;

const TRIMMED = "jsonb_build_object(:'name', trim_scale((:row ->> :'name')::numeric))";

/** The columns with types that are not PostgreSQL's own, by name. */
function foreignColumns({ columns }: TableDefinition): string[] {
    return columns.filter(isForeign).map(({ name }) => name);
}

/** The types that have infinite values which DMS cannot carry. */
const TIME = /^(date|timestamp)[^[]*$/u;

function isTime(definition: TableDefinition): (column: string) => boolean {
    return (column) => TIME.test(typeOf(definition, column));
}

function typeOf(
    { columns }: TableDefinition,
    column: string,
    from: "source" | "staging" = "staging",
): string {
    const found = columns.find(({ name }) => name === column);
    return (from === "source" ? found?.sourceType : undefined) ?? found?.type ?? "text";
}

/** An infinite time and what DMS writes for it, docs/types.md. */
const FIRST = { infinite: "'-infinity'", finite: "'4713-01-01 00:00:00+00 BC'" } as const;
const LAST = { infinite: "'infinity'", finite: "'9999-12-31 23:59:59+00'" } as const;

/** A column of `t`, named by a template's variable, as DMS writes it. */
function finiteTime(variable: string): string {
    const column = `t.:"${variable}"`;
    const cases = [FIRST, LAST].map((one) => `WHEN ${one.infinite} THEN ${one.finite}`);
    return `CASE ${column} ${cases.join(" ")} ELSE ${column} END`;
}

/** A time that DMS wrote, as what it may have been. */
function infiniteTime(value: string, times: readonly (typeof FIRST | typeof LAST)[]): string {
    const cases = times.map((one) => `WHEN ${one.finite} THEN ${one.infinite}`);
    return `CASE ${value} ${cases.join(" ")} ELSE ${value} END`;
}

/**
 * What the scripts that find a staging row (as `t`) by its log rows (as `l`, or of one key as `o`) need to look into one
 * partition of staging and not into all: the trail of a partitioned table says in both which one a row is in.
 */
export function partitionVariables({ partitions }: TableDefinition): Variables {
    const only = (text: string, otherwise: string): SqlFragment =>
        SqlFragment.each(partitions === undefined ? otherwise : text, [{}]);
    return {
        only_partition: only(
            "CASE WHEN count(l.source_partition) OVER w = count(*) OVER w " +
                "AND min(l.source_partition) OVER w = max(l.source_partition) OVER w THEN l.source_partition END",
            "CAST(NULL AS text)",
        ),
        is_partitioned: SqlFragment.boolean(partitions !== undefined),
        in_partition: only(`t.${escapeIdentifier(PARTITION_COLUMN)} = o.only_partition`, "false"),
        same_partition: only(
            `l.source_partition = t.${escapeIdentifier(PARTITION_COLUMN)}`,
            "true",
        ),
        no_partition: only("l.source_partition IS NULL", "true"),
    };
}

/** The columns of staging that are none of the source's, as an SQL array. */
export function headerArray(definition: TableDefinition): SqlFragment {
    return SqlFragment.each("ARRAY[:names]", [
        { names: SqlFragment.literals(addedColumns(definition)) },
    ]);
}

/** What the scripts on a table's log need. */
export function logVariables(definition: TableDefinition): Variables {
    const { auditLog, staging, tombstone } = trailNames(definition);
    const { schema } = definition;
    return { schema, audit_log: auditLog, staging, tombstone };
}
