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
 * The hash of all that a row of a log, `l`, says, but for the number of its transaction. Rows that were counted before must keep
 * it: otherwise verify calls them altered.
 *
 * @param carried what {@link carriedText} has of the log's columns
 */
export function logRowHash(carried: SqlFragment): SqlFragment {
    return SqlFragment.each(LOG_ROW_HASH, [{ carried }]);
}

const LOG_ROW_HASH = `hashtextextended(
            l.stream_position || l.change_seq || CASE WHEN l.remarks IS NULL THEN '' ELSE l.remarks::text END:carried,
            hashfloat8extended(
                date_part('epoch', l.commit_timestamp),
                hashfloat8extended(
                    date_part('epoch', l.recorded_at),
                    jsonb_hash_extended(
                        coalesce(l.new_row_data, 'null'),
                        jsonb_hash_extended(
                            coalesce(l.old_row_data, 'null'),
                            jsonb_hash_extended(
                                l.row_key,
                                hashint8extended(
                                    coalesce(l.transaction_id, 0), hashcharextended(l.operation::"char", l.audit_id)
                                )
                            )
                        )
                    )
                )
            )
        )`;

/** What sql/audit/count_log.sql needs: the hash with a place for the carried columns, and the text of each of these. */
export function countedColumns(columns: readonly CarriedColumn[]): Variables {
    const texts = columns.map((column, at) => ({
        at: SqlFragment.integer(at),
        log: column.log,
        text: carriedText([column]).sql,
    }));
    return {
        row_hash: logRowHash(SqlFragment.each("%s", [{}])).sql,
        carried: SqlFragment.each("(:at, :'log', :'text')", texts, ", "),
    };
}

/**
 * What {@link logRowHash} adds to the text that a row's hash is made of: nothing where the value is NULL, so that rows
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
