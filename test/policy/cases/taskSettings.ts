import type { Values } from "../../../policy/engine/values";
import { goodSettings } from "../support/goodStack";
import { UNKNOWN } from "../support/judge";
import type { Outcome, ResourceCases } from "./resourceCases";

const TASK = "aws:dms/replicationTask:ReplicationTask";

/** Inputs of a task whose settings differ in one section; undefined removes a key. */
const settings = (section: string, change: Values): Values => ({
    replicationTaskSettings: JSON.stringify({
        ...goodSettings,
        [section]: { ...goodSettings[section], ...change },
    }),
});

const badSettings = (section: string): readonly Values[] => [
    { replicationTaskSettings: 7 },
    { replicationTaskSettings: "no JSON" },
    { replicationTaskSettings: "[]" },
    { replicationTaskSettings: JSON.stringify({ ...goodSettings, [section]: "text" }) },
];

const settingsCases = (
    rule: string,
    section: string,
    details: Pick<ResourceCases, "pass" | "fail" | "wrongType"> & { readonly withoutIt: Outcome },
): ResourceCases => ({
    rule,
    type: TASK,
    pass: details.pass,
    fail: details.fail,
    absent: [
        [{ replicationTaskSettings: undefined }, details.withoutIt],
        [{ replicationTaskSettings: "{}" }, details.withoutIt],
    ],
    unknown: [[{ replicationTaskSettings: UNKNOWN }, "undecided"]],
    wrongType: [...badSettings(section), ...details.wrongType],
});

/** Cases of the rules about task settings. */
export const taskSettingsCases: readonly ResourceCases[] = [
    settingsCases("dms-task-keeps-staging", "FullLoadSettings", {
        pass: [settings("FullLoadSettings", { CommitRate: 50000 })],
        fail: ["DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD", null, undefined].map((mode) =>
            settings("FullLoadSettings", { TargetTablePrepMode: mode }),
        ),
        wrongType: [settings("FullLoadSettings", { TargetTablePrepMode: ["DO_NOTHING"] })],
        withoutIt: "refused",
    }),
    settingsCases("dms-task-applies-each-change", "TargetMetadata", {
        pass: [settings("TargetMetadata", { BatchApplyEnabled: undefined })],
        fail: [settings("TargetMetadata", { BatchApplyEnabled: true })],
        wrongType: [
            settings("TargetMetadata", { BatchApplyEnabled: "false" }),
            settings("TargetMetadata", { BatchApplyEnabled: 1 }),
        ],
        withoutIt: "passed",
    }),
    settingsCases("dms-task-survives-source-ddl", "ChangeProcessingDdlHandlingPolicy", {
        pass: [settings("ChangeProcessingDdlHandlingPolicy", { HandleSourceTableAltered: true })],
        fail: ["HandleSourceTableDropped", "HandleSourceTableTruncated"].flatMap((key) => [
            settings("ChangeProcessingDdlHandlingPolicy", { [key]: true }),
            settings("ChangeProcessingDdlHandlingPolicy", { [key]: undefined }),
        ]),
        wrongType: [
            settings("ChangeProcessingDdlHandlingPolicy", { HandleSourceTableDropped: "false" }),
        ],
        withoutIt: "refused",
    }),
    settingsCases("dms-task-loses-no-change", "ErrorBehavior", {
        pass: [
            settings("ErrorBehavior", {
                ApplyErrorInsertPolicy: "STOP_TASK",
                ApplyErrorUpdatePolicy: "STOP_TASK",
            }),
        ],
        fail: [
            "DataErrorPolicy",
            "DataTruncationErrorPolicy",
            "TableErrorPolicy",
            "ApplyErrorInsertPolicy",
            "ApplyErrorUpdatePolicy",
        ].flatMap((key) =>
            ["LOG_ERROR", "IGNORE_RECORD", "SUSPEND_TABLE", undefined].map((value) =>
                settings("ErrorBehavior", { [key]: value }),
            ),
        ),
        wrongType: [settings("ErrorBehavior", { DataErrorPolicy: 1 })],
        withoutIt: "refused",
    }),
    settingsCases("dms-task-no-log-group-keys", "Logging", {
        pass: [settings("Logging", { LogComponents: [] })],
        fail: [
            settings("Logging", { CloudWatchLogGroup: "dms-tasks" }),
            settings("Logging", { CloudWatchLogStream: null }),
        ],
        wrongType: [settings("Logging", { CloudWatchLogGroup: 1 })],
        withoutIt: "passed",
    }),
    settingsCases("dms-task-logged", "Logging", {
        pass: [settings("Logging", { EnableLogContext: true })],
        fail: [
            settings("Logging", { EnableLogging: false }),
            settings("Logging", { EnableLogging: undefined }),
        ],
        wrongType: [settings("Logging", { EnableLogging: "true" })],
        withoutIt: "refused",
    }),
];
