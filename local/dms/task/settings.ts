import {
    LOG_COMPONENTS,
    LOG_SEVERITIES,
    LOGGING_KEYS,
    OFF_SECTIONS,
    ROOT_FLAGS,
    type Section,
    SECTIONS,
} from "../../../policy/dms/taskSettingsTable";
import { inWords, isWithin, type Setting } from "../../../policy/engine/setting";
import { TaskError } from "../errors";
import { asArray, asObject, type JsonObject, parseObject, refuseUnknownKeys } from "./jsonFields";

type Value<S extends Setting> = S extends { kind: "boolean" }
    ? boolean
    : S extends { kind: "integer" }
      ? number
      : string;
type Values<S extends Section> = { readonly [K in keyof S]: Value<S[K]> };

/** Task settings with every documented default filled in. */
export type TaskSettings = {
    readonly [K in keyof typeof SECTIONS]: Values<(typeof SECTIONS)[K]>;
};

/**
 * Parses the task-settings JSON. Unknown keys are refused, and so is every value that this stand-in would treat
 * differently from DMS without saying so.
 */
export function parseTaskSettings(json: string): TaskSettings {
    const root = parseObject(json.trim() === "" ? "{}" : json, "The task settings");
    refuseUnknownKeys(
        root,
        [...Object.keys(SECTIONS), ...Object.keys(OFF_SECTIONS), "Logging", ...ROOT_FLAGS],
        "The task settings",
    );
    checkLogging(root.Logging);
    checkOffSections(root);
    for (const name of ROOT_FLAGS) {
        if (!["undefined", "boolean"].includes(typeof root[name])) {
            throw new TaskError(`${name} must be true or false.`);
        }
    }
    const settings = Object.fromEntries(
        Object.entries(SECTIONS).map(([name, section]) => [
            name,
            parseSection(name, section, root),
        ]),
    ) as unknown as TaskSettings;
    const lobs = settings.TargetMetadata;
    if (lobs.SupportLobs && lobs.FullLobMode === lobs.LimitedSizeLobMode) {
        throw new TaskError(
            "TargetMetadata: with SupportLobs, exactly one of FullLobMode and LimitedSizeLobMode must be true.",
        );
    }
    if (lobs.InlineLobMaxSize > 0 && !lobs.FullLobMode) {
        throw new TaskError("TargetMetadata: InlineLobMaxSize needs FullLobMode.");
    }
    return settings;
}

function parseSection(name: string, section: Section, root: JsonObject): JsonObject {
    const given = root[name] === undefined ? {} : asObject(root[name], name);
    refuseUnknownKeys(given, Object.keys(section), name);
    return Object.fromEntries(
        Object.entries(section).map(([key, setting]) => [
            key,
            given[key] === undefined
                ? setting.default
                : checked(given[key], setting, `${name}.${key}`),
        ]),
    );
}

/** The value, when it is one that DMS takes and this stand-in supports. */
function checked(value: unknown, setting: Setting, where: string): unknown {
    switch (setting.kind) {
        case "boolean":
            if (typeof value !== "boolean") {
                throw new TaskError(`${where} must be true or false.`);
            }
            if (setting.supported?.includes(value) === false) {
                throw new TaskError(
                    `${where} must be ${setting.supported.join(" or ")}: the other value is not supported for an audit trail.`,
                );
            }
            return value;
        case "integer": {
            const range = setting.supported ?? setting.range;
            if (!isWithin(value, range)) {
                throw new TaskError(`${where} must be ${inWords(range)}.`);
            }
            return value;
        }
        case "choice": {
            const words = setting.supported ?? setting.of;
            if (typeof value !== "string" || !words.includes(value)) {
                throw new TaskError(`${where} must be one of ${words.join(", ")}.`);
            }
            return value;
        }
        case "text":
            if (value !== null && typeof value !== "string") {
                throw new TaskError(`${where} must be a text.`);
            }
            return value ?? "";
    }
}

function checkOffSections(root: JsonObject): void {
    for (const [name, section] of Object.entries(OFF_SECTIONS)) {
        const value = root[name];
        if (value === undefined || value === null) {
            continue;
        }
        const given = asObject(value, name);
        refuseUnknownKeys(given, section.keys, name);
        if (section.switch === "" || given[section.switch] === true) {
            throw new TaskError(`${name} is not supported by this stand-in: leave it null.`);
        }
    }
}

function checkLogging(value: unknown): void {
    if (value === undefined) {
        return;
    }
    const logging = asObject(value, "Logging");
    refuseUnknownKeys(logging, LOGGING_KEYS, "Logging");
    for (const key of ["CloudWatchLogGroup", "CloudWatchLogStream"]) {
        if (logging[key] !== undefined && logging[key] !== null) {
            throw new TaskError(`Logging.${key} must be absent: DMS sets it itself.`);
        }
    }
    for (const entry of asArray(logging.LogComponents ?? [], "Logging.LogComponents")) {
        const component = asObject(entry, "Logging.LogComponents");
        refuseUnknownKeys(component, ["Id", "Severity"], "Logging.LogComponents");
        if (!LOG_COMPONENTS.includes(String(component.Id))) {
            throw new TaskError(`Logging.LogComponents: "${String(component.Id)}" is not known.`);
        }
        if (!LOG_SEVERITIES.includes(String(component.Severity))) {
            throw new TaskError(
                `Logging.LogComponents: the Severity "${String(component.Severity)}" is not known.`,
            );
        }
    }
}
