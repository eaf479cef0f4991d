import type { PolicyResource } from "@pulumi/policy";
import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { stackRule } from "../engine/rule";
import type { StackView } from "../engine/stackView";
import { databasesBehind, tasksOf } from "../engine/topology";
import { isText, shown, Unknown } from "../engine/values";

const CLUSTER = "aws:rds/cluster:Cluster";
const INSTANCE = "aws:rds/instance:Instance";

/** The databases that the tasks of a stack read or write. */
function databasesOfTasks(stack: StackView): readonly PolicyResource[] {
    const endpoints = tasksOf(stack).flatMap(({ sources, targets }) => [...sources, ...targets]);
    return [...new Set(endpoints.flatMap((endpoint) => databasesBehind(stack, endpoint)))];
}

const isProtected = stackRule({
    name: "stack-trail-protected",
    displayName: "Source and trail cannot be deleted by a slip",
    description:
        "The databases of a task have deletionProtection and leave a final snapshot, unless the rule's setting protection says that they may be thrown away: a trail that one command can delete proves nothing.",
    severity: "high",
    frameworks: [
        securityHub("RDS.7", "RDS clusters should have deletion protection enabled"),
        securityHub("RDS.8", "RDS DB instances should have deletion protection enabled"),
        auditTrail("The log is append-only", "The whole log is deleted"),
    ],
    remediationSteps:
        'Set the config key audit-trail:deletionProtection to true; for a stack to be thrown away use policy/config/dev.json, which sets protection to "none".',
    url: pages.hubRds,
    changedIn: "the config key audit-trail:deletionProtection",
    configSchema: {
        properties: {
            protection: {
                type: "string",
                enum: ["required", "none"],
                default: "required",
                description: "Whether the databases must be protected against deletion.",
            },
        },
    },
    check: (stack, findings, config) => {
        if (config.protection === "none") {
            return;
        }
        for (const database of databasesOfTasks(stack)) {
            requireProtection(stack, database, findings);
        }
    },
});

function requireProtection(stack: StackView, database: PolicyResource, findings: Findings): void {
    const inputs =
        database.type === CLUSTER
            ? stack.inputs(database, CLUSTER)
            : stack.inputs(database, INSTANCE);
    const advice = "set the config key audit-trail:deletionProtection to true";
    const protection = inputs.get("deletionProtection");
    findings.require(
        protection,
        (value) => value === true,
        `deletionProtection of ${database.name} is ${shown(protection)}; ${advice}.`,
        database.urn,
    );
    const skips = inputs.get("skipFinalSnapshot");
    findings.require(
        skips,
        (value) => value === undefined || value === false,
        `skipFinalSnapshot of ${database.name} is ${shown(skips)}; ${advice}.`,
        database.urn,
    );
    // A name that is not known yet is there all the same.
    const snapshot = inputs.get("finalSnapshotIdentifier");
    if (!(snapshot instanceof Unknown) && !isText(snapshot)) {
        findings.violation(
            `finalSnapshotIdentifier of ${database.name} is ${shown(snapshot)}; ${advice}.`,
            database.urn,
        );
    }
}

/** The parameter groups of a type of servers, and the input by which a server names its own. */
const GROUPS = {
    [CLUSTER]: {
        type: "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        property: "dbClusterParameterGroupName",
    },
    [INSTANCE]: { type: "aws:rds/parameterGroup:ParameterGroup", property: "parameterGroupName" },
} as const;

const familyFits = stackRule({
    name: "stack-parameter-family",
    displayName: "Parameter groups fit their servers",
    description:
        "A server that a task reads or writes has a parameter group of this stack, and the group's family has the engine and the major version of the server: this stack does not control the parameters of other groups, and AWS refuses a family that does not fit only after it has built everything before it.",
    severity: "medium",
    frameworks: [
        awsDocs("Aurora user guide, parameter groups", "A group's family is that of the engine"),
        auditTrail("Every change is recorded", "A server without its parameters captures nothing"),
    ],
    remediationSteps:
        "Set the group's family to the server's engine and the major version of its engineVersion.",
    url: pages.auroraParameterList,
    changedIn: "the config key audit-trail:engineVersion",
    check: (stack, findings) => {
        for (const database of databasesOfTasks(stack)) {
            const isCluster = database.type === CLUSTER;
            requireGroup(stack, database, isCluster ? CLUSTER : INSTANCE, findings);
        }
        for (const server of [CLUSTER, INSTANCE] as const) {
            for (const one of stack.ofType(server)) {
                requireFamily(stack, one, server, findings);
            }
        }
    },
});

const IDENTIFIERS = ["name", "id"] as const;

function requireGroup(
    stack: StackView,
    database: PolicyResource,
    server: keyof typeof GROUPS,
    findings: Findings,
): void {
    const { property, type } = GROUPS[server];
    if (stack.behind(database, property, type, IDENTIFIERS).length === 0) {
        findings.violation(
            `${property} of ${database.name} is not a parameter group of this stack, so that nobody knows its parameters; give it one.`,
            database.urn,
        );
    }
}

function requireFamily(
    stack: StackView,
    resource: PolicyResource,
    server: keyof typeof GROUPS,
    findings: Findings,
): void {
    const { property, type } = GROUPS[server];
    const version = stack.inputs(resource, server).get("engineVersion");
    const engine = stack.inputs(resource, server).get("engine");
    for (const group of stack.behind(resource, property, type, IDENTIFIERS)) {
        const family = stack.inputs(group, type).get("family");
        const unknown = [version, engine, family].find((value) => value instanceof Unknown);
        const wanted = `${String(engine)}${/^\d+/.exec(String(version))?.[0] ?? ""}`;
        findings.require(
            unknown ?? family,
            (value) => version === undefined || value === wanted,
            `family of ${group.name} is ${shown(family)} and engineVersion of ${resource.name} ${shown(version)}; set "${wanted}".`,
            group.urn,
        );
    }
}

export const databasePairRules = [isProtected, familyFits] as const;
