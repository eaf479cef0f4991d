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

/**
 * The settings of the replication task: only keys that DMS itself answers with, in the order of its guide's example;
 * any other key shows as a difference at every preview. `Logging.CloudWatchLogGroup` and `CloudWatchLogStream` are
 * read-only and must be absent.
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.html
 *
 * DMS's defaults prefer to go on over losing nothing. An audit needs other values:
 * - `TargetTablePrepMode` DO_NOTHING: the other modes drop staging with its triggers, or truncate it without a trace.
 * - `BatchApplyEnabled` false: batches merge the changes of a row into one.
 * - Data, truncation and table errors STOP_TASK: a stopped task keeps its place in the source's WAL and resumes without
 *   loss, while LOG_ERROR loses the change and SUSPEND_TABLE leaves the table behind until it is loaded again.
 * - `ApplyErrorInsertPolicy` and `ApplyErrorUpdatePolicy` *_RECORD: after a resume DMS may send changes again; these
 *   policies let the replayed row arrive at the trigger, which recognizes the replay. Otherwise DMS would drop the row.
 * - `ApplyErrorDeletePolicy` LOG_ERROR: deletes arrive as updates (operation_indicator), so this cannot lose one; a real
 *   delete would be a surprise worth a row in awsdms_apply_exceptions.
 * - `FullLoadIgnoreConflicts` true: a change that was captured while its table was loading is already in the baseline.
 * - `RecoverableErrorStopRetryAfterThrottlingMax` false with count -1: an outage of any length ends in a resumed task.
 * - Source DDL: a dropped or truncated source table must not take the staging table along. A new column comes with the next
 *   deployment and resume: the source endpoint captures no DDL.
 * - Large objects in limited mode with a declared size; the source endpoint makes a longer one stop the task.
 */
export function taskSettings({ maxLobSizeKb }: TaskSettingsOptions): Record<string, unknown> {
    return {
        TargetMetadata: {
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
            BatchApplyEnabled: false,
            TaskRecoveryTableEnabled: false,
            ParallelLoadQueuesPerThread: 0,
            ParallelApplyThreads: 0,
            ParallelApplyBufferSize: 0,
            ParallelApplyQueuesPerThread: 0,
        },
        FullLoadSettings: {
            TargetTablePrepMode: "DO_NOTHING",
            CreatePkAfterFullLoad: false,
            StopTaskCachedChangesApplied: false,
            StopTaskCachedChangesNotApplied: false,
            MaxFullLoadSubTasks: 8,
            TransactionConsistencyTimeout: 600,
            CommitRate: 10000,
        },
        Logging: {
            EnableLogging: true,
            EnableLogContext: false,
            LogComponents: LOG_COMPONENTS.map((id) => ({
                Id: id,
                Severity: "LOGGER_SEVERITY_DEFAULT",
            })),
        },
        ControlTablesSettings: {
            ControlSchema: schemas.dmsControl,
            HistoryTimeslotInMinutes: 5,
            HistoryTableEnabled: true,
            SuspendedTablesTableEnabled: true,
            StatusTableEnabled: true,
            FullLoadExceptionTableEnabled: true,
        },
        StreamBufferSettings: {
            StreamBufferCount: 3,
            StreamBufferSizeInMB: 8,
            CtrlStreamBufferSizeInMB: 5,
        },
        ChangeProcessingDdlHandlingPolicy: {
            HandleSourceTableDropped: false,
            HandleSourceTableTruncated: false,
            HandleSourceTableAltered: true,
        },
        ErrorBehavior: {
            DataErrorPolicy: "STOP_TASK",
            EventErrorPolicy: "IGNORE",
            DataTruncationErrorPolicy: "STOP_TASK",
            DataErrorEscalationPolicy: "STOP_TASK",
            DataErrorEscalationCount: 0,
            TableErrorPolicy: "STOP_TASK",
            TableErrorEscalationPolicy: "STOP_TASK",
            TableErrorEscalationCount: 0,
            RecoverableErrorCount: -1,
            RecoverableErrorInterval: 5,
            RecoverableErrorThrottling: true,
            RecoverableErrorThrottlingMax: 1800,
            RecoverableErrorStopRetryAfterThrottlingMax: false,
            ApplyErrorDeletePolicy: "LOG_ERROR",
            ApplyErrorInsertPolicy: "INSERT_RECORD",
            ApplyErrorUpdatePolicy: "UPDATE_RECORD",
            ApplyErrorEscalationPolicy: "LOG_ERROR",
            ApplyErrorEscalationCount: 0,
            ApplyErrorFailOnTruncationDdl: true,
            FullLoadIgnoreConflicts: true,
            FailOnTransactionConsistencyBreached: false,
            FailOnNoTablesCaptured: true,
        },
        ChangeProcessingTuning: {
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
        },
        FailTaskWhenCleanTaskResourceFailed: false,
    };
}
