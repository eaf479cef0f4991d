import { SqlFragment } from "../database/sqlTemplate";
import { isForeign } from "../trail/foreignTypes";
import type { TableDefinition } from "../trail/tableDefinition";

/** A column with values that two rows of JSON cannot tell apart. */
export interface InexactColumn {
    readonly name: string;
    /** What `jsonb`, and so the log, cannot tell apart: "-0 from 0". */
    readonly what: string;
    /** The text by which a value of `t` differs from those that JSON takes for the same. */
    readonly told: SqlFragment;
    /** Whether a row of `t` has a value that the log holds as another one. */
    readonly isBlurred: SqlFragment;
}

/** A column with its type as `format_type()` writes it. */
export interface TypedColumn {
    readonly name: string;
    readonly type: string;
}

/** For templates with the variable `name`. */
interface Blur {
    readonly what: string;
    readonly told: string;
    readonly isBlurred: string;
}

const ZERO: Blur = {
    what: "-0 from 0",
    told: `CASE WHEN t.:"name" = 0 THEN t.:"name"::text END`,
    isBlurred: `(t.:"name" = 0 AND t.:"name"::text = '-0')`,
};

function nullOf(type: string): Blur {
    const kind = `${type}_typeof(t.:"name")`;
    return {
        what: `the ${type} value null from SQL NULL`,
        told: `CASE WHEN ${kind} = 'null' THEN 'null' END`,
        isBlurred: `(${kind} = 'null')`,
    };
}

const BOUNDS: Blur = {
    what: "an array's bounds",
    told: `array_dims(t.:"name")`,
    isBlurred: String.raw`(array_dims(t.:"name") !~ '^(\[1:\d+\])+$')`,
};

const ZEROS: Blur = {
    what: "-0 from 0 within an array",
    // Without the bounds, which are told by themselves.
    told: `ARRAY(SELECT e.item::text FROM unnest(t.:"name") AS e (item))::text`,
    isBlurred: `('-0' = ANY (t.:"name"::text[]))`,
};

function nullsOf(type: string): Blur {
    const kinds = `ARRAY(SELECT ${type}_typeof(e.item) FROM unnest(t.:"name") AS e (item))`;
    return {
        what: `the ${type} value null from SQL NULL within an array`,
        told: `${kinds}::text`,
        isBlurred: `('null' = ANY (${kinds}))`,
    };
}

/**
 * How values of a type differ where `jsonb` has one for both. The types of geometry, of intervals and so on are text in JSON
 * and lose nothing.
 * https://www.postgresql.org/docs/current/functions-json.html
 */
function blursOf(type: string): readonly Blur[] {
    const element = type.replace(/\[\]$/u, "");
    const isArray = element !== type;
    const bounds = isArray ? [BOUNDS] : [];
    switch (element) {
        case "real":
        case "double precision":
            return [...bounds, isArray ? ZEROS : ZERO];
        case "json":
        case "jsonb":
            return [...bounds, isArray ? nullsOf(element) : nullOf(element)];
        default:
            return bounds;
    }
}

/**
 * The columns of a table of which rows can differ where their JSON does not, as often as there are ways to. What is carried as
 * text, or has a type that somebody has made, is text in JSON too.
 *
 * @param staging the columns of staging: one that it does not have, or has with another type, is not compared like this
 */
export function inexactColumns(
    { columns }: TableDefinition,
    staging: readonly TypedColumn[],
): InexactColumn[] {
    const types = new Map(staging.map(({ name, type }) => [name, type]));
    return columns
        .filter(
            (column) =>
                column.sourceType === undefined &&
                !isForeign(column) &&
                types.get(column.name) === column.type,
        )
        .flatMap(({ name, type }) =>
            blursOf(type).map(({ what, told, isBlurred }) => ({
                name,
                what,
                told: SqlFragment.each(told, [{ name }]),
                isBlurred: SqlFragment.each(isBlurred, [{ name }]),
            })),
        );
}

/** What a row of `t` has besides its JSON, as an array of texts in the order of the columns. */
export function toldApart(columns: readonly InexactColumn[]): SqlFragment {
    const told = columns.map((column) => ({ told: column.told }));
    return SqlFragment.each("CAST(ARRAY[:texts] AS text[])", [
        { texts: SqlFragment.each(":told", told, ", ") },
    ]);
}

/** How many rows of `t` have such a value, column by column, as an array of texts. */
export function blurredCounts(columns: readonly InexactColumn[]): SqlFragment {
    const counts = columns.map(({ isBlurred }) => ({ isBlurred }));
    return SqlFragment.each("CAST(ARRAY[:counts] AS text[])", [
        { counts: SqlFragment.each("count(*) FILTER (WHERE :isBlurred)", counts, ", ") },
    ]);
}

/** The text of a row that is hashed: its JSON, and what that does not tell. */
export function exactText(image: SqlFragment, columns: readonly InexactColumn[]): SqlFragment {
    const text = SqlFragment.each("(:image)::text", [{ image }]);
    return columns.length === 0
        ? text
        : SqlFragment.each("(:text || (:told)::text)", [{ text, told: toldApart(columns) }]);
}

/** Collects, over the ranges of a table, how many rows have values that the log holds as others. */
export class BlurredValues {
    private readonly counts: bigint[];

    constructor(private readonly columns: readonly InexactColumn[]) {
        this.counts = columns.map(() => 0n);
    }

    /** @param counts of one range, as {@link blurredCounts} has them */
    add(counts: readonly string[]): void {
        counts.forEach((count, at) => {
            this.counts[at] = (this.counts[at] ?? 0n) + BigInt(count);
        });
    }

    get lines(): string[] {
        return this.columns.flatMap(({ name, what }, at) => {
            const count = this.counts[at] ?? 0n;
            const rows = count === 1n ? "1 row has" : `${count} rows have`;
            return count === 0n
                ? []
                : [`the log cannot tell ${what}: in the column ${name}, ${rows} such a value`];
        });
    }
}

/** What is noted of a row whose staging row has another value than the source, which the log holds alike. */
export function blurredDifference({ name, what }: InexactColumn): string {
    return `staging has another value than the source in the column ${name}, and the log cannot tell ${what}`;
}
