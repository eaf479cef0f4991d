import { setTimeout as pause } from "node:timers/promises";
import { renderSql } from "../database/sqlTemplate";
import { formatTableName } from "../trail/names";
import type { Query } from "./readFacts";
import type { TableFacts } from "./sourceFacts";

const DAY_SECONDS = 86_400;

/** What a full load is assumed to carry, in bytes per second; nobody has measured it on AWS. */
export const LOAD_BYTES_PER_SECOND = 10 * 1024 * 1024;

/** What a log row is assumed to have beside its images: its header, its key and its index entries, in bytes. */
const LOG_ROW_BYTES = 300;

/** How much larger than the row an image of it is assumed to be: it is jsonb, which repeats the columns' names. */
const IMAGE_FACTOR = 2;

/** A table's size, and what a load of it takes: estimates. */
export interface TableVolume {
    readonly table: string;
    readonly rows: number;
    readonly bytes: number;
    /** Mean since the statistics began. */
    readonly changesPerDay: number;
    readonly loadSeconds: number;
    /** What the log grows by. */
    readonly logBytesPerDay: number;
}

/** What the source writes and what the trail adds: estimates from counters of the server, in bytes. */
export interface Volume {
    readonly tables: readonly TableVolume[];
    /** The mean of the whole server since its statistics began; undefined where it has no statistics. */
    readonly walBytesPerDay: number | undefined;
    /** The same during the look. */
    readonly walBytesPerDayNow: number;
    /** How old the statistics are, in seconds. */
    readonly statisticsSeconds: number;
}

interface WalRow {
    readonly position: string;
    readonly bytes_since: string | null;
    readonly total_bytes: string | null;
    readonly wal_seconds: number | null;
    readonly table_seconds: number | null;
}

/**
 * Measures what the source writes, and estimates from it.
 *
 * @param windowMs how long the look at the WAL takes
 */
export async function readVolume(
    query: Query,
    tables: readonly TableFacts[],
    windowMs: number,
): Promise<Volume> {
    const { sql } = renderSql("sql/source/preflight/wal.sql");
    const [first] = await query<WalRow>(sql, [null]);
    await pause(windowMs);
    const [last] = await query<WalRow>(sql, [first?.position ?? null]);
    const seconds = last?.table_seconds ?? 0;
    const walSeconds = last?.wal_seconds ?? 0;
    const total = Number(last?.total_bytes ?? 0);
    return {
        tables: tables.map((table) => tableVolume(table, seconds)),
        walBytesPerDay:
            total > 0 && walSeconds > 0 ? (total / walSeconds) * DAY_SECONDS : undefined,
        walBytesPerDayNow: (Number(last?.bytes_since ?? 0) / windowMs) * 1000 * DAY_SECONDS,
        statisticsSeconds: seconds,
    };
}

/** What the counters of one table come to. */
export function tableVolume(facts: TableFacts, seconds: number): TableVolume {
    const [rows, bytes, inserted, updated, deleted] = [
        ...[facts.live_rows, facts.bytes, facts.inserted, facts.updated, facts.deleted],
    ].map(Number) as [number, number, number, number, number];
    const perDay = (count: number): number => (seconds > 0 ? (count / seconds) * DAY_SECONDS : 0);
    const width = rows > 0 ? bytes / rows : 0;
    const changes = inserted + updated + deleted;
    return {
        table: formatTableName(facts),
        rows,
        bytes,
        changesPerDay: perDay(changes),
        loadSeconds: bytes / LOAD_BYTES_PER_SECOND,
        // An update is logged with two images.
        logBytesPerDay: perDay(
            (changes + updated) * width * IMAGE_FACTOR + changes * LOG_ROW_BYTES,
        ),
    };
}
