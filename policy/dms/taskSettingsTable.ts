import { pages } from "../engine/frameworks";
import {
    type BooleanSetting,
    type ChoiceSetting,
    type IntegerSetting,
    MOST,
    type Range,
    type Setting,
    type TextSetting,
} from "../engine/setting";

/** The settings of one section of `ReplicationTaskSettings`, by their names. */
export type Section = Readonly<Record<string, Setting>>;

/** The rules that judge settings of their own. */
const OWN_RULES = {
    keepsStaging: "dms-task-keeps-staging",
    appliesEachChange: "dms-task-applies-each-change",
    survivesDdl: "dms-task-survives-source-ddl",
    losesNoChange: "dms-task-loses-no-change",
} as const;

const either = (value: boolean, reason: string): BooleanSetting => ({
    kind: "boolean",
    default: value,
    reason,
});

/** A switch of which one position is safe; the stand-in supports both. */
const must = (safe: boolean, value: boolean, reason: string, rule?: string): BooleanSetting => ({
    kind: "boolean",
    default: value,
    safe: [safe],
    reason,
    ...(rule === undefined ? {} : { rule }),
});

/** A switch of which one position, its default, is safe and supported by the stand-in. */
const fixed = (value: boolean, reason: string, rule?: string): BooleanSetting => ({
    ...must(value, value, reason, rule),
    supported: [value],
});

const integer = (
    value: number,
    reason: string,
    range: Partial<Range> = {},
    limits: { readonly safe?: Range; readonly supported?: Range } = {},
): IntegerSetting => ({
    kind: "integer",
    default: value,
    range: { min: 0, max: MOST, ...range },
    reason,
    ...limits,
});

/** A number of which one value is safe and supported by the stand-in. */
const only = (value: number, reason: string, range: Partial<Range> = {}): IntegerSetting => {
    const limits = { min: value, max: value };
    return integer(value, reason, range, { safe: limits, supported: limits });
};

const choice = (
    of: readonly [string, ...string[]],
    safe: readonly string[],
    reason: string,
    more: { readonly rule?: string; readonly supported?: readonly string[] } = {},
): ChoiceSetting => ({ kind: "choice", default: of[0], of, safe, reason, ...more });

const text = (
    reason: string,
    safe: { readonly pattern: RegExp; readonly words: string },
): TextSetting => ({ kind: "text", default: "", reason, safe });

const SPEED = "it says how fast, not what";
const BATCH_ONLY = "it only counts in batch apply, which is off";
const PARALLEL = "parallel threads apply changes in another order than they were committed";
const VALIDATION_OFF = "validation is off";
const CONTROL_TABLE = "the operator and verify read this table to learn what DMS did";
const ON_ERROR = ["LOG_ERROR", "IGNORE_RECORD", "SUSPEND_TABLE", "STOP_TASK"] as const;
const LOSES = "every other policy goes on, and the change or the table is missing from the log";

/**
 * Every documented task setting: default, what AWS takes, what is safe beside a trail, and what the stand-in supports. The
 * pack refuses what is not in here; the stand-in takes its defaults and refusals from here.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.html
 */
export const SECTIONS = {
    TargetMetadata: {
        TargetSchema: text("staging lies in the source's schemas", {
            pattern: /^$/,
            words: 'the empty text ""',
        }),
        SupportLobs: must(true, true, "without it text, jsonb, bytea and array columns stay empty"),
        FullLobMode: must(
            false,
            false,
            "it looks a value up when the change is applied, by which time it may be a later one",
        ),
        LobChunkSize: integer(64, SPEED),
        LimitedSizeLobMode: must(true, true, "it carries a large value with its own change"),
        LobMaxSize: integer(
            32,
            "it is the largest value in KB that is copied whole; a longer one stops the task",
            { min: 0, max: 102_400 },
            { safe: { min: 1, max: 102_400 } },
        ),
        InlineLobMaxSize: integer(
            0,
            "inline mode looks values up when the change is applied",
            {},
            { safe: { min: 0, max: 0 } },
        ),
        LoadMaxFileSize: integer(0, SPEED),
        ParallelLoadThreads: only(0, "a PostgreSQL target does not take it", { max: 32 }),
        ParallelLoadBufferSize: integer(50, "it only counts with ParallelLoadThreads"),
        ParallelLoadQueuesPerThread: integer(1, "it only counts with ParallelLoadThreads"),
        ParallelApplyThreads: only(0, PARALLEL, { max: 32 }),
        ParallelApplyBufferSize: integer(100, "it only counts with ParallelApplyThreads"),
        ParallelApplyQueuesPerThread: integer(1, "it only counts with ParallelApplyThreads"),
        BatchApplyEnabled: fixed(
            false,
            "batches merge the changes of a row",
            OWN_RULES.appliesEachChange,
        ),
        TaskRecoveryTableEnabled: fixed(
            false,
            "it replicated transactions twice before engine 3.5.4, and verify does not know it",
        ),
    },
    FullLoadSettings: {
        TargetTablePrepMode: choice(
            ["DO_NOTHING", "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD"],
            ["DO_NOTHING"],
            "the others drop or empty the staging tables",
            { rule: OWN_RULES.keepsStaging },
        ),
        CreatePkAfterFullLoad: fixed(false, "staging has its primary key from the start"),
        StopTaskCachedChangesApplied: fixed(false, "the task would end after the load"),
        StopTaskCachedChangesNotApplied: fixed(false, "the task would end after the load"),
        MaxFullLoadSubTasks: integer(8, SPEED, { min: 1, max: 49 }),
        TransactionConsistencyTimeout: integer(
            600,
            "a load that waits less begins beside open transactions, whose changes it may miss",
            { max: 86_400 },
            { safe: { min: 600, max: 86_400 } },
        ),
        CommitRate: integer(10_000, SPEED, { min: 1, max: 50_000 }),
    },
    ControlTablesSettings: {
        ControlSchema: text(
            "the gap ledger is filled from the control tables there, and DMS may create nothing elsewhere",
            { pattern: /^awsdms_control$/, words: '"awsdms_control"' },
        ),
        HistoryTimeslotInMinutes: integer(5, SPEED, { min: 1, max: 1440 }),
        HistoryTableEnabled: must(true, false, CONTROL_TABLE),
        SuspendedTablesTableEnabled: must(true, false, CONTROL_TABLE),
        StatusTableEnabled: must(true, false, CONTROL_TABLE),
        FullLoadExceptionTableEnabled: must(true, false, CONTROL_TABLE),
    },
    StreamBufferSettings: {
        StreamBufferCount: integer(3, SPEED, { min: 1 }),
        StreamBufferSizeInMB: integer(8, SPEED, { min: 1 }),
        CtrlStreamBufferSizeInMB: integer(5, SPEED, { min: 1, max: 8 }),
    },
    ChangeProcessingTuning: {
        BatchApplyPreserveTransaction: either(true, BATCH_ONLY),
        BatchApplyTimeoutMin: integer(1, BATCH_ONLY),
        BatchApplyTimeoutMax: integer(30, BATCH_ONLY),
        BatchApplyMemoryLimit: integer(500, BATCH_ONLY),
        BatchSplitSize: integer(0, BATCH_ONLY),
        MinTransactionSize: integer(1000, SPEED, { min: 1 }),
        CommitTimeout: integer(1, SPEED, { min: 1 }, { safe: { min: 1, max: 60 } }),
        MemoryLimitTotal: integer(1024, SPEED, { min: 1 }),
        MemoryKeepTime: integer(60, SPEED),
        StatementCacheSize: integer(50, SPEED, { max: 200 }),
        RecoveryTimeout: only(-1, "a resume that gives up its checkpoint loses what was before", {
            min: -1,
        }),
    },
    ChangeProcessingDdlHandlingPolicy: {
        HandleSourceTableDropped: must(
            false,
            true,
            "DMS would drop staging",
            OWN_RULES.survivesDdl,
        ),
        HandleSourceTableTruncated: must(
            false,
            true,
            "DMS would empty staging",
            OWN_RULES.survivesDdl,
        ),
        HandleSourceTableAltered: must(true, true, "it is what the trail was tried with"),
    },
    ErrorBehavior: {
        DataErrorPolicy: choice(ON_ERROR, ["STOP_TASK"], LOSES, { rule: OWN_RULES.losesNoChange }),
        EventErrorPolicy: choice(
            ["IGNORE", "STOP_TASK"],
            ["IGNORE", "STOP_TASK"],
            "it is about events of the task, not about changes",
            { supported: ["IGNORE"] },
        ),
        DataTruncationErrorPolicy: choice(ON_ERROR, ["STOP_TASK"], LOSES, {
            rule: OWN_RULES.losesNoChange,
        }),
        DataMaskingErrorPolicy: choice(
            ["STOP_TASK", "IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE"],
            ["STOP_TASK"],
            LOSES,
        ),
        DataErrorEscalationPolicy: choice(
            ["SUSPEND_TABLE", "LOG_ERROR", "STOP_TASK"],
            ["STOP_TASK"],
            "a suspended table is left behind until it is loaded again",
        ),
        DataErrorEscalationCount: integer(0, "the first error stops the task already", {
            max: 10_000,
        }),
        TableErrorPolicy: choice(["SUSPEND_TABLE", "STOP_TASK"], ["STOP_TASK"], LOSES, {
            rule: OWN_RULES.losesNoChange,
        }),
        TableErrorEscalationPolicy: choice(
            ["STOP_TASK"],
            ["STOP_TASK"],
            "a stopped task resumes without loss",
        ),
        TableErrorEscalationCount: integer(
            0,
            "the first error stops the task already",
            { max: 10_000 },
            { supported: { min: 0, max: 0 } },
        ),
        RecoverableErrorCount: integer(
            -1,
            "an outage of any length has to end in a resumed task",
            { min: -1 },
            { safe: { min: -1, max: -1 } },
        ),
        RecoverableErrorInterval: integer(5, SPEED, {}, { safe: { min: 1, max: 3600 } }),
        RecoverableErrorThrottling: either(true, SPEED),
        RecoverableErrorThrottlingMax: integer(1800, SPEED, {}, { safe: { min: 1, max: 3600 } }),
        RecoverableErrorStopRetryAfterThrottlingMax: must(
            false,
            true,
            "an outage of any length has to end in a resumed task",
        ),
        ApplyErrorDeletePolicy: choice(
            ["IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK"],
            ["LOG_ERROR", "STOP_TASK"],
            "deletes arrive as updates; a real one is a surprise that has to leave a trace",
        ),
        ApplyErrorInsertPolicy: choice(
            [...ON_ERROR, "INSERT_RECORD"],
            ["INSERT_RECORD", "STOP_TASK"],
            LOSES,
            { rule: OWN_RULES.losesNoChange },
        ),
        ApplyErrorUpdatePolicy: choice(
            [...ON_ERROR, "UPDATE_RECORD"],
            ["UPDATE_RECORD", "STOP_TASK"],
            LOSES,
            { rule: OWN_RULES.losesNoChange },
        ),
        ApplyErrorEscalationPolicy: choice(
            ["LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK"],
            ["LOG_ERROR", "STOP_TASK"],
            "a suspended table is left behind until it is loaded again",
        ),
        ApplyErrorEscalationCount: integer(0, "no conflict is dropped that could be counted", {
            max: 10_000,
        }),
        ApplyErrorFailOnTruncationDdl: must(
            true,
            false,
            "a TRUNCATE that gets by the guards has to stop the task",
        ),
        FullLoadIgnoreConflicts: fixed(
            true,
            "a change that was captured while its table was loading is in the baseline already",
        ),
        FailOnTransactionConsistencyBreached: {
            ...either(false, "it is about an Oracle source"),
            supported: [false],
        },
        FailOnNoTablesCaptured: must(true, true, "a task without tables has to fail"),
    },
    ValidationSettings: {
        EnableValidation: fixed(
            false,
            "staging loses deleted rows, which validation would call missing; verify compares instead",
        ),
        ValidationMode: choice(
            ["ROW_LEVEL", "GROUP_LEVEL"],
            ["ROW_LEVEL", "GROUP_LEVEL"],
            VALIDATION_OFF,
        ),
        ThreadCount: integer(5, VALIDATION_OFF),
        PartitionSize: integer(10_000, VALIDATION_OFF),
        FailureMaxCount: integer(10_000, VALIDATION_OFF),
        TableFailureMaxCount: integer(1000, VALIDATION_OFF),
        RecordFailureDelayInMinutes: integer(5, VALIDATION_OFF),
        RecordFailureDelayLimitInMinutes: integer(0, VALIDATION_OFF),
        RecordSuspendDelayInMinutes: integer(30, VALIDATION_OFF),
        MaxKeyColumnSize: integer(8096, VALIDATION_OFF),
        HandleCollationDiff: either(false, VALIDATION_OFF),
        SkipLobColumns: either(false, VALIDATION_OFF),
        ValidationOnly: fixed(false, "a task that only validates copies nothing"),
        ValidationPartialLobSize: integer(0, VALIDATION_OFF),
        ValidationQueryCdcDelaySeconds: integer(0, VALIDATION_OFF),
    },
} as const satisfies Readonly<Record<string, Section>>;

/** A section whose feature a trail does without: it may be absent or null, and one that is there must be off. */
export interface OffSection {
    /** The key that turns the feature on; empty where the section itself does. */
    readonly switch: string;
    readonly keys: readonly string[];
    /** Why the feature is not safe. */
    readonly reason: string;
}

export const OFF_SECTIONS: Readonly<Record<string, OffSection>> = {
    TTSettings: {
        switch: "EnableTT",
        keys: ["EnableTT", "FailTaskOnTTFailure", "TTS3Settings", "TTRecordSettings"],
        reason: "Time Travel writes every change into a bucket that nobody here guards",
    },
    LoopbackPreventionSettings: {
        switch: "EnableLoopbackPrevention",
        keys: ["EnableLoopbackPrevention", "SourceSchema", "TargetSchema"],
        reason: "loopback prevention leaves out changes that it takes for its own",
    },
    BeforeImageSettings: {
        switch: "EnableBeforeImage",
        keys: ["EnableBeforeImage", "FieldName", "ColumnFilter"],
        reason: "before images are for streaming targets",
    },
    ResyncSettings: {
        switch: "EnableResync",
        keys: ["EnableResync", "ResyncSchedule", "MaxResyncTime", "ValidationTaskId"],
        reason: "resync writes rows into staging that no change made",
    },
    CharacterSetSettings: {
        switch: "",
        keys: [],
        reason: "character substitution changes the recorded values",
    },
    PostProcessingRules: { switch: "", keys: [], reason: "it is for other targets" },
};

/** Keys at the root of the document that are not sections. */
export const ROOT_FLAGS: readonly string[] = ["FailTaskWhenCleanTaskResourceFailed"];

/** Keys of the section Logging, which the rules dms-task-logged and dms-task-no-log-group-keys judge. */
export const LOGGING_KEYS: readonly string[] = [
    "EnableLogging",
    "EnableLogContext",
    "LogComponents",
    "CloudWatchLogGroup",
    "CloudWatchLogStream",
];

export const LOG_COMPONENTS: readonly string[] = (
    "SOURCE_UNLOAD SOURCE_CAPTURE TARGET_LOAD TARGET_APPLY TASK_MANAGER TRANSFORMATION SORTER TABLES_MANAGER " +
    "METADATA_MANAGER FILE_FACTORY IO PERFORMANCE REST_SERVER VALIDATOR_EXT COMMON ADDONS DATA_STRUCTURE " +
    "COMMUNICATION FILE_TRANSFER"
).split(" ");

/** From the least said to the most. */
export const LOG_SEVERITIES: readonly string[] = "ERROR WARNING DEFAULT INFO DEBUG DETAILED_DEBUG"
    .split(" ")
    .map((severity) => `LOGGER_SEVERITY_${severity}`);

/** The page of the guide that documents a section. */
export const SECTION_PAGES: Readonly<Record<string, string>> = {
    TargetMetadata: pages.dmsTargetMetadata,
    FullLoadSettings: pages.dmsFullLoad,
    ControlTablesSettings: `${pages.dmsTaskSettingsBase}.ControlTable.html`,
    StreamBufferSettings: `${pages.dmsTaskSettingsBase}.StreamBuffer.html`,
    ChangeProcessingTuning: `${pages.dmsTaskSettingsBase}.ChangeProcessingTuning.html`,
    ChangeProcessingDdlHandlingPolicy: pages.dmsDdlHandling,
    ErrorBehavior: pages.dmsErrorHandling,
    ValidationSettings: `${pages.dmsTaskSettingsBase}.DataValidation.html`,
};
