import { schemas } from "../../trail/rolesAndSchemas";

/** What differs between stacks. */
export interface TaskSettingsOptions {
    /** Largest large object that is copied whole, in KB. */
    readonly maxLobSizeKb: number;
}

/** Every component of the task log; DMS answers with the complete list, so a shorter one would always differ. */
const LOG_COMPONENTS = [
    "TRANSFORMATION",
    "SOURCE_UNLOAD",
    "IO",
    "TARGET_LOAD",
    "PERFORMANCE",
    "SOURCE_CAPTURE",
    "SORTER",
    "REST_SERVER",
    "VALIDATOR_EXT",
    "TARGET_APPLY",
    "TASK_MANAGER",
    "TABLES_MANAGER",
    "METADATA_MANAGER",
    "FILE_FACTORY",
    "COMMON",
    "ADDONS",
    "DATA_STRUCTURE",
    "COMMUNICATION",
    "FILE_TRANSFER",
];

/** Copies large objects whole up to a declared size; the source endpoint makes a longer one stop the task. */
function targetMetadata(maxLobSizeKb: number): Readonly<object> {
    return {
        TargetSchema: "",
        SupportLobs: true,
        FullLobMode: false,
        LobChunkSize: 64,
        LimitedSizeLobMode: true,
        LobMaxSize: maxLobSizeKb,
        InlineLobMaxSize: 0,
        LoadMaxFileSize: 0,
        ParallelLoadThreads: 0,
        ParallelLoadBufferSize: 0,
        // Batches merge the changes of a row into one.
        BatchApplyEnabled: false,
        TaskRecoveryTableEnabled: false,
        ParallelLoadQueuesPerThread: 0,
        ParallelApplyThreads: 0,
        ParallelApplyBufferSize: 0,
        ParallelApplyQueuesPerThread: 0,
    };
}

const FULL_LOAD = {
    // The other modes drop staging with its triggers, or truncate it without a trace.
    TargetTablePrepMode: "DO_NOTHING",
    CreatePkAfterFullLoad: false,
    StopTaskCachedChangesApplied: false,
    StopTaskCachedChangesNotApplied: false,
    MaxFullLoadSubTasks: 8,
    TransactionConsistencyTimeout: 600,
    CommitRate: 10000,
};

/** `CloudWatchLogGroup` and `CloudWatchLogStream` are read-only and must be absent. */
const LOGGING = {
    EnableLogging: true,
    EnableLogContext: false,
    LogComponents: LOG_COMPONENTS.map((id) => ({ Id: id, Severity: "LOGGER_SEVERITY_DEFAULT" })),
};

const CONTROL_TABLES = {
    ControlSchema: schemas.dmsControl,
    HistoryTimeslotInMinutes: 5,
    HistoryTableEnabled: true,
    SuspendedTablesTableEnabled: true,
    StatusTableEnabled: true,
    FullLoadExceptionTableEnabled: true,
};

const STREAM_BUFFER = {
    StreamBufferCount: 3,
    StreamBufferSizeInMB: 8,
    CtrlStreamBufferSizeInMB: 5,
};

/**
 * A dropped or truncated source table must not take the staging table along. A new column comes with the next deployment and
 * resume: the source endpoint captures no DDL.
 */
const SOURCE_DDL = {
    HandleSourceTableDropped: false,
    HandleSourceTableTruncated: false,
    HandleSourceTableAltered: true,
};

/**
 * A stopped task keeps its place in the source's WAL and resumes without loss. LOG_ERROR loses the change, and SUSPEND_TABLE
 * leaves the table behind until it is loaded again.
 */
const ERRORS = {
    DataErrorPolicy: "STOP_TASK",
    EventErrorPolicy: "IGNORE",
    DataTruncationErrorPolicy: "STOP_TASK",
    DataErrorEscalationPolicy: "STOP_TASK",
    DataErrorEscalationCount: 0,
    TableErrorPolicy: "STOP_TASK",
    TableErrorEscalationPolicy: "STOP_TASK",
    TableErrorEscalationCount: 0,
    // With this count and StopRetryAfterThrottlingMax false an outage of any length ends in a resumed task.
    RecoverableErrorCount: -1,
    RecoverableErrorInterval: 5,
    RecoverableErrorThrottling: true,
    RecoverableErrorThrottlingMax: 1800,
    RecoverableErrorStopRetryAfterThrottlingMax: false,
    // Deletes arrive as updates (operation_indicator), so this cannot lose one; a real delete would be a surprise worth a row
    // in awsdms_apply_exceptions.
    ApplyErrorDeletePolicy: "LOG_ERROR",
    // After a resume DMS may send changes again. With these two the row arrives at the trigger again, which recognizes it.
    // With others DMS would drop the row.
    ApplyErrorInsertPolicy: "INSERT_RECORD",
    ApplyErrorUpdatePolicy: "UPDATE_RECORD",
    ApplyErrorEscalationPolicy: "LOG_ERROR",
    ApplyErrorEscalationCount: 0,
    ApplyErrorFailOnTruncationDdl: true,
    // A change that was captured while its table was loading is already in the baseline.
    FullLoadIgnoreConflicts: true,
    FailOnTransactionConsistencyBreached: false,
    FailOnNoTablesCaptured: true,
};

const TUNING = {
    BatchApplyPreserveTransaction: true,
    BatchApplyTimeoutMin: 1,
    BatchApplyTimeoutMax: 30,
    BatchApplyMemoryLimit: 500,
    BatchSplitSize: 0,
    MinTransactionSize: 1000,
    CommitTimeout: 1,
    MemoryLimitTotal: 1024,
    MemoryKeepTime: 60,
    StatementCacheSize: 50,
};

/**
 * The settings of the replication task. DMS's defaults prefer to go on over losing nothing; an audit needs other values, each
 * with its reason above. There are only keys that DMS itself answers with, in the order of its guide's example, because any
 * other key shows as a difference at every preview.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.html
 */
export function taskSettings({ maxLobSizeKb }: TaskSettingsOptions): Record<string, unknown> {
    return {
        TargetMetadata: targetMetadata(maxLobSizeKb),
        FullLoadSettings: FULL_LOAD,
        Logging: LOGGING,
        ControlTablesSettings: CONTROL_TABLES,
        StreamBufferSettings: STREAM_BUFFER,
        ChangeProcessingDdlHandlingPolicy: SOURCE_DDL,
        ErrorBehavior: ERRORS,
        ChangeProcessingTuning: TUNING,
        FailTaskWhenCleanTaskResourceFailed: false,
    };
}
