import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { readJson } from "../engine/jsonInput";
import { programFiles } from "../engine/programFiles";
import { type ResourceRule, resourceRule, type RuleDescription } from "../engine/rule";
import { isValues, shown, type Values } from "../engine/values";

/** A section of the settings; one that is there must be an object. */
interface Section {
    readonly name: string;
    readonly values: Values;
}

/** A rule about one section of `replicationTaskSettings`; without settings, or without the section, it is empty. */
function sectionRule(
    rule: RuleDescription & {
        readonly section: string;
        readonly check: (section: Section, findings: Findings) => void;
    },
): ResourceRule {
    const { section: name, check, ...description } = rule;
    return resourceRule({
        ...description,
        types: ["aws:dms/replicationTask:ReplicationTask"],
        check: (task, findings) => {
            const text = task.get("replicationTaskSettings");
            const settings = readJson("replicationTaskSettings", text, findings);
            if (settings.state === "unreadable") {
                return;
            }
            const section = settings.state === "read" ? settings.value[name] : undefined;
            if (section !== undefined && section !== null && !isValues(section)) {
                findings.violation(
                    `${name} in replicationTaskSettings is not an object; give one.`,
                );
                return;
            }
            check({ name, values: isValues(section) ? section : {} }, findings);
        },
    });
}

function requireSetting(
    { name, values }: Section,
    key: string,
    allowed: readonly unknown[],
    findings: Findings,
): void {
    const value = values[key];
    findings.require(
        value,
        (setting) => allowed.includes(setting),
        `${name}.${key} in replicationTaskSettings is ${shown(value)}; set ${allowed
            .filter((setting) => setting !== undefined)
            .map(shown)
            .join(" or ")}.`,
    );
}

const keepsTargetTables = sectionRule({
    name: "dms-task-keeps-staging",
    displayName: "DMS leaves the staging tables alone",
    description:
        "TargetTablePrepMode is DO_NOTHING: the other modes drop the staging tables with their triggers, or empty them without a trace.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, full-load task settings", "TargetTablePrepMode"),
        auditTrail("Every change is recorded", "Staging without a trigger records nothing"),
    ],
    remediationSteps: "Set FullLoadSettings.TargetTablePrepMode to DO_NOTHING.",
    url: pages.dmsFullLoad,
    changedIn: programFiles.taskSettings,
    section: "FullLoadSettings",
    check: (section, findings) => {
        requireSetting(section, "TargetTablePrepMode", ["DO_NOTHING"], findings);
    },
});

const appliesEachChange = sectionRule({
    name: "dms-task-applies-each-change",
    displayName: "Changes are applied one by one",
    description:
        "BatchApplyEnabled is not true: batch apply merges the changes of a row, so that a delete and an insert become one update.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, target metadata task settings", "BatchApplyEnabled"),
        auditTrail("No two changes are merged", "Only a row's last state is recorded"),
    ],
    remediationSteps: "Set TargetMetadata.BatchApplyEnabled to false.",
    url: pages.dmsTargetMetadata,
    changedIn: programFiles.taskSettings,
    section: "TargetMetadata",
    check: (section, findings) => {
        requireSetting(section, "BatchApplyEnabled", [undefined, false], findings);
    },
});

const ignoresSourceDdl = sectionRule({
    name: "dms-task-survives-source-ddl",
    displayName: "A drop at the source leaves the trail standing",
    description:
        "HandleSourceTableDropped and HandleSourceTableTruncated are false: by default DMS drops or empties staging along with the source's table.",
    severity: "high",
    frameworks: [
        awsDocs("DMS user guide, task settings for DDL", "HandleSourceTableDropped, ...Truncated"),
        auditTrail("Old values come from staging", "Staging goes with the source's table"),
    ],
    remediationSteps:
        "Set HandleSourceTableDropped and HandleSourceTableTruncated in ChangeProcessingDdlHandlingPolicy to false.",
    url: pages.dmsDdlHandling,
    changedIn: programFiles.taskSettings,
    section: "ChangeProcessingDdlHandlingPolicy",
    check: (section, findings) => {
        requireSetting(section, "HandleSourceTableDropped", [false], findings);
        requireSetting(section, "HandleSourceTableTruncated", [false], findings);
    },
});

/** A suspended table is left behind, and a reload brings only its last state: a stopped task loses nothing. */
const halts = ["STOP_TASK"] as const;

const losesNoChange = sectionRule({
    name: "dms-task-loses-no-change",
    displayName: "An error never drops a change",
    description:
        "Data, truncation and table errors stop the task. Insert and update conflicts are applied, or stop the task too. By default DMS logs the error and goes on without the change, or suspends the table, whose changes are then missing until it is loaded again.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, error handling task settings", "The default LOG_ERROR goes on"),
        auditTrail("Every change is recorded", "A change is lost and only a log line shows it"),
    ],
    remediationSteps:
        "Set DataErrorPolicy, DataTruncationErrorPolicy and TableErrorPolicy to STOP_TASK, ApplyErrorInsertPolicy to INSERT_RECORD and ApplyErrorUpdatePolicy to UPDATE_RECORD in ErrorBehavior.",
    url: pages.dmsErrorHandling,
    changedIn: programFiles.taskSettings,
    section: "ErrorBehavior",
    check: (section, findings) => {
        requireSetting(section, "DataErrorPolicy", halts, findings);
        requireSetting(section, "DataTruncationErrorPolicy", halts, findings);
        requireSetting(section, "TableErrorPolicy", halts, findings);
        requireSetting(section, "ApplyErrorInsertPolicy", ["INSERT_RECORD", ...halts], findings);
        requireSetting(section, "ApplyErrorUpdatePolicy", ["UPDATE_RECORD", ...halts], findings);
    },
});

const readOnlyKeys = ["CloudWatchLogGroup", "CloudWatchLogStream"] as const;

const noReadOnlyKeys = sectionRule({
    name: "dms-task-no-log-group-keys",
    displayName: "Settings hold no read-only keys",
    description:
        "Logging holds neither CloudWatchLogGroup nor CloudWatchLogStream, not even null: AWS refuses the task, or shows a difference at every preview.",
    severity: "medium",
    frameworks: [
        awsDocs(
            "Pulumi registry, aws.dms.ReplicationTask",
            "CloudWatchLogGroup and CloudWatchLogStream are read-only",
        ),
    ],
    remediationSteps: "Remove CloudWatchLogGroup and CloudWatchLogStream from Logging.",
    url: pages.replicationTask,
    changedIn: programFiles.taskSettings,
    section: "Logging",
    check: (section, findings) => {
        for (const key of readOnlyKeys.filter((name) => name in section.values)) {
            findings.violation(
                `${section.name}.${key} in replicationTaskSettings is read-only; remove it.`,
            );
        }
    },
});

const isLogged = sectionRule({
    name: "dms-task-logged",
    displayName: "The task writes a log",
    description:
        "EnableLogging is true: without the log nobody can tell why a change is late or missing.",
    severity: "medium",
    frameworks: [
        securityHub(
            "DMS.7",
            "DMS replication tasks for the target database should have logging enabled",
        ),
        securityHub(
            "DMS.8",
            "DMS replication tasks for the source database should have logging enabled",
        ),
    ],
    remediationSteps: "Set Logging.EnableLogging to true.",
    url: pages.dmsLogging,
    changedIn: programFiles.taskSettings,
    section: "Logging",
    check: (section, findings) => {
        requireSetting(section, "EnableLogging", [true], findings);
    },
});

export const settingsRules = [
    keepsTargetTables,
    appliesEachChange,
    ignoresSourceDdl,
    losesNoChange,
    noReadOnlyKeys,
    isLogged,
] as const;
