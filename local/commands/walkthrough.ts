import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import { PROJECT_ROOT } from "../engine/paths";
import { say } from "./command";
import { textTable } from "./table";

/** How long a committed change may take to reach the log before the walk-through gives up, in milliseconds. */
const ARRIVAL_DEADLINE_MS = 30_000;

const LOG_COLUMNS = [
    "audit_id",
    "operation",
    "row_key",
    "old_row_data",
    "new_row_data",
    "commit_timestamp_utc",
];

/** One row of the log, as sql/walkthrough/log.sql selects it. */
interface LogRow {
    readonly audit_id: string;
    readonly operation: string;
    readonly row_key: { readonly item_id: number };
    readonly commit_timestamp_utc: string;
    readonly [column: string]: unknown;
}

/** One step: what is told, what is run on the source, and how its rows in the log are known. */
interface Step {
    readonly title: string;
    readonly file: string;
    isResult(row: LogRow): boolean;
    readonly expected: number;
}

const STEPS: readonly Step[] = [
    {
        title: "Insert five items at the source",
        file: "insert_items.sql",
        isResult: (row) => row.operation === "I" && row.row_key.item_id <= 5,
        expected: 5,
    },
    {
        title: "Delete the third item",
        file: "delete_item.sql",
        isResult: (row) => row.operation === "D" && row.row_key.item_id === 3,
        expected: 1,
    },
    {
        title: "Set the keyboard's price to 29.95",
        file: "update_price.sql",
        isResult: (row) => row.operation === "U" && row.row_key.item_id === 2,
        expected: 1,
    },
];

function sql(file: string): string {
    return fs.readFileSync(path.join(PROJECT_ROOT, "sql", "walkthrough", file), "utf8");
}

/** The statement of a file without its comment lines, as it is shown. */
function shown(file: string): string {
    const lines = sql(file).split("\n");
    return lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n  ");
}

async function logRows(audit: Client): Promise<LogRow[]> {
    return (await audit.query<LogRow>(sql("log.sql"))).rows;
}

/** Waits until the rows of a step are in the log. */
async function arrived(audit: Client, step: Step): Promise<LogRow[]> {
    const deadline = Date.now() + ARRIVAL_DEADLINE_MS;
    for (;;) {
        const rows = (await logRows(audit)).filter((row) => step.isResult(row));
        if (rows.length >= step.expected) {
            return rows;
        }
        if (Date.now() > deadline) {
            throw new Error(
                `The change "${step.title}" was committed at the source but is not in items_audit_log after ${String(ARRIVAL_DEADLINE_MS / 1000)} s; look at the task's log below .local/local/tasks/ and run "npm start" again.`,
            );
        }
        await pause(20);
    }
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
 * The article's walk-through on the running stack: each step's statement, its rows in the log, and the commit time in
 * the log beside the source's own. A step whose rows are in the log already is shown, not run again.
 */
export async function walkThrough(source: Client, audit: Client): Promise<void> {
    for (const [index, step] of STEPS.entries()) {
        say(`\nStep ${String(index + 1)}: ${step.title}`);
        const before = (await logRows(audit)).filter((row) => step.isResult(row));
        if (before.length >= step.expected) {
            say("  (done in an earlier run; its rows in the log:)\n");
            say(textTable(LOG_COLUMNS, before));
            continue;
        }
        say(`\n  ${shown(step.file)}\n`);
        const committed = await commitAtSource(source, step);
        const rows = await arrived(audit, step);
        say(textTable(LOG_COLUMNS, rows));
        const logged = rows.at(-1)?.commit_timestamp_utc ?? "";
        const verdict = logged === committed ? "the same to the microsecond" : "DIFFERENT";
        say(`\n  commit time in the log                    ${logged}`);
        say(`  pg_xact_commit_timestamp at the source    ${committed}   ${verdict}`);
    }
}
