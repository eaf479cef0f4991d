import type { SqlFile } from "./sqlTemplate";

// Bound so that the serialised provider requires it in its own process.
import timers = require("node:timers/promises");
import type pg = require("pg");

/** Files that belong together. */
export interface SqlBatch {
    /** Run in this order in one transaction; each can be run again on its own result. */
    readonly files: readonly SqlFile[];
    /** What the files are about, for messages and for {@link SqlScriptArgs.look}: a table, for example. */
    readonly about?: string;
    /** Runs the files again whenever this text changes, for effects that something else can undo. */
    readonly rerunWhen?: string;
    /** Runs the files whenever another batch of the script runs: what those rely on, and what follows from them. */
    readonly always?: boolean;
}

/** The batch's server and database, for messages, and a second session there. */
export interface BatchPlace {
    readonly host: string;
    readonly database: string;
    /** What a person runs again after a failure, `update` if not given. */
    readonly command?: string;
    /** Hands a session to `work` and closes it afterwards. */
    withSession<T>(work: (client: pg.Client) => Promise<T>): Promise<T>;
}

/** How long a batch waits for the locks of others, in milliseconds. */
export interface LockPatience {
    /** For one lock: whoever comes behind it, DMS above all, waits as long. */
    readonly lock: number;
    /** Until the batch is given up. */
    readonly all: number;
    /** Between two attempts. */
    readonly pause: number;
}

const PATIENCE: LockPatience = { lock: 5_000, all: 120_000, pause: 500 };

/** Waited for before there is a table that could be locked. */
const ADVISORY_LOCK = 0x6175646974; // "audit"

/**
 * All scripts in a database wait for each other: concurrent DDL on one catalog deadlocks. They lock a table of the trail, the
 * schema's version on the audit side and the marker table at the source, in a mode that nobody gets who may not change it,
 * and that holds up neither readers nor writers. An advisory lock is everybody's: it counts only until the table is there. It
 * is no file of sql/, because a destroy runs this code out of the stack's state, where there are no files.
 */
const DEPLOYMENT_LOCK = `DO $lock$
DECLARE
    own_table regclass;
    is_locked boolean := false;
BEGIN
    FOR look IN 1..2 LOOP
        FOR own_table IN
            SELECT c.oid::pg_catalog.regclass
            FROM pg_catalog.unnest(ARRAY['audit_trail.schema_version', 'audit_trail.marker']) AS n (name)
            JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(n.name)
            WHERE c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
            LIMIT 1
        LOOP
            EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', own_table);
            is_locked := true;
        END LOOP;
        EXIT WHEN is_locked OR look = 2;
        PERFORM pg_catalog.pg_advisory_xact_lock(${String(ADVISORY_LOCK)});
    END LOOP;
END
$lock$`;

/** The statements with which a batch begins; it ends with COMMIT. */
export function batchBegin(lockMs = PATIENCE.lock): string[] {
    return ["BEGIN", `SET LOCAL lock_timeout = ${String(lockMs)}`, DEPLOYMENT_LOCK];
}

/** deadlock_detected and lock_not_available: another attempt may well succeed. */
const LOCK_ERRORS = ["40P01", "55P03"];

/** What a PostgreSQL error says. */
interface ErrorFields {
    readonly message?: string;
    readonly position?: string;
    readonly code?: string;
    readonly hint?: string;
}

/** A file that could not be run. */
interface FileFailure {
    readonly file: SqlFile;
    readonly cause: unknown;
    readonly fields: ErrorFields;
}

/**
 * The line of `text` on which the character position of a PostgreSQL error (1-based) lies, and its first words; nothing
 * for an error that has no position.
 */
function statementAt(text: string, position: string | undefined): string {
    if (position === undefined) {
        return "";
    }
    const before = text.slice(0, Math.max(0, Number(position) - 1));
    const line = before.split("\n").length;
    const words = (text.split("\n")[line - 1] ?? "").trim().slice(0, 80);
    return ` at line ${String(line)} ("${words}")`;
}

/** Undefined when all files ran and their effects are there; otherwise nothing has changed. */
async function attempt(
    client: pg.Client,
    { files }: SqlBatch,
    lockMs: number,
): Promise<FileFailure | undefined> {
    const [begin = "", limit = "", lock = ""] = batchBegin(lockMs);
    await client.query(begin);
    await client.query(limit);
    for (const file of [{ file: "the lock of all deployments", sql: lock }, ...files]) {
        try {
            await client.query(file.sql);
        } catch (cause) {
            await client.query("ROLLBACK").catch(() => undefined);
            return { file, cause, fields: cause as ErrorFields };
        }
    }
    await client.query("COMMIT");
    return undefined;
}

const HOLDERS = `
    SELECT DISTINCT a.pid, a.usename AS user, a.application_name AS application, a.state, a.xact_start AS since
    FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS b (pid)
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
    ORDER BY a.pid`;

interface Holder {
    readonly pid: number;
    readonly user: string | null;
    readonly application: string | null;
    readonly state: string | null;
    readonly since: Date | null;
}

function tellHolder({ pid, user, application, state, since }: Holder): string {
    const details = [
        ...(application === null || application === "" ? [] : [`application "${application}"`]),
        ...(since === null ? [] : [`transaction since ${since.toISOString()}`]),
        ...(state === null ? [] : [state]),
    ];
    const told = details.length === 0 ? "" : ` (${details.join(", ")})`;
    return `process ${String(pid)} of user "${user ?? "unknown"}"${told}`;
}

/** Runs `work` in the client's session, and asks from a second one who is in its way; answers the last that were. */
async function watched<T>(
    client: pg.Client,
    place: BatchPlace,
    work: () => Promise<T>,
): Promise<{ readonly result: T; readonly holders: readonly Holder[] }> {
    const { rows } = await client.query<{ pid: number }>(
        "SELECT pg_catalog.pg_backend_pid() AS pid",
    );
    let holders: readonly Holder[] = [];
    let isOver = false;
    const running = work().finally(() => {
        isOver = true;
    });
    await place
        .withSession(async (watcher) => {
            while (!isOver) {
                const found = await watcher.query<Holder>(HOLDERS, [rows[0]?.pid]);
                holders = found.rows.length === 0 ? holders : found.rows;
                await Promise.race([running.catch(() => undefined), timers.setTimeout(200)]);
            }
        })
        // Who is in the way is only told beside the error.
        .catch(() => undefined);
    return { result: await running, holders };
}

/**
 * Runs a batch in one transaction, under a lock that all scripts of a database share. A lock of somebody else's is waited for
 * a short time only, so that nobody waits long behind the batch, and then tried again.
 *
 * @throws Error that says which file failed, where, why, and who held the lock where that was the reason
 */
export async function runBatch(
    client: pg.Client,
    place: BatchPlace,
    batch: SqlBatch,
    patience: LockPatience = PATIENCE,
): Promise<void> {
    const deadline = Date.now() + patience.all;
    let failure = await attempt(client, batch, patience.lock);
    let holders: readonly Holder[] = [];
    while (
        failure !== undefined &&
        LOCK_ERRORS.includes(failure.fields.code ?? "") &&
        Date.now() < deadline
    ) {
        await timers.setTimeout(patience.pause);
        const next = await watched(client, place, () => attempt(client, batch, patience.lock));
        failure = next.result;
        holders = next.holders.length === 0 ? holders : next.holders;
    }
    if (failure === undefined) {
        return;
    }
    const { file, cause, fields } = failure;
    const about = batch.about === undefined ? "" : ` for ${batch.about}`;
    const where = `${about}${statementAt(file.sql, fields.position)} in database "${place.database}" at ${place.host}`;
    const hint = fields.hint === undefined ? "" : `; ${fields.hint.replace(/\.$/u, "")}`;
    const isLocked = LOCK_ERRORS.includes(fields.code ?? "");
    const held =
        holders.length === 0
            ? ""
            : `; the lock is held by ${holders.map(tellHolder).join(" and ")}`;
    const mend = isLocked ? "end what holds the lock" : "mend the cause";
    throw new Error(
        `${file.file} failed${where}: ${String(fields.message)} (SQLSTATE ${fields.code ?? "unknown"})${hint}${held}; nothing of this script was applied, ${mend} and run the ${place.command ?? "update"} again.`,
        { cause },
    );
}
