import type { TableName } from "./tableDefinition";

/** What the config says of one column: that the trail leaves it out, has its text, or that its values keep to a limit. */
export type ColumnChoice =
    | { readonly kind: "exclude"; readonly reason: string }
    | { readonly kind: "asText" }
    | { readonly kind: "limit"; readonly limit: ColumnLimit };

/** What the values of a column keep to whose type has no limit; a guard at the source refuses others. */
export type ColumnLimit =
    | { readonly type: "numeric"; readonly precision: number; readonly scale: number }
    | { readonly type: "varchar"; readonly length: number };

/** The choices for one table, in the order of the config. */
export interface TableChoices extends TableName {
    readonly columns: readonly { readonly name: string; readonly choice: ColumnChoice }[];
}

/** Why a column is left out when the config does not say. */
export const NO_REASON = "no reason given";

/**
 * What DMS takes a numeric without a limit for: NUMERIC(28,6). A value that fits arrives as the same number, another one is
 * rounded. https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html (limitations).
 */
export const UNBOUNDED_NUMERIC = { precision: 28, scale: 6 } as const;

/**
 * Characters that fit into what DMS keeps of a varchar without a length, 8000 bytes, when each of them takes the four bytes
 * that UTF-8 and UTF-16 need at most. The same page, `unboundedVarcharMaxSize`.
 */
export const UNBOUNDED_VARCHAR_CHARACTERS = 2000;

/** The type, as `format_type()` writes it, that staging has for a column with that limit. */
export function limitedType(limit: ColumnLimit): string {
    return limit.type === "numeric"
        ? `numeric(${limit.precision},${limit.scale})`
        : `character varying(${limit.length})`;
}

/** The choices for a table's columns by their names. */
export function choicesFor(
    all: readonly TableChoices[],
    { schema, table }: TableName,
): ReadonlyMap<string, ColumnChoice> {
    const found = all.find((one) => one.schema === schema && one.table === table);
    return new Map(found?.columns.map(({ name, choice }) => [name, choice]));
}

/** The names of the columns of a table that the trail leaves out, in the order of the config. */
export function excludedColumns(all: readonly TableChoices[], table: TableName): string[] {
    return [...choicesFor(all, table)].flatMap(([name, { kind }]) =>
        kind === "exclude" ? [name] : [],
    );
}

/** The types that DMS's guide carries as text, as `pg_type.typname`, and what staging holds that text in. */
const TEXT_FORMS: Readonly<Record<string, string>> = {
    cidr: "character varying(50)",
    inet: "character varying(50)",
    macaddr: "character varying(18)",
    point: "character varying(255)",
    int4range: "character varying(255)",
    int8range: "character varying(255)",
    tsquery: "text",
    tsvector: "text",
};

/** What {@link textForm} has to know of a column, as sql/source/catalog.sql reads it. */
export interface ColumnType {
    readonly type: string;
    /** `pg_type.typname`, of an array that of its elements. */
    readonly element: string;
    /** `pg_type.typtype` of the same. */
    readonly elementKind: string;
    /** Whether that belongs to `pg_catalog`. */
    readonly builtIn: boolean;
}

/**
 * The type of the staging column that holds a column's text, where DMS's guide says that the text is carried and it is the one
 * that PostgreSQL writes; undefined where there is none. A table of the same page says that most of these types are "not
 * migrated" from PostgreSQL to PostgreSQL, which is why nobody gets this without asking for it; docs/types.md says more.
 *
 * Left out: lseg, box, line, circle, path and polygon, of which the guide shows another text than PostgreSQL's; numrange, whose
 * text may be longer than the 255 characters that DMS keeps; and what the guide does not list.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html (source data types)
 */
export function textForm({ type, element, elementKind, builtIn }: ColumnType): string | undefined {
    const scalar = {
        // A label has at most 63 bytes.
        e: "character varying(64)",
        c: "text",
        b: builtIn ? TEXT_FORMS[element] : undefined,
        r: builtIn ? TEXT_FORMS[element] : undefined,
    }[elementKind];
    return scalar !== undefined && type.endsWith("[]") ? "text" : scalar;
}
