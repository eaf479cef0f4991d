import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isValues, items, shown, Unknown, type Values } from "../engine/values";
import { PARAMETERS } from "./parameterTable";

const METHODS: readonly unknown[] = ["pending-reboot", "immediate"];

const knownParameters = resourceRule({
    name: "rds-parameters-known",
    displayName: "Every server parameter is known to be safe",
    description:
        "Every parameter of a parameter group is one that the pack knows to be safe for a trail, with a value in its range: other parameters can switch triggers off, lose WAL that DMS has not read, end DMS's sessions or weaken logins.",
    severity: "high",
    frameworks: [
        awsDocs("Aurora user guide, PostgreSQL parameters", "Parameters of cluster groups"),
        auditTrail("Every change is recorded", "A slot is dropped, a trigger does not fire"),
        auditTrail("Nobody but DMS and the operator reaches the trail", "Weak logins and TLS"),
    ],
    remediationSteps:
        "Set a value of the table in docs/known-settings.md, or remove the parameter; to allow one that you have judged yourself, add it to the rule's setting alsoAllowed, as a name.",
    url: pages.auroraParameterList,
    changedIn: programFiles.parameters,
    configSchema: {
        properties: {
            alsoAllowed: {
                type: "array",
                items: { type: "string" },
                default: [],
                description: "Names of further parameters that somebody has judged to be safe.",
            },
        },
    },
    types: [
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "aws:rds/parameterGroup:ParameterGroup",
    ],
    check: (group, findings, { config }) => {
        const parameters = group.get("parameters");
        findings.require(
            parameters,
            (value) => value === undefined || Array.isArray(value),
            `parameters is ${typeof parameters}; give a list of {name, value, applyMethod}.`,
        );
        for (const parameter of items(parameters)) {
            findings.require(
                parameter,
                isValues,
                `parameters holds ${typeof parameter}; give {name, value, applyMethod}.`,
            );
            if (isValues(parameter)) {
                judge(parameter, items(config.alsoAllowed), findings);
            }
        }
    },
});

function judge(
    { name, value, applyMethod, ...others }: Values,
    alsoAllowed: readonly unknown[],
    findings: Findings,
): void {
    if (name instanceof Unknown) {
        findings.undecided(name);
        return;
    }
    findings.require(
        applyMethod,
        (method) => method === undefined || METHODS.includes(method),
        `parameters sets ${shown(name)} with applyMethod ${shown(applyMethod)}; set "pending-reboot".`,
    );
    const [other] = Object.keys(others);
    if (other !== undefined) {
        findings.violation(
            `parameters sets ${shown(name)} with ${other} beside name and value; remove it.`,
        );
    }
    if (alsoAllowed.includes(name)) {
        return;
    }
    const setting =
        typeof name === "string" && Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (setting === undefined) {
        findings.violation(
            `parameters sets ${shown(name)}, which the pack does not know to be safe; remove it.`,
        );
        return;
    }
    findings.require(
        value,
        (candidate) => typeof candidate === "string" && setting.safe(candidate),
        `parameters sets ${shown(name)} to ${shown(value)}; set ${setting.words}, because ${setting.reason}.`,
    );
}

export const knownParameterRules = [knownParameters] as const;
