import { type Client, escapeIdentifier } from "pg";
import { HEADER_COLUMNS } from "../../trail/headerColumns";
import { trailNames } from "../../trail/names";
import type { TableName } from "../../trail/tableDefinition";
import type { LogRow, TableState } from "./oracle";

/** A row of a log as it is. */
export interface StoredRow extends LogRow {
    readonly transaction: string;
    readonly sequence: string;
}

/** A table's log in its order; a large column that came in a transaction of its own is a part of the change before it. */
export async function readLog(audit: Client, table: TableName): Promise<StoredRow[]> {
    const { rows } = await audit.query<StoredRow & { readonly completes: boolean }>(
        `SELECT operation, row_key::text AS row, old_row_data::text AS before, new_row_data::text AS after,
                to_char(commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS at,
                stream_position AS transaction, change_seq AS sequence,
                coalesce('completes large column' = ANY (remarks), false) AS completes
            FROM ${name(table, trailNames(table).auditLog)} ORDER BY audit_id`,
    );
    const changes: StoredRow[] = [];
    for (const { completes, ...row } of rows) {
        const at = completes ? changes.findLastIndex((one) => one.row === row.row) : -1;
        const first = changes[at];
        if (first === undefined) {
            changes.push(row);
        } else {
            changes[at] = { ...first, after: row.after };
        }
    }
    return changes;
}

/** The remarks on a log's rows, in the log's order. */
export async function readRemarks(audit: Client, table: TableName): Promise<string[][]> {
    const { rows } = await audit.query<{ remarks: string[] | null }>(
        `SELECT to_jsonb(l.*) -> 'remarks' AS remarks FROM ${name(table, trailNames(table).auditLog)} AS l ORDER BY audit_id`,
    );
    return rows.map(({ remarks }) => remarks ?? []);
}

/** The rows of staging, without the columns of DMS; the keys' values stand for the key. */
export async function readStaging(audit: Client, table: TableName): Promise<string[]> {
    const { rows } = await audit.query<{ image: string }>(
        `SELECT (to_jsonb(s.*) - '{${HEADER_COLUMNS.join(",")}}'::text[])::text AS image
            FROM ${name(table, trailNames(table).staging)} AS s ORDER BY 1`,
    );
    return rows.map(({ image }) => image);
}

/** The trail's own answer to what a table looked like. */
export async function readAsOf(audit: Client, table: TableName, at: string): Promise<TableState> {
    const { rows } = await audit.query<{ row: string; image: string }>(
        `SELECT row_key::text AS row, row_data::text AS image
            FROM audit_trail.as_of($1, $2, $3::timestamp AT TIME ZONE 'UTC')`,
        [table.schema, table.table, at],
    );
    return new Map(rows.map(({ row, image }) => [row, image]));
}

/** What DMS's own tables hold has no kind. */
export interface Complaint {
    readonly kind?: string;
}

/** Everything that says that something is wrong: gaps, changes that were not logged, DMS's exceptions and suspensions. */
export async function readComplaints(audit: Client): Promise<Complaint[]> {
    await audit.query("SELECT audit_trail.collect_gaps()");
    const { rows } = await audit.query<{ complaint: Complaint }>(
        `SELECT to_jsonb(g.*) AS complaint FROM audit_trail.known_gap AS g
            UNION ALL SELECT to_jsonb(e.*) FROM awsdms_control.awsdms_apply_exceptions AS e
            UNION ALL SELECT to_jsonb(s.*) FROM awsdms_control.awsdms_suspended_tables AS s`,
    );
    return rows.map(({ complaint }) => complaint);
}

/** A log folded up to a row number (exclusive). */
export function fold(log: readonly LogRow[], end = log.length): TableState {
    const state = new Map<string, string>();
    for (const { row, after } of log.slice(0, end)) {
        if (after === null) {
            state.delete(row);
        } else {
            state.set(row, after);
        }
    }
    return state;
}

function name({ schema }: TableName, table: string): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
}
