import { type Client, escapeIdentifier } from "pg";
import { until } from "../../../testing/until";
import { trailNames } from "../../../trail/names";
import type { TableName } from "../../../trail/tableDefinition";

/** One row of an audit log. */
export interface LogEntry {
    readonly audit_id: string;
    readonly operation: string;
    readonly row_key: Readonly<Record<string, unknown>>;
    readonly old_row_data: Readonly<Record<string, unknown>> | null;
    readonly new_row_data: Readonly<Record<string, unknown>> | null;
    /** UTC, to the microsecond. */
    readonly committed: string;
}

export const ITEMS: TableName = { schema: "public", table: "items" };

/** How long a committed change may take into the log, in milliseconds; generous, for a busy machine. */
const ARRIVAL_MS = 60_000;

/** A table's log, oldest change first. */
export async function logOf(audit: Client, table: TableName): Promise<LogEntry[]> {
    const log = `${escapeIdentifier(table.schema)}.${escapeIdentifier(trailNames(table).auditLog)}`;
    const { rows } = await audit.query<LogEntry>(
        `SELECT audit_id, operation, row_key, old_row_data, new_row_data,
                to_char(commit_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS committed
         FROM ${log} ORDER BY audit_id`,
    );
    return rows;
}

/** Waits for the entries that `isMeant` picks; resolves once there are `count` of them. */
export async function arrival(
    audit: Client,
    table: TableName,
    isMeant: (entry: LogEntry) => boolean,
    count = 1,
): Promise<LogEntry[]> {
    let entries: LogEntry[] = [];
    await until(async () => {
        entries = (await logOf(audit, table)).filter(isMeant);
        return entries.length >= count;
    }, ARRIVAL_MS);
    return entries;
}
