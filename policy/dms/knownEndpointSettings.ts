import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isSafe, safeValues } from "../engine/setting";
import { isValues, shown, Unknown, type Values } from "../engine/values";
import { ENDPOINT_SETTINGS, type EndpointSetting, type Side } from "./endpointSettingsTable";

const SETTINGS: Readonly<Record<string, EndpointSetting>> = ENDPOINT_SETTINGS;

const knownSettings = resourceRule({
    name: "dms-endpoint-settings-known",
    displayName: "Every endpoint setting is known to be safe",
    description:
        "Every PostgreSQL setting of an endpoint, in postgresSettings or extraConnectionAttributes, is one that the pack knows to be safe for a trail. DMS's default of every setting that is left out must be safe too: by default booleans arrive as text, the slot of an idle database holds all WAL, and DMS prefers pglogical.",
    severity: "high",
    frameworks: [
        awsDocs("DMS user guide, PostgreSQL as a source", "Endpoint settings and their defaults"),
        awsDocs("DMS user guide, PostgreSQL as a target", "Endpoint settings and their defaults"),
        auditTrail("A recorded row is the whole row", "Values change on the way"),
    ],
    remediationSteps:
        "Set the key to a value of the table in docs/known-settings.md, or remove a key that is not in it; components/dms/dmsEndpoint.ts holds the settings.",
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.endpoint,
    types: ["aws:dms/endpoint:Endpoint"],
    check: (endpoint, findings) => {
        const side = endpoint.get("endpointType");
        if (side instanceof Unknown) {
            findings.undecided(side);
            return;
        }
        const given = givenSettings(
            endpoint.get("postgresSettings"),
            endpoint.get("extraConnectionAttributes"),
            findings,
        );
        for (const entry of given?.entries ?? []) {
            judgeGiven(entry, side === "target" ? "target" : "source", findings);
        }
        if (given?.complete === true) {
            const names = given.entries.map(({ name }) => name.toLowerCase());
            judgeAbsent(names, side === "target" ? "target" : "source", findings);
        }
    },
});

/** One setting as an endpoint gives it. */
interface GivenSetting {
    readonly name: string;
    readonly value: unknown;
    /** Whether it is in extraConnectionAttributes. */
    readonly isAttribute: boolean;
}

interface Given {
    readonly entries: readonly GivenSetting[];
    /** False when an unknown value may hide further settings. */
    readonly complete: boolean;
}

/** The settings of both inputs; undefined where one cannot be read, of which the findings then know. */
function givenSettings(
    settings: unknown,
    attributes: unknown,
    findings: Findings,
): Given | undefined {
    for (const value of [settings, attributes]) {
        if (value instanceof Unknown) {
            findings.undecided(value);
        }
    }
    const isUnknown = settings instanceof Unknown || attributes instanceof Unknown;
    if (settings !== undefined && !isValues(settings) && !(settings instanceof Unknown)) {
        findings.violation("postgresSettings is not an object; give the settings by name.");
        return undefined;
    }
    const parsed = typeof attributes === "string" ? parseAttributes(attributes) : [];
    if (
        parsed === undefined ||
        (attributes !== undefined &&
            typeof attributes !== "string" &&
            !(attributes instanceof Unknown))
    ) {
        findings.violation(
            'extraConnectionAttributes is not text of the form "name=value;name=value"; leave it out.',
        );
        return undefined;
    }
    const named: Values = isValues(settings) ? settings : {};
    const entries = Object.entries(named)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => ({ name, value, isAttribute: false }));
    return { entries: [...entries, ...parsed], complete: !isUnknown };
}

/** The attributes of a text such as `executeTimeout=60;captureDdls=false`; undefined when it is none. */
function parseAttributes(text: string): Given["entries"] | undefined {
    const parts = text.split(";").filter((part) => part.trim() !== "");
    const pairs = parts.map((part) => /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/s.exec(part));
    return pairs.some((pair) => pair === null)
        ? undefined
        : pairs.map((pair) => ({
              name: pair?.[1] ?? "",
              value: typed(pair?.[2] ?? ""),
              isAttribute: true,
          }));
}

/** An attribute's value as `postgresSettings` would write it. */
function typed(text: string): unknown {
    if (/^(true|y|yes)$/i.test(text)) {
        return true;
    }
    if (/^(false|n|no)$/i.test(text)) {
        return false;
    }
    return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function judgeGiven(
    { name, value, isAttribute }: GivenSetting,
    side: Side,
    findings: Findings,
): void {
    const key = Object.keys(SETTINGS).find((known) => known.toLowerCase() === name.toLowerCase());
    const known = key === undefined ? undefined : SETTINGS[key];
    if (known === undefined || !known.sides.includes(side)) {
        findings.violation(
            `${name} is not a setting of a PostgreSQL ${side} that the pack knows; remove it.`,
        );
        return;
    }
    // A rule of its own reads it where the program writes it. Under another spelling, or as an attribute, it may outrank that.
    if (known.rule !== undefined && name === key && !isAttribute) {
        return;
    }
    const { setting } = known;
    if (setting === undefined) {
        findings.violation(`${name} is given; remove it, because ${known.refusal ?? ""}.`);
        return;
    }
    findings.require(
        value,
        (candidate) => isSafe(setting, candidate),
        `${name} is ${shown(value)}; set ${safeValues(setting)}, because ${setting.reason}.`,
    );
}

/** Requires DMS's default to be safe for each setting that is left out. */
function judgeAbsent(given: readonly string[], side: Side, findings: Findings): void {
    for (const [name, { sides, setting, rule }] of Object.entries(SETTINGS)) {
        const isLeftOut =
            sides.includes(side) && rule === undefined && !given.includes(name.toLowerCase());
        if (isLeftOut && setting !== undefined && !isSafe(setting, setting.default)) {
            findings.violation(
                `${name} is absent, for which DMS takes ${shown(setting.default)}; set ${safeValues(setting)}, because ${setting.reason}.`,
            );
        }
    }
}

export const knownEndpointSettingsRules = [knownSettings] as const;
