import type { ColumnType } from "./columnChoices";

const TYPE_KINDS: Readonly<Record<string, string>> = {
    c: "composite",
    e: "enum",
    m: "multirange",
    p: "pseudo",
    r: "range",
};

/**
 * PostgreSQL's own types that DMS carries to PostgreSQL, by `pg_type.typname`; docs/types.md says how. Others would
 * arrive empty, changed or not at all, and the log would be wrong without saying so. They are listed by what is
 * carried, so that a type nobody thought of is refused.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
 */
const CARRIED_TYPES = new Set([
    ...["int2", "int4", "int8", "numeric", "float4", "float8", "money", "bool", "uuid"],
    ...["bpchar", "varchar", "text", "bytea", "bit", "varbit", "xml", "json", "jsonb"],
    ...["date", "time", "timestamp", "timestamptz", "interval"],
]);

/** Types of extensions that DMS knows. */
const CARRIED_EXTENSION_TYPES = new Set(["citext", "hstore"]);

/** Types, as `format_type()` writes them, that DMS cuts because nothing says how long they may get. */
export const UNBOUNDED_TYPES: Readonly<
    Record<string, { readonly harm: string; readonly mend: string }>
> = {
    numeric: {
        harm: "rounds to six decimal places",
        mend: "give it a precision and a scale, as in numeric(20,8)",
    },
    "character varying": {
        harm: "cuts at 8000 bytes",
        mend: "give it a length, or make it text",
    },
    bpchar: { harm: "cuts at 8000 bytes", mend: "give it a length, or make it text" },
    "bit varying": { harm: "carries only up to a declared length", mend: "give it one" },
};

/** The limit that the config may declare for such a type, by its word there. */
export const LIMITS: Readonly<Record<string, string>> = {
    numeric: "numeric",
    "character varying": "varchar",
};

/** Types that DMS treats as large objects, next to all arrays. */
export const LARGE_OBJECT_TYPES = new Set("text citext bytea xml json jsonb hstore".split(" "));

/** A column's type in words where DMS does not replicate it. */
export function refusedType(column: ColumnType): string | undefined {
    if (column.elementKind === "d") {
        return column.type.endsWith("[]")
            ? `type ${column.type}, an array of a domain`
            : `domain over the domain ${column.type}`;
    }
    const kind = TYPE_KINDS[column.elementKind];
    if (kind !== undefined) {
        return `${kind} type ${column.type}`;
    }
    const carried = column.builtIn ? CARRIED_TYPES : CARRIED_EXTENSION_TYPES;
    return carried.has(column.element) ? undefined : `type ${column.type}`;
}
