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

const familyFits = stackRule({
    name: "stack-parameter-family",
    displayName: "Parameter groups fit their servers",
    description:
        "A cluster that a task reads or writes has a parameter group of this stack, and the group's family has the major version of the cluster's engineVersion: this stack does not control the parameters of other groups, and AWS refuses a family that does not fit only after it has built everything before it.",
    severity: "medium",
    frameworks: [
        awsDocs("Aurora user guide, parameter groups", "A group's family is that of the engine"),
        auditTrail("Every change is recorded", "A cluster without its parameters captures nothing"),
    ],
    remediationSteps:
        "Set the group's family to aurora-postgresql and the major version of the config key audit-trail:engineVersion.",
    url: pages.auroraParameterList,
    changedIn: "the config key audit-trail:engineVersion",
    check: (stack, findings) => {
        const type = "aws:rds/clusterParameterGroup:ClusterParameterGroup";
        const identifiers = ["name", "id"] as const;
        for (const database of databasesOfTasks(stack)) {
            const property = "dbClusterParameterGroupName";
            if (
                database.type === CLUSTER &&
                stack.behind(database, property, type, identifiers).length === 0
            ) {
                findings.violation(
                    `${property} of ${database.name} is not a parameter group of this stack, so that nobody knows its parameters; give it one.`,
                    database.urn,
                );
            }
        }
        for (const cluster of stack.ofType(CLUSTER)) {
            const version = stack.inputs(cluster, CLUSTER).get("engineVersion");
            const engine = stack.inputs(cluster, CLUSTER).get("engine");
            for (const group of stack.behind(
                cluster,
                "dbClusterParameterGroupName",
                type,
                identifiers,
            )) {
                const family = stack.inputs(group, type).get("family");
                const unknown = [version, engine, family].find((value) => value instanceof Unknown);
                const wanted = `${String(engine)}${/^\d+/.exec(String(version))?.[0] ?? ""}`;
                findings.require(
                    unknown ?? family,
                    (value) => version === undefined || value === wanted,
                    `family of ${group.name} is ${shown(family)} and engineVersion of ${cluster.name} ${shown(version)}; set "${wanted}".`,
                    group.urn,
                );
            }
        }
    },
});

export const databasePairRules = [isProtected, familyFits] as const;
