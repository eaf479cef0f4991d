import { PlainError } from "../text/errors";
import { printable } from "../text/terminalLines";

/** One row of sql/verify/lock_holders.sql. */
export interface Lock {
    readonly oid: string;
    /** Quoted and qualified. */
    readonly relation: string;
    readonly part_of: string | null;
    readonly pid: string;
    /** `application_name` of the session; empty where it has none. */
    readonly application: string;
    /** When its transaction began, ISO 8601, UTC; null where this user may not see that. */
    readonly since: string | null;
    readonly granted: boolean;
}

/** How many sessions a sentence names, and of each how many relations. */
const NAMED = 3;

/** Somebody has locked what a script reads. */
export class LockedError extends PlainError {
    /**
     * @param locks those that there were just after the script had given up
     * @param script the file of the script
     */
    constructor(
        readonly database: string,
        readonly locks: readonly Lock[],
        script: string,
        options: ErrorOptions,
    ) {
        super(lockedSentence(database, locks, script), options);
    }
}

/** Who has locked what in a database, and what to do. */
export function lockedSentence(database: string, locks: readonly Lock[], waiter: string): string {
    return `On the ${database} database ${lockWords(locks)}, which ${waiter} waited for in vain: run this again once that transaction has ended.`;
}

/** The first of a list, and how many there are besides. */
function listed(items: readonly string[]): string {
    const more = items.length > NAMED ? [`and ${String(items.length - NAMED)} more`] : [];
    return [...items.slice(0, NAMED), ...more].join(", ");
}

/** What is known of a session besides its process, in brackets. */
function who({ application, since }: Pick<Lock, "application" | "since">): string {
    const known = [
        ...(application === "" ? [] : [`application "${printable(application)}"`]),
        ...(since === null ? [] : [`transaction since ${since}`]),
    ];
    return known.length === 0 ? "" : ` (${known.join(", ")})`;
}

/** Who has locked what: `process 12 (application "psql", transaction since 2026-11-26T21:03:12Z) has locked public.items`. */
export function lockWords(locks: readonly Lock[]): string {
    const sessions = new Map<string, string[]>();
    for (const { relation, part_of: whole, pid, granted, ...session } of locks) {
        // The partitions of a table that is named too say nothing more.
        if (locks.some((other) => other.pid === pid && other.relation === whole)) {
            continue;
        }
        const words = `process ${pid}${who(session)} ${granted ? "has locked" : "waits to lock"}`;
        sessions.set(words, [...(sessions.get(words) ?? []), relation]);
    }
    return sessions.size === 0
        ? "somebody had locked a table"
        : listed([...sessions].map(([session, relations]) => `${session} ${listed(relations)}`));
}
