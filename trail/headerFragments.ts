import { SqlFragment, type Variables } from "../database/sqlTemplate";
import { type CarriedColumn, HEADER_COLUMNS, PARTITION_COLUMN } from "./headerColumns";

// What scripts in sql/ say about header columns, made from the one list in headerColumns.ts.

/** The names of the columns that staging has beside the source's, as the text of an array. */
export function headerNames(
    names: readonly string[] = [...HEADER_COLUMNS, PARTITION_COLUMN],
): SqlFragment {
    return SqlFragment.literals([`{${names.join(",")}}`]);
}

/** Renders a template for each column, with its two names and its type. */
function eachOf(columns: readonly CarriedColumn[], template: string, separator = ""): SqlFragment {
    return SqlFragment.each(
        template,
        columns.map(({ staging, log, type }) => ({ staging, log, type })),
        separator,
    );
}

/**
 * The ends of the lists of an INSERT into a log: the columns that it takes over from staging, and their values.
 *
 * @param row the variable of the log's function that holds staging's row
 */
export function carriedInsert(
    columns: readonly CarriedColumn[],
    row: "NEW" | "new_row",
): Variables {
    return {
        carried_columns: eachOf(columns, ', :"log"'),
        carried_values: eachOf(columns, `, ${row}.:"staging"`),
    };
}

/** The rows that sql/audit/audit_log.sql adds to its list of columns. */
export function carriedDefinitions(columns: readonly CarriedColumn[]): SqlFragment {
    return eachOf(
        columns,
        ",\n        -- Taken over from staging as it is.\n        (:'log', :'type')",
    );
}

/** The columns as pairs of names, for a list of VALUES. */
export function carriedPairs(columns: readonly CarriedColumn[]): SqlFragment {
    return eachOf(columns, "(:'staging', :'log')", ", ");
}

/** What sql/verify/log_chunk.sql adds: staging's columns by either way, and the question whether they differ from the log's. */
export function carriedComparison(columns: readonly CarriedColumn[]): Variables {
    return {
        carried_staging: eachOf(columns, ',\n            t.:"staging"'),
        carried_found: eachOf(
            columns,
            ',\n        CASE WHEN t.tableoid IS NULL THEN s.:"staging" ELSE t.:"staging" END AS :"staging"',
        ),
        carried_differ: eachOf(
            columns,
            '\n                OR o.:"staging" IS DISTINCT FROM o.:"log"',
        ),
    };
}

/**
 * What sql/verify/log_count.sql adds to the text that a row's hash is made of: nothing where the value is NULL, so that rows
 * from before a column came keep their hashes. The first such column, the partition, has no name before its value; it was
 * alone when the first rows were counted.
 */
export function carriedText(columns: readonly CarriedColumn[]): SqlFragment {
    const named = columns.map(({ staging, log }) => ({
        log,
        label: staging === PARTITION_COLUMN ? " " : ` ${log}: `,
    }));
    return SqlFragment.each(` || coalesce(:'label' || CAST(l.:"log" AS text), '')`, named, "");
}
