/** A server parameter that a parameter group may set beside a trail. */
export interface ParameterSetting {
    /** True of a safe value; parameter groups hold texts. */
    readonly safe: (value: string) => boolean;
    /** The safe values in words, as they follow "set". */
    readonly words: string;
    /** Completes "because ...". */
    readonly reason: string;
    /** The rule that judges it, where it has one of its own. */
    readonly rule?: string;
}

const oneOf = (values: readonly string[], reason: string): ParameterSetting => ({
    safe: (value) => values.includes(value),
    words: values.map((value) => JSON.stringify(value)).join(" or "),
    reason,
});

const atLeast = (least: number, reason: string): ParameterSetting => ({
    safe: (value) => /^\d{1,12}$/.test(value) && Number(value) >= least,
    words: `a number from ${least}`,
    reason,
});

const number = (reason: string): ParameterSetting => ({
    safe: (value) => /^-?\d{1,12}(\.\d{1,6})?$/.test(value),
    words: "a number",
    reason,
});

const ownRule = (rule: string): ParameterSetting => ({
    safe: () => true,
    words: "any value",
    reason: "a rule of its own judges it",
    rule,
});

const flag = (reason: string): ParameterSetting => oneOf(["0", "1", "on", "off"], reason);

/** Libraries that neither change what a statement does nor what the triggers see. */
const LIBRARIES = ["pg_stat_statements", "pgaudit", "auto_explain"] as const;

const CUTS = "it would cut off DMS's sessions or the program's scripts";
const PLANS = "it is about speed";
const LOGS = "it is about what the server logs";
const SLOTS = "DMS needs a slot and a WAL sender beside everybody else's";

/**
 * Every parameter that may be set on the source or the audit cluster, for either: a parameter that is not in here may
 * switch triggers off, lose WAL or cut sessions. Values are those of PostgreSQL 15 to 17 and of Aurora.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Reference.ParameterGroups.html
 */
export const PARAMETERS: Readonly<Record<string, ParameterSetting>> = {
    "rds.logical_replication": ownRule("rds-logical-replication-on"),
    "rds.force_ssl": ownRule("rds-tls-forced"),
    wal_sender_timeout: ownRule("rds-wal-sender-timeout"),
    synchronous_commit: ownRule("rds-synchronous-commit-on"),

    session_replication_role: oneOf(["origin"], "replica switches ordinary triggers off"),
    track_commit_timestamp: oneOf(["1", "on"], "verify compares commit times"),
    max_replication_slots: atLeast(10, SLOTS),
    max_wal_senders: atLeast(10, SLOTS),
    max_logical_replication_workers: atLeast(4, SLOTS),
    max_worker_processes: atLeast(8, SLOTS),
    max_slot_wal_keep_size: oneOf(
        ["-1"],
        "a slot that falls behind would be dropped with the changes that it still holds",
    ),
    logical_decoding_work_mem: atLeast(64, "it is memory for decoding, in kB"),
    max_connections: atLeast(50, "DMS, verify and the program need theirs"),

    statement_timeout: oneOf(["0"], CUTS),
    lock_timeout: oneOf(["0"], CUTS),
    transaction_timeout: oneOf(["0"], CUTS),
    idle_session_timeout: oneOf(["0"], CUTS),
    idle_in_transaction_session_timeout: {
        safe: (value) => /^\d{1,12}$/.test(value) && (value === "0" || Number(value) >= 86_400_000),
        words: '"0" or a number of milliseconds from 86400000, the default',
        reason: CUTS,
    },
    deadlock_timeout: atLeast(100, PLANS),

    ssl_min_protocol_version: oneOf(
        ["TLSv1.2", "TLSv1.3"],
        "rows and passwords travel over this connection",
    ),
    ssl_max_protocol_version: oneOf(["TLSv1.3"], "rows and passwords travel over this connection"),
    password_encryption: oneOf(["scram-sha-256"], "md5 digests can be used like passwords"),
    "rds.accepted_password_auth_method": oneOf(["scram"], "md5 digests can be used like passwords"),
    "rds.restrict_password_commands": oneOf(["1", "on"], "it keeps passwords to those in charge"),
    "rds.iam_auth_for_replication": oneOf(["0", "1"], "it adds a way to log in, it takes none"),

    timezone: oneOf(["UTC", "Etc/UTC"], "the log's times are UTC"),
    shared_preload_libraries: {
        safe: (value) =>
            value
                .split(",")
                .every((name) => (LIBRARIES as readonly string[]).includes(name.trim())),
        words: `a list of ${LIBRARIES.join(", ")}`,
        reason: "a library can change what every statement does",
    },

    log_statement: oneOf(["none", "ddl", "mod", "all"], LOGS),
    log_min_duration_statement: number(LOGS),
    log_min_duration_sample: number(LOGS),
    log_statement_sample_rate: number(LOGS),
    log_connections: oneOf(["1", "on"], "a log without sessions does not tell who was there"),
    log_disconnections: oneOf(["1", "on"], "a log without sessions does not tell who was there"),
    log_lock_waits: flag(LOGS),
    log_temp_files: number(LOGS),
    log_autovacuum_min_duration: number(LOGS),
    log_error_verbosity: oneOf(["default", "verbose"], LOGS),
    "rds.log_retention_period": atLeast(4320, "CloudWatch needs time to take the log, in minutes"),
    "pgaudit.log": {
        safe: (value) => /^[a-z_,\s-]+$/.test(value),
        words: "classes of pgaudit",
        reason: LOGS,
    },
    "pgaudit.role": oneOf(["rds_pgaudit"], LOGS),
    "pgaudit.log_catalog": flag(LOGS),
    "pgaudit.log_relation": flag(LOGS),
    "pgaudit.log_statement_once": flag(LOGS),
    // Parameters may hold what a row holds: off.
    "pgaudit.log_parameter": oneOf(["0", "off"], "parameters hold values of the audited rows"),
    "pg_stat_statements.track": oneOf(["top", "all", "none"], LOGS),
    "pg_stat_statements.max": atLeast(100, LOGS),
    track_activity_query_size: atLeast(100, LOGS),
    track_io_timing: flag(LOGS),
    track_functions: oneOf(["none", "pl", "all"], LOGS),

    work_mem: atLeast(64, PLANS),
    maintenance_work_mem: atLeast(1024, PLANS),
    autovacuum_work_mem: number(PLANS),
    effective_cache_size: atLeast(1, PLANS),
    random_page_cost: number(PLANS),
    seq_page_cost: number(PLANS),
    default_statistics_target: atLeast(1, PLANS),
    max_parallel_workers: number(PLANS),
    max_parallel_workers_per_gather: number(PLANS),
    autovacuum: oneOf(["1", "on"], "without it transaction ids run out and the server stops"),
    autovacuum_max_workers: atLeast(1, PLANS),
    autovacuum_naptime: atLeast(1, PLANS),
    autovacuum_vacuum_cost_limit: number(PLANS),
    autovacuum_vacuum_cost_delay: number(PLANS),
    autovacuum_vacuum_scale_factor: number(PLANS),
    autovacuum_vacuum_threshold: atLeast(0, PLANS),
    autovacuum_analyze_scale_factor: number(PLANS),
    autovacuum_analyze_threshold: atLeast(0, PLANS),
};
