import { NO_PROGRESS, type VerifyProgress } from "./progress";

/** One row on which two parts of the trail, or the trail and the source, do not agree. */
export interface Difference {
    /** The primary key's columns and values, as JSON text: a number too large for JavaScript stays what it is. */
    readonly key: string;
    /** What does not agree, in a few words; docs/verify.md lists them. */
    readonly kind: string;
    /** More, without any value of the row but its key. */
    readonly detail: string;
    /**
     * What `audit_trail.acknowledge()` takes to explain exactly this difference; null where it cannot be told from a later
     * one.
     */
    readonly finding: string | null;
}

/** A difference that somebody has explained. */
export interface Acknowledged extends Difference {
    readonly by: string;
    /** ISO 8601, UTC. */
    readonly at: string;
    readonly reason: string;
}

/** A gap that somebody has explained. */
interface AcknowledgedGap {
    readonly gap: string;
    readonly kind: string;
    readonly by: string;
    /** ISO 8601, UTC. */
    readonly at: string;
    readonly reason: string;
}

/** Something that has to be as the trail needs it, and whether it is. */
export interface Check {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
    /** What speaks against it, each of which `detail` has as well. */
    readonly findings?: readonly string[];
    /** True for what people should know although it fails nothing. */
    readonly note?: boolean;
}

/** What is known of one table. */
export interface TableReport {
    /** `schema.table` at the source. */
    readonly table: string;
    /** The rows were compared, there is no difference and no failed check. */
    readonly complete: boolean;
    /**
     * Commit time (ISO 8601, UTC, microseconds) of the marker before the first row was compared: every earlier commit is in
     * the trail when the table is complete, and only then. Null when rows could not be compared.
     */
    readonly comparedUpTo: string | null;
    /** Rows of the source that were compared. */
    readonly rows: number;
    readonly logRows: number;
    /** The first ones. */
    readonly differences: readonly Difference[];
    /** All of them; from `ENOUGH` on there may be more, because nobody looked any further. */
    readonly differenceCount: number;
    /** What somebody has explained, and what no longer counts because of that. */
    readonly acknowledged: {
        readonly differences: readonly Acknowledged[];
        readonly gaps: readonly AcknowledgedGap[];
    };
    /** What is worth knowing and wrong with nothing. */
    readonly notes: readonly string[];
    readonly checks: readonly Check[];
}

/** The outcome of a verification. */
export interface VerifyReport {
    readonly complete: boolean;
    /** What concerns every table. */
    readonly checks: readonly Check[];
    readonly tables: readonly TableReport[];
}

/** The check of the trail, or of a table, of which something could not be found out: what it says then is the reason. */
export const VERIFICATION = "verification";

/** Whether something could not be found out, as opposed to a trail that was found incomplete. */
export function hasUnverified(report: VerifyReport): boolean {
    return [report, ...report.tables].some(({ checks }) =>
        checks.some(({ name, ok }) => name === VERIFICATION && !ok),
    );
}

/** How a verification is made; every option has a default. */
export interface VerifyOptions {
    /** Rows that are compared in one short snapshot. */
    readonly chunkRows?: number;
    /** How long the task may stand still while a marker is on its way to the audit side, in milliseconds. */
    readonly markerTimeoutMs?: number;
    /** How long a statement waits for a lock before it gives up, in milliseconds. */
    readonly lockTimeoutMs?: number;
    /** Differences that a table's report lists; the others are counted. */
    readonly maxListed?: number;
    /** Whether the source's tables must have their guards; default true. */
    readonly guardsExpected?: boolean;
    /** ISO 8601 time: gaps and unlogged changes that were recorded before are told but fail nothing. */
    readonly since?: string;
    /**
     * Why a group's task carries nothing any more, as the end of a sentence with what to do; undefined while it runs. A marker
     * is not waited for then. Without it nobody can say, as on AWS.
     */
    readonly taskFailure?: (group: string) => Promise<string | undefined>;
    /** Is told how far it is. */
    readonly progress?: VerifyProgress;
}

/** {@link VerifyOptions} with every default filled in. */
export type VerifySettings = Required<Omit<VerifyOptions, "since">> & { readonly since?: string };

/** Longer than a short statement keeps a lock, and short enough for writers to wait behind. */
export const LOCK_TIMEOUT_MS = 2_000;

/** The defaults: a chunk of 50,000 rows takes the source a fraction of a second. */
export function withDefaults(options: VerifyOptions): VerifySettings {
    return {
        chunkRows: 50_000,
        markerTimeoutMs: 60_000,
        lockTimeoutMs: LOCK_TIMEOUT_MS,
        maxListed: 100,
        guardsExpected: true,
        taskFailure: () => Promise.resolve(undefined),
        progress: NO_PROGRESS,
        ...options,
    };
}

/** A table's report out of its parts. */
export function tableReport(parts: Omit<TableReport, "complete">): TableReport {
    const { comparedUpTo, differenceCount, checks } = parts;
    const complete = comparedUpTo !== null && differenceCount === 0 && checks.every(({ ok }) => ok);
    return { ...parts, complete };
}

/** The report of a table of which nothing could be found out but this. */
export function emptyReport(table: string, check: string, problem: string): TableReport {
    return tableReport({
        table,
        comparedUpTo: null,
        rows: 0,
        logRows: 0,
        differences: [],
        differenceCount: 0,
        acknowledged: { differences: [], gaps: [] },
        notes: [],
        checks: [{ name: check, ok: false, detail: problem, findings: [problem] }],
    });
}
