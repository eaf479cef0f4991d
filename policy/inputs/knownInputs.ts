import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import type { ResourceType } from "../engine/resourceTypes";
import type { ResourceRule, RuleContext } from "../engine/rule";
import { isValues, items, readValue, shown, Unknown, type Values } from "../engine/values";
import { accessInputs } from "./access";
import { bucketInputs } from "./buckets";
import { databaseInputs } from "./databases";
import { dmsInputs } from "./dms";
import type { InputKind, InputTable } from "./kinds";
import { networkInputs } from "./network";

/** Every input that the pack knows, by type. */
const INPUTS: Readonly<Record<string, InputTable>> = {
    ...networkInputs,
    ...accessInputs,
    ...bucketInputs,
    ...databaseInputs,
    ...dmsInputs,
};

/** What the engine and the providers put among the inputs. */
const NOT_INPUTS: readonly string[] = ["__defaults", "id", "timeouts"];

/** Inputs whose values are nobody's business but the database's. */
const SECRET = /password|secretString/i;

const knownInputs: ResourceRule = {
    scope: "resource",
    name: "inputs-known",
    displayName: "Every input is known to be safe",
    description:
        "Every input of a resource of the program's types is one that the pack knows, of the right kind and with a safe value. An input whose default is not safe must be given. An input that the pack does not know is left out or off, because providers add inputs with every release.",
    severity: "high",
    frameworks: [
        auditTrail("Nobody but DMS and the operator reaches the trail", "An input nobody judged"),
        awsDocs("Pulumi registry, AWS and PostgreSQL providers", "The inputs of each type"),
        securityHub("EC2.2", "VPC default security groups should not allow traffic"),
        securityHub("EC2.15", "EC2 subnets should not automatically assign public IP addresses"),
        securityHub("EC2.180", "EC2 network interfaces should check source and destination"),
        securityHub("RDS.16", "Aurora DB clusters should be configured to copy tags to snapshots"),
        securityHub("RDS.18", "RDS instances should be deployed in a VPC"),
    ],
    remediationSteps:
        "Set the input to a value that the message names, or remove it; to allow one that you have judged yourself, add it to the rule's setting alsoAllowed, as its type token, a dot and its name.",
    url: pages.registry,
    changedIn: "components, where the resource is made",
    configSchema: {
        properties: {
            alsoAllowed: {
                type: "array",
                items: { type: "string" },
                default: [],
                description:
                    "Further inputs, such as aws:rds/cluster:Cluster.enableHttpEndpoint, whatever their values.",
            },
        },
    },
    types: Object.keys(INPUTS) as ResourceType[],
    judge: (properties, findings, context) => {
        judge(properties, INPUTS[context.type] ?? {}, findings, context);
    },
};

function judge(
    properties: Values,
    table: InputTable,
    findings: Findings,
    { type, config }: RuleContext,
): void {
    const allowed = items(config.alsoAllowed);
    const isAllowed = (name: string): boolean => allowed.includes(`${type}.${name}`);
    for (const name of Object.keys(properties)) {
        const isOther = !(name in table) && !NOT_INPUTS.includes(name) && !isAllowed(name);
        const value = readValue(() => properties[name]);
        if (isOther && !isOff(value)) {
            findings.violation(
                `${name} is given, which the pack does not know to be safe; remove it.`,
            );
        }
    }
    for (const [name, kind] of Object.entries(table)) {
        if (!isAllowed(name)) {
            judgeInput(
                name,
                kind,
                readValue(() => properties[name]),
                findings,
            );
        }
    }
}

function judgeInput(name: string, kind: InputKind, value: unknown, findings: Findings): void {
    if (value instanceof Unknown) {
        if (kind.decides) {
            findings.undecided(value);
        }
        return;
    }
    if (value === undefined ? kind.required : !kind.safe(value)) {
        const found = SECRET.test(name) ? typeof value : shown(value);
        findings.violation(`${name} is ${found}; set ${kind.words}.`);
    }
}

/** True of what a provider shows for an input that nobody gave. */
function isOff(value: unknown): boolean {
    return (
        value === undefined ||
        value === false ||
        value === "" ||
        (Array.isArray(value) && value.length === 0) ||
        (isValues(value) && Object.keys(value).length === 0)
    );
}

export const knownInputRules = [knownInputs] as const;
