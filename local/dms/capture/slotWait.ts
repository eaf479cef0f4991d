import type { Client } from "pg";
import type { Log } from "../log";
import { sqlFile } from "../sqlFile";
import type { StatusFile } from "../task/status";

/** How often the source is asked what the making of a slot waits for, in milliseconds. */
const ASK_EVERY_MS = 1_000;

/** A transaction on the source that has not ended, as far as the task's user may see it. */
interface OpenTransaction {
    readonly pid: number | null;
    /** The name of a prepared transaction, which no process has. */
    readonly gid: string | null;
    /** When it began or was prepared. */
    readonly since: string | null;
    readonly username: string | null;
    readonly application: string | null;
    readonly database: string | null;
}

/** What a person has to find and end: `the transaction of process 7, open since ... (user "app", database "shop")`. */
function transactionWords(open: OpenTransaction): string {
    const { pid, gid, since, username, application, database } = open;
    const details = Object.entries({ user: username, application, database }).flatMap(
        ([what, value]) => (value === null || value === "" ? [] : [`${what} "${value}"`]),
    );
    const who =
        gid === null
            ? `the transaction of process ${pid === null ? "unknown" : String(pid)}`
            : `the prepared transaction "${gid}"`;
    const when = since === null ? "" : `, ${gid === null ? "open" : "prepared"} since ${since}`;
    return `${who}${when}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
}

/** Shows in status and log which transactions the creation of a slot waits for, until it is ended. */
export class SlotWait {
    private readonly timer: NodeJS.Timeout;
    private readonly sql = sqlFile("slot_wait.sql");
    private isAsking = false;
    private hasEnded = false;
    /** What was waited for last, in words. */
    last: string | undefined;

    /** @param pid the process at the source that makes the slot */
    constructor(
        private readonly source: Client,
        private readonly pid: number,
        private readonly status: StatusFile,
        private readonly log: Log,
    ) {
        this.timer = setInterval(() => {
            void this.ask();
        }, ASK_EVERY_MS);
    }

    end(): void {
        this.hasEnded = true;
        clearInterval(this.timer);
        if (this.last !== undefined) {
            this.status.enter(this.status.current.state);
        }
    }

    private async ask(): Promise<void> {
        if (this.isAsking) {
            return;
        }
        this.isAsking = true;
        try {
            const { rows } = await this.source.query<OpenTransaction>(this.sql, [this.pid]);
            const [open] = rows;
            const words = open === undefined ? undefined : transactionWords(open);
            if (words !== undefined && words !== this.last && !this.hasEnded) {
                this.last = words;
                const sentence = `Waiting for ${words} to end before the replication slot can be made.`;
                this.log("W", "SOURCE_CAPTURE", sentence);
                this.status.enter(this.status.current.state, sentence);
            }
        } catch {
            // A source that is gone fails the making of the slot, which tells it.
        } finally {
            this.isAsking = false;
        }
    }
}
