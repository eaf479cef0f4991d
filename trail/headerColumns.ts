import type { TableDefinition } from "./tableDefinition";

/**
 * What the names of all columns begin with that staging has beside the source's. No column of an audited table may begin
 * with it, one that nothing is called today neither: a later version of the trail may need a further column, and must not
 * find that name taken in a table which has been audited for years.
 */
export const RESERVED_PREFIX = "audit_trail_";

/** True of a name that is the trail's own; in whatever case, because DMS may not heed it. */
export function isReserved(column: string): boolean {
    return column.toLowerCase().startsWith(RESERVED_PREFIX);
}

/** A column that DMS adds to every staging row: how the mapping asks for it, and what staging holds it in. */
export interface HeaderColumn {
    /** Of staging's column; the log's, which has rows of the source as jsonb, is called the same without the prefix. */
    readonly name: string;
    /** The expression of the mapping's add-column rule. */
    readonly expression: string;
    /** The data type that the mapping asks DMS for. */
    readonly dataType: Readonly<Record<string, string | number>>;
    /** The staging column's type, as `format_type()` writes it. */
    readonly stagingType: string;
    /**
     * True of a header that the log takes over as DMS gave it, in a column of the same type, named without the prefix. The other
     * headers decide what a change is: sql/audit/log_change.sql makes the log's columns out of them.
     */
    readonly isCarried?: boolean;
}

/** A column of the log that takes over a column of staging as it is. It is NULL in rows from before it came. */
export interface CarriedColumn {
    /** Its name in staging. */
    readonly staging: string;
    /** Its name in the log. */
    readonly log: string;
    /** The log column's type. */
    readonly type: string;
}

/**
 * The header columns, in the order of the staging table's columns: mapping, staging, the log, its function and verify take
 * them from here.
 *
 * `operation_indicator` takes its values for delete, update and insert in this order, and turns a delete into an update
 * of the target row. Commit times need an explicit precision: without it DMS takes a scale of 7, which PostgreSQL
 * targets store as text. There is no documented header for the source's transaction id; the stream position is another
 * one for each change.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Expressions.html
 */
export const HEADERS: readonly HeaderColumn[] = [
    {
        name: `${RESERVED_PREFIX}operation`,
        expression: "operation_indicator('D', 'U', 'I')",
        dataType: { type: "string", length: 50 },
        stagingType: "character varying(50)",
    },
    {
        name: `${RESERVED_PREFIX}commit_timestamp`,
        expression: "$AR_H_COMMIT_TIMESTAMP",
        dataType: { type: "datetime", precision: 6 },
        stagingType: "timestamp(6) without time zone",
    },
    {
        name: `${RESERVED_PREFIX}stream_position`,
        expression: "$AR_H_STREAM_POSITION",
        dataType: { type: "string", length: 50 },
        stagingType: "character varying(50)",
    },
    {
        name: `${RESERVED_PREFIX}change_seq`,
        expression: "$AR_H_CHANGE_SEQ",
        dataType: { type: "string", length: 50 },
        stagingType: "character varying(50)",
    },
];

/** Their names. */
export const HEADER_COLUMNS: readonly string[] = HEADERS.map(({ name }) => name);

/**
 * The column of a partitioned table's staging that says which partition of the source a row is in, and by which staging is
 * partitioned itself: DMS writes one table for each partition, whose default it is, and knows nothing of it.
 */
export const PARTITION_COLUMN = `${RESERVED_PREFIX}partition`;

/** The columns of a table's staging that are no columns of the source. */
export function addedColumns({
    partitions,
}: Pick<TableDefinition, "partitions">): readonly string[] {
    return partitions === undefined ? HEADER_COLUMNS : [...HEADER_COLUMNS, PARTITION_COLUMN];
}

/** The columns that a log takes over from its staging: the partition, of a partitioned table, and the carried headers. */
export function carriedColumns({
    partitions,
}: Pick<TableDefinition, "partitions">): CarriedColumn[] {
    return partitions === undefined ? carriedHeaders() : carriedByAnyLog();
}

/** The columns that the log of any table may take over. */
export function carriedByAnyLog(): CarriedColumn[] {
    return [
        { staging: PARTITION_COLUMN, log: "source_partition", type: "text" },
        ...carriedHeaders(),
    ];
}

/** The headers that every log takes over. */
export function carriedHeaders(): CarriedColumn[] {
    return HEADERS.filter(({ isCarried }) => isCarried === true).map(({ name, stagingType }) => ({
        staging: name,
        log: name.slice(RESERVED_PREFIX.length),
        type: stagingType,
    }));
}
