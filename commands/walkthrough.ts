import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { PROJECT_ROOT } from "../local/engine/paths";
import { say } from "./shared/command";

/** How long a committed change may take to reach the log before the walk-through gives up, in milliseconds. */
const ARRIVAL_DEADLINE_MS = 30_000;

const POLL_MS = 20;

/** One row of the log, as sql/walkthrough/log.sql selects it. */
interface LogRow {
    readonly audit_id: string;
    readonly operation: string;
    readonly row_key: string;
    readonly old_row_data: string | null;
    readonly new_row_data: string | null;
    readonly commit_timestamp_utc: string;
}

/** One step: its text, the statement that runs on the source, and how its log rows are found. */
interface Step {
    readonly title: string;
    readonly file: string;
    readonly operation: "I" | "U" | "D";
    /** The items that it changes, each once. */
    readonly items: readonly number[];
}

const STEPS: readonly Step[] = [
    {
        title: "Insert five items at the source",
        file: "insert_items.sql",
        operation: "I",
        items: [1, 2, 3, 4, 5],
    },
    { title: "Delete the third item", file: "delete_item.sql", operation: "D", items: [3] },
    {
        title: "Set the keyboard's price to 29.95",
        file: "update_price.sql",
        operation: "U",
        items: [2],
    },
];

function sql(file: string): string {
    return readFileSync(path.join(PROJECT_ROOT, "sql", "walkthrough", file), "utf8");
}

/** The statement of a file without its comment lines, as it is shown. */
function shown(file: string): string {
    const lines = sql(file).split("\n");
    return lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n  ");
}

/** The log rows of a step that have arrived so far, and no other rows, however long the log is. */
async function logRows(audit: Client, { operation, items }: Step): Promise<LogRow[]> {
    const keys = items.map((item) => JSON.stringify({ item_id: item }));
    return (await audit.query<LogRow>(sql("log.sql"), [operation, keys, items.length])).rows;
}

/** Waits until the rows of a step are in the log. */
async function arrived(audit: Client, step: Step, interruption: AbortSignal): Promise<LogRow[]> {
    const deadline = Date.now() + ARRIVAL_DEADLINE_MS;
    for (;;) {
        const rows = await logRows(audit, step);
        if (rows.length >= step.items.length) {
            return rows;
        }
        interruption.throwIfAborted();
        if (Date.now() > deadline) {
            throw new Error(
                `The change "${step.title}" was committed at the source but is not in items_audit_log after ${String(ARRIVAL_DEADLINE_MS / 1000)} s; look at the task's log ("npm run logs -- task") and run "npm start" again.`,
            );
        }
        await pause(POLL_MS);
    }
}

/** A row of the log in lines that fit a terminal: before (-) and after (+) below each other. */
function shownRow(row: LogRow): string {
    const { audit_id, operation, row_key, old_row_data, new_row_data } = row;
    const lines = [
        `  ${audit_id.padStart(6)}  ${operation}  ${row_key.padEnd(16)}  ${row.commit_timestamp_utc}`,
        ...(old_row_data === null ? [] : [`             - ${old_row_data}`]),
        ...(new_row_data === null ? [] : [`             + ${new_row_data}`]),
    ];
    return lines.join("\n");
}

function shownRows(rows: readonly LogRow[]): string {
    const heading =
        "  audit_id  operation  row_key  commit time (UTC);  - row before  + row after\n";
    return [heading, ...rows.map(shownRow)].join("\n");
}

/** Runs a step in one transaction and returns its commit time as the source itself keeps it. */
async function commitAtSource(source: Client, step: Step): Promise<string> {
    await source.query("BEGIN");
    await source.query(sql(step.file));
    const { rows } = await source.query<{ xid: string }>(
        "SELECT pg_current_xact_id()::xid::text AS xid",
    );
    await source.query("COMMIT");
    const time = await source.query<{ committed: string }>(sql("commit_time.sql"), [rows[0]?.xid]);
    return time.rows[0]?.committed ?? "unknown (track_commit_timestamp is off)";
}

/**
 * The walk-through on the running stack shows each step's statement, its rows in the log, and the commit time in
 * the log beside the source's own. A step whose rows are in the log already is one line, and is not run again.
 */
export async function walkThrough(
    source: Client,
    audit: Client,
    interruption: AbortSignal,
): Promise<void> {
    for (const [index, step] of STEPS.entries()) {
        interruption.throwIfAborted();
        const heading = `Step ${String(index + 1)}: ${step.title}`;
        const before = await logRows(audit, step);
        if (before.length >= step.items.length) {
            const ids = [...new Set([before[0]?.audit_id, before.at(-1)?.audit_id])].join(" to ");
            say(`${heading} (done before: audit_id ${ids})`);
            continue;
        }
        say(`\n${heading}\n\n  ${shown(step.file)}\n`);
        const committed = await commitAtSource(source, step);
        const rows = await arrived(audit, step, interruption);
        say(shownRows(rows));
        const logged = rows.at(-1)?.commit_timestamp_utc ?? "";
        const verdict = logged === committed ? "the same to the microsecond" : "DIFFERENT";
        say(`\n  commit time in the log              ${logged}`);
        say(`  pg_xact_commit_timestamp at source  ${committed}`);
        say(`  ${verdict}`);
    }
}
