import { sourceSettings, targetSettings } from "../../../components/dms/dmsEndpoint";
import type { Values } from "../../../policy/engine/values";
import { goodSettings } from "../support/goodStack";
import { UNKNOWN } from "../support/judge";
import type { ResourceCases } from "./resourceCases";

const ENDPOINT = "aws:dms/endpoint:Endpoint";
const TASK = "aws:dms/replicationTask:ReplicationTask";

const settings = (change: Values): Values => ({
    replicationTaskSettings: JSON.stringify({ ...goodSettings, ...change }),
});

const section = (name: string, change: Values): Values =>
    settings({ [name]: { ...goodSettings[name], ...change } });

/** Settings with a change; undefined removes one. */
const changed = (settings: Values, change: Values): Values => ({
    postgresSettings: Object.fromEntries(
        Object.entries({ ...settings, ...change }).filter(([, value]) => value !== undefined),
    ),
});

const source = (change: Values): Values => changed({ ...sourceSettings }, change);

const target = (change: Values): Values => ({
    endpointType: "target",
    ...changed({ ...targetSettings }, change),
});

/** Cases of the rules that refuse every task and endpoint setting which is not known to be safe. */
export const knownSettingsCases: readonly ResourceCases[] = [
    {
        rule: "dms-task-settings-known",
        type: TASK,
        pass: [
            section("TargetMetadata", { LobMaxSize: 102_400, LobChunkSize: undefined }),
            section("ErrorBehavior", { ApplyErrorDeletePolicy: "STOP_TASK" }),
            section("FullLoadSettings", { MaxFullLoadSubTasks: 49 }),
            settings({ TTSettings: null, BeforeImageSettings: null, PostProcessingRules: null }),
            settings({ TTSettings: { EnableTT: false, TTS3Settings: null } }),
            settings({ ValidationSettings: { EnableValidation: false, ThreadCount: 5 } }),
            section("Logging", { LogComponents: undefined, EnableLogContext: true }),
            section("Logging", {
                LogComponents: [
                    { Id: "TARGET_APPLY", Severity: "LOGGER_SEVERITY_DETAILED_DEBUG" },
                    { Id: "SORTER", Severity: "LOGGER_SEVERITY_ERROR" },
                ],
            }),
            // Judged by rules of their own.
            section("TargetMetadata", { BatchApplyEnabled: true }),
            section("Logging", { EnableLogging: false, CloudWatchLogGroup: null }),
        ],
        fail: [
            section("TargetMetadata", { SupportLobs: false }),
            section("TargetMetadata", { LobMaxSize: 0 }),
            section("TargetMetadata", { FullLobMode: true, LimitedSizeLobMode: false }),
            section("TargetMetadata", { TargetSchema: "elsewhere" }),
            section("TargetMetadata", { ParallelApplyThreads: 8 }),
            section("TargetMetadata", { TaskRecoveryTableEnabled: true }),
            section("FullLoadSettings", { StopTaskCachedChangesApplied: true }),
            section("FullLoadSettings", { StopTaskCachedChangesNotApplied: true }),
            section("FullLoadSettings", { TransactionConsistencyTimeout: 1 }),
            section("ErrorBehavior", { DataErrorEscalationPolicy: "SUSPEND_TABLE" }),
            section("ErrorBehavior", { ApplyErrorEscalationPolicy: "SUSPEND_TABLE" }),
            section("ErrorBehavior", { RecoverableErrorCount: 3 }),
            section("ErrorBehavior", { FullLoadIgnoreConflicts: false }),
            section("ErrorBehavior", { ApplyErrorDeletePolicy: "IGNORE_RECORD" }),
            section("ErrorBehavior", { ApplyErrorFailOnTruncationDdl: undefined }),
            section("ErrorBehavior", { RecoverableErrorStopRetryAfterThrottlingMax: undefined }),
            section("ErrorBehavior", { IgnoreEverything: true }),
            section("ControlTablesSettings", { ControlSchema: "" }),
            section("ControlTablesSettings", { ControlSchema: "public" }),
            section("ControlTablesSettings", { ControlSchema: "elsewhere" }),
            section("ControlTablesSettings", { StatusTableEnabled: undefined }),
            section("ChangeProcessingDdlHandlingPolicy", { HandleSourceTableAltered: false }),
            section("ChangeProcessingTuning", { RecoveryTimeout: 5 }),
            section("Logging", {
                LogComponents: [{ Id: "TARGET_APPLY", Severity: "LOGGER_SEVERITY_ERROR" }],
            }),
            section("Logging", { LogComponents: [{ Id: "NOISE" }] }),
            section("Logging", { Destination: "elsewhere" }),
            settings({ TTSettings: { EnableTT: true } }),
            settings({ BeforeImageSettings: { EnableBeforeImage: true } }),
            settings({ ResyncSettings: { EnableResync: true, MaxResyncTime: 400 } }),
            settings({ LoopbackPreventionSettings: { EnableLoopbackPrevention: true } }),
            settings({ CharacterSetSettings: { CharacterReplacements: [] } }),
            settings({ ValidationSettings: { EnableValidation: true } }),
            settings({ ValidationSettings: { ValidationOnly: true } }),
            settings({ ErrorBehaviour: {} }),
        ],
        absent: [
            [{ replicationTaskSettings: undefined }, "refused"],
            [{ replicationTaskSettings: "{}" }, "refused"],
            [settings({ ControlTablesSettings: undefined }), "refused"],
            [settings({ StreamBufferSettings: undefined, Logging: undefined }), "passed"],
        ],
        unknown: [[{ replicationTaskSettings: UNKNOWN }, "undecided"]],
        wrongType: [
            { replicationTaskSettings: 7 },
            { replicationTaskSettings: "no JSON" },
            {
                replicationTaskSettings: JSON.stringify(goodSettings).replace(
                    '"DataErrorPolicy":',
                    '"DataErrorPolicy":"LOG_ERROR","DataErrorPoli\\u0063y":',
                ),
            },
            settings({ ErrorBehavior: "STOP_TASK" }),
            settings({ TTSettings: true }),
            settings({ FailTaskWhenCleanTaskResourceFailed: "false" }),
            section("Logging", { LogComponents: "all" }),
            section("Logging", { EnableLogContext: "false" }),
            section("TargetMetadata", { SupportLobs: "true" }),
            section("TargetMetadata", { LobMaxSize: "64" }),
            section("TargetMetadata", { LobMaxSize: 1.5 }),
        ],
    },
    {
        rule: "dms-endpoint-settings-known",
        type: ENDPOINT,
        pass: [
            source({ heartbeatFrequency: 10, executeTimeout: 120 }),
            source({ pluginName: "test_decoding", slotName: undefined }),
            { extraConnectionAttributes: "fetchCacheSize=20000;" },
            {
                ...source({ heartbeatEnable: undefined }),
                extraConnectionAttributes: "heartbeatEnable=Y",
            },
            { extraConnectionAttributes: "failTasksOnLobTruncation=true" },
            target({ maxFileSize: 65_536 }),
            target({ databaseMode: "default" }),
            // Judged by rules of their own.
            source({ captureDdls: true, afterConnectScript: "SELECT 1" }),
        ],
        fail: [
            source({ pluginName: "pglogical" }),
            source({ pluginName: "no-preference" }),
            source({ heartbeatEnable: false }),
            source({ heartbeatSchema: "public" }),
            source({ mapBooleanAsBoolean: false }),
            source({ slotName: "somebodys_slot" }),
            source({ mapLongVarcharAs: "clob" }),
            source({ sessionReplicationRole: "replica" }),
            source({ maxFileSize: 1 }),
            target({ mapBooleanAsBoolean: undefined }),
            target({ executeTimeout: 1 }),
            target({ babelfishDatabaseName: "db" }),
            target({ authenticationMethod: "iam" }),
            target({ heartbeatEnable: true }),
            // Beside postgresSettings that say the opposite.
            { extraConnectionAttributes: "failTasksOnLobTruncation=false" },
            { extraConnectionAttributes: "FailTasksOnLOBTruncation=N;captureDDLs=Y" },
            source({ FailTasksOnLobTruncation: false }),
            { extraConnectionAttributes: "afterConnectScript=SET x = 1" },
            { extraConnectionAttributes: "consumeMonotonicEvents=true" },
            { extraConnectionAttributes: "PluginName=pglogical" },
            { extraConnectionAttributes: "anything=1" },
            { extraConnectionAttributes: "no attribute" },
        ],
        absent: [
            [{ postgresSettings: undefined }, "refused"],
            [{ endpointType: "target", postgresSettings: undefined }, "refused"],
            [source({ heartbeatEnable: undefined }), "refused"],
            [source({ pluginName: undefined }), "refused"],
            [source({ heartbeatSchema: undefined }), "refused"],
            [source({ heartbeatFrequency: undefined }), "passed"],
        ],
        unknown: [
            [{ endpointType: UNKNOWN }, "undecided"],
            [{ postgresSettings: UNKNOWN }, "undecided"],
            [{ extraConnectionAttributes: UNKNOWN }, "undecided"],
            [source({ heartbeatEnable: UNKNOWN }), "undecided"],
            [{ ...source({ slotName: "x" }), extraConnectionAttributes: UNKNOWN }, "refused"],
        ],
        wrongType: [
            { postgresSettings: "heartbeatEnable" },
            { extraConnectionAttributes: 1 },
            source({ heartbeatEnable: "true" }),
            source({ executeTimeout: "60" }),
            source({ pluginName: ["test-decoding"] }),
        ],
    },
];
