import type { TableDefinition } from "../trail/tableDefinition";
import type { Database } from "./database";
import type { Found } from "./differences";
import { countScripts } from "./tableScripts";

/** What an earlier verification found in a span of transactions, as `audit_trail.log_count` has it. */
export interface KnownCount {
    readonly count_id: string;
    readonly from_xid: string;
    readonly below_xid: string;
    /** ISO 8601. */
    readonly counted_at: string;
    readonly log_rows: string;
    readonly hash_sum: string;
}

/** What sql/verify/log_count.sql finds in one span of transactions. */
export interface Bucket {
    /** Up to where rows can be counted now; null where transaction numbers have begun again. */
    readonly below_xid: string | null;
    readonly counted_at: string;
    /** Which of the known counts has this span; null where the log is empty. */
    readonly bucket: number | null;
    readonly log_rows: string;
    readonly counted_rows: string;
    readonly hash_sum: string;
    readonly first_change: string | null;
    /** When the span's first row was recorded; null where that is less than an hour ago. */
    readonly waits_since: string | null;
}

/** What there is to know of a log as a whole. */
export interface LogCount {
    readonly logRows: number;
    /** The `audit_id` of the first row that is none of a full load; null where there is none. */
    readonly firstChange: string | null;
    /** What is otherwise than it was counted. */
    readonly differences: readonly Found[];
    /** What is to be known of the rows that could not be counted. */
    readonly notes: readonly string[];
}

/**
 * Counts a log, compares it with what was counted before, and enters what is new.
 *
 * Rows of transactions that had ended when they were counted stay the same for ever: what DMS brings late, what is
 * brought back and what closes a row belongs to a later transaction, whatever its commit time is.
 */
export async function countLog(audit: Database, definition: TableDefinition): Promise<LogCount> {
    const scripts = countScripts(definition);
    const known = await audit.rows<KnownCount>(scripts.known);
    const columns = await audit.rows<{ name: string }>(scripts.columns);
    const buckets = await audit.rows<Bucket>(scripts.count(columns.map(({ name }) => name)), [
        known.map(({ below_xid }) => below_xid),
        known.map(({ counted_at }) => counted_at),
    ]);
    const [first] = buckets;
    const now = buckets.find(({ bucket }) => bucket === known.length);
    const from = known.at(-1)?.below_xid ?? "0";
    if (first?.below_xid && now !== undefined && now.counted_rows !== "0") {
        const { counted_rows, hash_sum, counted_at } = now;
        await audit.rows(scripts.enter, [
            ...[from, first.below_xid, counted_at, counted_rows, hash_sum],
        ]);
    }
    const changes = buckets
        .flatMap(({ first_change: id }) => (id === null ? [] : [BigInt(id)]))
        .sort((a, b) => (a < b ? -1 : 1));
    return {
        logRows: buckets.reduce((sum, { log_rows }) => sum + Number(log_rows), 0),
        firstChange: changes[0]?.toString() ?? null,
        differences: judgeCounts(known, buckets),
        notes: noteUncounted(known, buckets),
    };
}

/**
 * Rows that have waited for more than an hour to be counted. Any transaction that stays open on the server holds the count
 * up, whoever's it is, and what is not counted can be forged.
 */
function noteUncounted(known: readonly KnownCount[], buckets: readonly Bucket[]): string[] {
    return buckets.flatMap(({ below_xid, bucket, log_rows, waits_since }) =>
        bucket === known.length + (below_xid === null ? 0 : 1) && waits_since !== null
            ? [
                  `${log_rows} log rows, the first of them recorded at ${waits_since}, cannot be counted while a transaction on the audit server is open that is older: see pg_stat_activity.backend_xid`,
              ]
            : [],
    );
}

/** See {@link countLog}. */
export function judgeCounts(known: readonly KnownCount[], buckets: readonly Bucket[]): Found[] {
    return known.flatMap((count, at): Found[] => {
        const { count_id, from_xid, counted_at, log_rows, hash_sum } = count;
        const key = `{"count_id": ${count_id}}`;
        const before = known[at - 1];
        const since = before === undefined ? "" : ` after ${before.counted_at} and`;
        if (from_xid !== (before?.below_xid ?? "0")) {
            const detail = `of what was counted up to ${counted_at} a part is missing in the ledger`;
            return [{ key, kind: "a count is missing", detail, evidence: from_xid }];
        }
        const found = buckets.find(({ bucket }) => bucket === at);
        const rows = found?.counted_rows ?? "0";
        const sum = found?.hash_sum ?? "0";
        const evidence = `${rows} ${sum}`;
        const missing = BigInt(log_rows) - BigInt(rows);
        const span = `of ${log_rows} rows counted${since} at ${counted_at}`;
        if (missing > 0) {
            const detail = `${missing} ${span}`;
            return [{ key, kind: "log rows are gone since they were counted", detail, evidence }];
        }
        if (missing < 0) {
            const detail = `${-missing} beside the ${log_rows} counted${since} at ${counted_at}`;
            return [{ key, kind: "log rows among those that were counted", detail, evidence }];
        }
        return sum === hash_sum
            ? []
            : [
                  {
                      key,
                      kind: "log rows are altered since they were counted",
                      detail: `some ${span}`,
                      evidence,
                  },
              ];
    });
}
