import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { readJson } from "../engine/jsonInput";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isSafe, safeValues, type Setting } from "../engine/setting";
import { isValues, shown, type Values } from "../engine/values";
import {
    LOG_COMPONENTS,
    LOG_SEVERITIES,
    LOGGING_KEYS,
    OFF_SECTIONS,
    ROOT_FLAGS,
    type Section,
    SECTIONS,
} from "./taskSettingsTable";

const WHERE = "in replicationTaskSettings";

/** Components whose log tells of lost or late changes: they say no less than DMS's default. */
const WATCHED: readonly string[] = [
    "SOURCE_UNLOAD",
    "SOURCE_CAPTURE",
    "TARGET_LOAD",
    "TARGET_APPLY",
];
const LEAST_SEVERITY = "LOGGER_SEVERITY_DEFAULT";

const knownSettings = resourceRule({
    name: "dms-task-settings-known",
    displayName: "Every task setting is known to be safe",
    description:
        "Every key and value of replicationTaskSettings is one that the pack knows to be safe for a trail. DMS's default of every key that is left out must be safe too. Any other setting may stop, drop or reorder changes.",
    severity: "high",
    frameworks: [
        awsDocs("DMS user guide, task settings", "Every section, key, value and default"),
        auditTrail("Every change is recorded", "A setting that nobody knows loses changes"),
        auditTrail("No two changes change places", "Parallel threads apply out of order"),
    ],
    remediationSteps:
        "Set the key to a value of the table in docs/known-settings.md, or remove a key that is not in it; components/dms/taskSettings.ts holds the settings.",
    url: pages.dmsTaskSettings,
    changedIn: `${programFiles.taskSettings}, and LobMaxSize in the config key audit-trail:maxLobSizeKb`,
    types: ["aws:dms/replicationTask:ReplicationTask"],
    check: (task, findings) => {
        const document = readJson(
            "replicationTaskSettings",
            task.get("replicationTaskSettings"),
            findings,
        );
        if (document.state === "unreadable") {
            return;
        }
        const root = document.state === "read" ? document.value : {};
        refuseUnknown(
            root,
            [...Object.keys(SECTIONS), ...Object.keys(OFF_SECTIONS), "Logging", ...ROOT_FLAGS],
            "",
            findings,
        );
        for (const [name, section] of Object.entries(SECTIONS)) {
            judgeSection(name, section, root[name], findings);
        }
        for (const name of Object.keys(OFF_SECTIONS)) {
            judgeOffSection(name, root[name], findings);
        }
        for (const name of ROOT_FLAGS) {
            const value = root[name];
            if (value !== undefined && typeof value !== "boolean") {
                findings.violation(`${name} ${WHERE} is ${shown(value)}; set true or false.`);
            }
        }
        judgeLogging(root.Logging, findings);
    },
});

function refuseUnknown(
    values: Values,
    known: readonly string[],
    section: string,
    findings: Findings,
): void {
    for (const key of Object.keys(values).filter((name) => !known.includes(name))) {
        findings.violation(
            `${section}${key} ${WHERE} is not a setting that the pack knows; remove it.`,
        );
    }
}

function judgeSection(name: string, section: Section, given: unknown, findings: Findings): void {
    if (given !== undefined && given !== null && !isValues(given)) {
        findings.violation(`${name} ${WHERE} is ${shown(given)}; give an object of settings.`);
        return;
    }
    const values = isValues(given) ? given : {};
    refuseUnknown(values, Object.keys(section), `${name}.`, findings);
    for (const [key, setting] of Object.entries(section)) {
        if (setting.rule === undefined) {
            judgeSetting(`${name}.${key}`, setting, values[key], findings);
        }
    }
}

function judgeSetting(where: string, setting: Setting, given: unknown, findings: Findings): void {
    if (!isSafe(setting, given === undefined ? setting.default : given)) {
        const found =
            given === undefined
                ? `is absent, for which DMS takes ${shown(setting.default)}`
                : `is ${shown(given)}`;
        findings.violation(
            `${where} ${WHERE} ${found}; set ${safeValues(setting)}, because ${setting.reason}.`,
        );
    }
}

function judgeOffSection(name: string, given: unknown, findings: Findings): void {
    const section = OFF_SECTIONS[name];
    if (section === undefined || given === undefined || given === null) {
        return;
    }
    const isOff = isValues(given) && section.switch !== "" && given[section.switch] === false;
    if (!isOff) {
        findings.violation(
            `${name} ${WHERE} is on or unclear; leave it out or null, because ${section.reason}.`,
        );
        return;
    }
    refuseUnknown(given, section.keys, `${name}.`, findings);
}

/** What the two rules about the section Logging leave: its other keys, and how much each component says. */
function judgeLogging(given: unknown, findings: Findings): void {
    if (!isValues(given)) {
        return;
    }
    refuseUnknown(given, LOGGING_KEYS, "Logging.", findings);
    const context = given.EnableLogContext;
    if (context !== undefined && typeof context !== "boolean") {
        findings.violation(
            `Logging.EnableLogContext ${WHERE} is ${shown(context)}; set true or false.`,
        );
    }
    const components = given.LogComponents ?? [];
    if (!Array.isArray(components)) {
        findings.violation(
            `Logging.LogComponents ${WHERE} is ${shown(components)}; give a list, or leave it out.`,
        );
        return;
    }
    for (const component of components as readonly unknown[]) {
        judgeLogComponent(component, findings);
    }
}

function judgeLogComponent(component: unknown, findings: Findings): void {
    const { Id: id, Severity: severity, ...others } = isValues(component) ? component : {};
    const least = WATCHED.includes(String(id)) ? LOG_SEVERITIES.indexOf(LEAST_SEVERITY) : 0;
    const isKnown =
        LOG_COMPONENTS.includes(String(id)) &&
        LOG_SEVERITIES.indexOf(String(severity)) >= least &&
        Object.keys(others).length === 0;
    if (!isKnown) {
        findings.violation(
            `Logging.LogComponents ${WHERE} holds ${shown(component)}; give {Id, Severity} with a documented component and ${LEAST_SEVERITY} or a more talkative severity.`,
        );
    }
}

export const knownTaskSettingsRules = [knownSettings] as const;
