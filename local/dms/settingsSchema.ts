/** How one task setting is checked: the documented default first. */
export type Rule = BooleanRule | IntegerRule | ChoiceRule | TextRule;

interface BooleanRule {
    readonly kind: "boolean";
    readonly default: boolean;
    readonly only?: boolean;
}

interface IntegerRule {
    readonly kind: "integer";
    readonly default: number;
    readonly min: number;
    readonly max: number;
}

interface ChoiceRule {
    readonly kind: "choice";
    readonly default: string;
    readonly of: readonly string[];
}

interface TextRule {
    readonly kind: "text";
    readonly default: string;
}

export type Section = Readonly<Record<string, Rule>>;

const flag = (value: boolean): BooleanRule => ({ kind: "boolean", default: value });
/** A switch whose other position this stand-in would not honour, so that it refuses it. */
const fixed = (value: boolean): BooleanRule => ({ kind: "boolean", default: value, only: value });
const integer = (value: number, min = 0, max = 2_147_483_647): IntegerRule => ({
    kind: "integer",
    default: value,
    min,
    max,
});
const choice = (value: string, ...of: string[]): ChoiceRule => ({
    kind: "choice",
    default: value,
    of: [value, ...of],
});
const text = (value: string): TextRule => ({ kind: "text", default: value });

/** Sections and keys with defaults and ranges of the DMS guide, "Specifying task settings". */
export const SECTIONS = {
    TargetMetadata: {
        TargetSchema: text(""),
        SupportLobs: flag(true),
        FullLobMode: flag(false),
        LobChunkSize: integer(64),
        LimitedSizeLobMode: flag(true),
        LobMaxSize: integer(32, 0, 102_400),
        InlineLobMaxSize: integer(0),
        LoadMaxFileSize: integer(0),
        ParallelLoadThreads: integer(0, 0, 0),
        ParallelLoadBufferSize: integer(50),
        ParallelLoadQueuesPerThread: integer(1),
        ParallelApplyThreads: integer(0, 0, 0),
        ParallelApplyBufferSize: integer(100),
        ParallelApplyQueuesPerThread: integer(1),
        BatchApplyEnabled: fixed(false),
        TaskRecoveryTableEnabled: fixed(false),
    },
    FullLoadSettings: {
        TargetTablePrepMode: choice("DO_NOTHING", "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD"),
        CreatePkAfterFullLoad: fixed(false),
        StopTaskCachedChangesApplied: fixed(false),
        StopTaskCachedChangesNotApplied: fixed(false),
        MaxFullLoadSubTasks: integer(8, 1, 49),
        TransactionConsistencyTimeout: integer(600, 0, 86_400),
        CommitRate: integer(10_000, 1, 50_000),
    },
    ControlTablesSettings: {
        ControlSchema: text(""),
        HistoryTimeslotInMinutes: integer(5, 1, 1440),
        HistoryTableEnabled: flag(false),
        SuspendedTablesTableEnabled: flag(false),
        StatusTableEnabled: flag(false),
        FullLoadExceptionTableEnabled: flag(false),
    },
    StreamBufferSettings: {
        StreamBufferCount: integer(3, 1),
        StreamBufferSizeInMB: integer(8, 1),
        CtrlStreamBufferSizeInMB: integer(5, 1, 8),
    },
    ChangeProcessingTuning: {
        BatchApplyPreserveTransaction: flag(true),
        BatchApplyTimeoutMin: integer(1),
        BatchApplyTimeoutMax: integer(30),
        BatchApplyMemoryLimit: integer(500),
        BatchSplitSize: integer(0),
        MinTransactionSize: integer(1000, 1),
        CommitTimeout: integer(1, 1),
        MemoryLimitTotal: integer(1024, 1),
        MemoryKeepTime: integer(60),
        StatementCacheSize: integer(50, 0, 200),
        RecoveryTimeout: integer(-1, -1, -1),
    },
    ChangeProcessingDdlHandlingPolicy: {
        HandleSourceTableDropped: flag(true),
        HandleSourceTableTruncated: flag(true),
        HandleSourceTableAltered: flag(true),
    },
    ErrorBehavior: {
        DataErrorPolicy: choice("LOG_ERROR", "IGNORE_RECORD", "SUSPEND_TABLE", "STOP_TASK"),
        EventErrorPolicy: choice("IGNORE"),
        DataTruncationErrorPolicy: choice(
            "LOG_ERROR",
            "IGNORE_RECORD",
            "SUSPEND_TABLE",
            "STOP_TASK",
        ),
        DataMaskingErrorPolicy: choice("STOP_TASK", "IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE"),
        DataErrorEscalationPolicy: choice("SUSPEND_TABLE", "LOG_ERROR", "STOP_TASK"),
        DataErrorEscalationCount: integer(0),
        TableErrorPolicy: choice("SUSPEND_TABLE", "STOP_TASK"),
        TableErrorEscalationPolicy: choice("STOP_TASK"),
        TableErrorEscalationCount: integer(0, 0, 0),
        RecoverableErrorCount: integer(-1, -1),
        RecoverableErrorInterval: integer(5),
        RecoverableErrorThrottling: flag(true),
        RecoverableErrorThrottlingMax: integer(1800),
        RecoverableErrorStopRetryAfterThrottlingMax: flag(true),
        ApplyErrorDeletePolicy: choice("IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK"),
        ApplyErrorInsertPolicy: choice(
            "LOG_ERROR",
            "IGNORE_RECORD",
            "SUSPEND_TABLE",
            "STOP_TASK",
            "INSERT_RECORD",
        ),
        ApplyErrorUpdatePolicy: choice(
            "LOG_ERROR",
            "IGNORE_RECORD",
            "SUSPEND_TABLE",
            "STOP_TASK",
            "UPDATE_RECORD",
        ),
        ApplyErrorEscalationPolicy: choice("LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK"),
        ApplyErrorEscalationCount: integer(0),
        ApplyErrorFailOnTruncationDdl: flag(false),
        FullLoadIgnoreConflicts: fixed(true),
        FailOnTransactionConsistencyBreached: fixed(false),
        FailOnNoTablesCaptured: flag(true),
    },
    ValidationSettings: {
        EnableValidation: fixed(false),
        ValidationMode: choice("ROW_LEVEL", "GROUP_LEVEL"),
        ThreadCount: integer(5),
        PartitionSize: integer(10_000),
        FailureMaxCount: integer(10_000),
        TableFailureMaxCount: integer(1000),
        RecordFailureDelayInMinutes: integer(5),
        RecordFailureDelayLimitInMinutes: integer(0),
        RecordSuspendDelayInMinutes: integer(30),
        MaxKeyColumnSize: integer(8096),
        HandleCollationDiff: flag(false),
        SkipLobColumns: flag(false),
        ValidationOnly: fixed(false),
        ValidationPartialLobSize: integer(0),
        ValidationQueryCdcDelaySeconds: integer(0),
    },
} as const satisfies Readonly<Record<string, Section>>;

/** Sections that may be null or absent; a present one must leave its feature off. */
export const OFF_SECTIONS: Readonly<Record<string, { switch: string; keys: readonly string[] }>> = {
    TTSettings: {
        switch: "EnableTT",
        keys: ["EnableTT", "FailTaskOnTTFailure", "TTS3Settings", "TTRecordSettings"],
    },
    LoopbackPreventionSettings: {
        switch: "EnableLoopbackPrevention",
        keys: ["EnableLoopbackPrevention", "SourceSchema", "TargetSchema"],
    },
    BeforeImageSettings: {
        switch: "EnableBeforeImage",
        keys: ["EnableBeforeImage", "FieldName", "ColumnFilter"],
    },
    CharacterSetSettings: { switch: "", keys: [] },
    PostProcessingRules: { switch: "", keys: [] },
};

export const LOG_COMPONENTS: readonly string[] = (
    "SOURCE_UNLOAD SOURCE_CAPTURE TARGET_LOAD TARGET_APPLY TASK_MANAGER TRANSFORMATION SORTER TABLES_MANAGER " +
    "METADATA_MANAGER FILE_FACTORY IO PERFORMANCE REST_SERVER VALIDATOR_EXT COMMON ADDONS DATA_STRUCTURE " +
    "COMMUNICATION FILE_TRANSFER"
).split(" ");

export const LOG_SEVERITIES: readonly string[] = "ERROR WARNING INFO DEFAULT DEBUG DETAILED_DEBUG"
    .split(" ")
    .map((severity) => `LOGGER_SEVERITY_${severity}`);
