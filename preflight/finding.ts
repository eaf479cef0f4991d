/**
 * How much a finding matters. "must": no deployment before it is mended. "should": the trail works, and may stop working or
 * lose something. "note": good to know.
 */
export type Severity = "must" | "should" | "note";

/** One thing about a source that somebody has to know before a trail of it is deployed. */
export interface Finding {
    /** What was looked at: one of a fixed set of words, such as "wal_level". */
    readonly check: string;
    readonly severity: Severity;
    /** What was found: a sentence. */
    readonly found: string;
    /** What is wanted in its place: a sentence. */
    readonly wanted: string;
    /** How to mend it, with the exact statement, parameter or field: a sentence, or "" where there is nothing to do. */
    readonly mend: string;
    /** Address of the page that says so. */
    readonly source: string;
}

/** The pages that the checks follow. */
export const PAGES = {
    dmsSource: "https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html",
    dmsAssessment:
        "https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.PG.html",
    replicationSettings: "https://www.postgresql.org/docs/current/runtime-config-replication.html",
    clientSettings: "https://www.postgresql.org/docs/current/runtime-config-client.html",
    settingsView: "https://www.postgresql.org/docs/current/view-pg-settings.html",
    slots: "https://www.postgresql.org/docs/current/logicaldecoding-explanation.html",
    createRole: "https://www.postgresql.org/docs/current/sql-createrole.html",
    alterTable: "https://www.postgresql.org/docs/current/sql-altertable.html",
    encodings: "https://www.postgresql.org/docs/current/multibyte.html",
    dmsTls: "https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Security.SSL.html",
} as const;
