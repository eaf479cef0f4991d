import type { PolicyResource } from "@pulumi/policy";
import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { stackRule } from "../engine/rule";
import type { StackView } from "../engine/stackView";
import { databasesBehind, leadsToExistingSource, tasksOf } from "../engine/topology";
import { isText, shown } from "../engine/values";
import { parametersNamed, requireLogicalReplication } from "../rds/parameters";

const sourceReplicates = stackRule({
    name: "stack-source-replicates-logically",
    displayName: "The source is set up for change capture",
    description:
        "The database behind a task's source endpoint uses a parameter group of this stack with rds.logical_replication = 1: without it the task fails after everything else was built.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, PostgreSQL as a source", "rds.logical_replication is 1"),
        auditTrail("Every change is recorded", "No logical decoding, no change capture"),
    ],
    remediationSteps:
        "Give the source cluster, by dbClusterParameterGroupName, a ClusterParameterGroup with rds.logical_replication = 1 and pending-reboot.",
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.parameters,
    check: (stack, findings) => {
        const endpoints = new Set(tasksOf(stack).flatMap(({ sources }) => sources));
        const databases = new Set(
            [...endpoints].flatMap((endpoint) => databasesBehind(stack, endpoint)),
        );
        for (const database of databases) {
            requireReplicatingGroup(stack, database, findings);
        }
    },
});

function requireReplicatingGroup(
    stack: StackView,
    database: PolicyResource,
    findings: Findings,
): void {
    const [property, type] =
        database.type === "aws:rds/cluster:Cluster"
            ? ([
                  "dbClusterParameterGroupName",
                  "aws:rds/clusterParameterGroup:ClusterParameterGroup",
              ] as const)
            : (["parameterGroupName", "aws:rds/parameterGroup:ParameterGroup"] as const);
    const groups = stack.behind(database, property, type, ["name", "id"]);
    if (groups.length === 0) {
        findings.violation(
            `${database.name} is a source but its ${property} is not a parameter group of this stack; give it one with rds.logical_replication = 1.`,
            database.urn,
        );
    }
    for (const group of groups) {
        const parameters = stack.inputs(group, type).get("parameters");
        const name = "rds.logical_replication";
        const named = parametersNamed(name, parameters, findings, group.urn);
        if (named.complete && named.entries.length === 0) {
            findings.violation(
                `The parameter group of the source ${database.name} lacks ${name}; add it with the value "1" and applyMethod "pending-reboot".`,
                group.urn,
            );
        }
        for (const parameter of named.entries) {
            requireLogicalReplication(parameter, findings, group.urn);
        }
    }
}

const separateDatabases = stackRule({
    name: "stack-trail-apart-from-source",
    displayName: "The trail lives on a server of its own",
    description:
        "The endpoints of a task lead to different clusters: whoever may rewrite the audited rows must not be able to rewrite the trail, and on one cluster DMS would read its own writes.",
    severity: "critical",
    frameworks: [
        auditTrail("The source's owner cannot edit the trail", "One superuser rules both"),
        awsDocs("DMS user guide, transformation rules", "Source and target objects must differ"),
    ],
    remediationSteps: "Create a second cluster and let the target endpoint's secret point to it.",
    url: pages.dmsMappingTransformations,
    changedIn: "index.ts",
    check: (stack, findings) => {
        for (const { task, sources, targets } of tasksOf(stack)) {
            const read = sources.flatMap((source) => places(stack, source));
            const written = targets.flatMap((target) => places(stack, target));
            const shared = read.find((place) => written.includes(place));
            if (shared !== undefined) {
                findings.violation(
                    `Source and target of ${task.name} both lead to ${typeof shared === "string" ? shared : shared.name}; give the trail a cluster of its own.`,
                    task.urn,
                );
            }
        }
    },
});

/** Where an endpoint leads, as far as the stack tells: databases and secrets of the stack, literal addresses. */
export function places(
    stack: StackView,
    endpoint: PolicyResource,
): readonly (PolicyResource | string)[] {
    const inputs = stack.inputs(endpoint, "aws:dms/endpoint:Endpoint");
    const secret = "aws:secretsmanager/secret:Secret";
    return [
        ...databasesBehind(stack, endpoint),
        ...stack.behind(endpoint, "secretsManagerArn", secret, ["arn"]),
        ...[inputs.get("secretsManagerArn"), inputs.get("serverName")].filter(isText),
        endpoint,
    ];
}

const endpointDirections = stackRule({
    name: "stack-task-endpoint-directions",
    displayName: "A task reads from the source and writes to the target",
    description:
        "A task's sourceEndpointArn is an endpoint of type source, its targetEndpointArn one of type target, and they lead to the program's source and audit cluster; the source may be a server that the stack did not make. With the two exchanged, the task would write into the audited tables.",
    severity: "high",
    frameworks: [
        auditTrail("Nothing is written on the source", "The task writes into the audited tables"),
    ],
    remediationSteps: "Exchange the endpoints, or correct their endpointType.",
    url: pages.dmsTasks,
    changedIn: programFiles.replication,
    check: (stack, findings) => {
        for (const { sources, targets } of tasksOf(stack)) {
            requireDirection(stack, sources, "source", findings);
            requireDirection(stack, targets, "target", findings);
            requireHome(stack, sources, "audit", findings);
            requireHome(stack, targets, "source", findings);
        }
    },
});

function requireDirection(
    stack: StackView,
    endpoints: readonly PolicyResource[],
    direction: "source" | "target",
    findings: Findings,
): void {
    for (const endpoint of endpoints) {
        const type = stack.inputs(endpoint, "aws:dms/endpoint:Endpoint").get("endpointType");
        findings.require(
            type,
            (value) => value === direction,
            `${endpoint.name} is a task's ${direction} but its endpointType is ${shown(type)}; set "${direction}".`,
            endpoint.urn,
        );
    }
}

/** The program's names of its two servers; those of other programs say nothing. */
const SERVERS = {
    source: /(^|-)source-(cluster|instance)$/,
    audit: /(^|-)audit-(cluster|instance)$/,
} as const;

/** Refuses endpoints that lead out of the stack, or to the server which the program has made for the other side. */
function requireHome(
    stack: StackView,
    endpoints: readonly PolicyResource[],
    other: keyof typeof SERVERS,
    findings: Findings,
): void {
    for (const endpoint of endpoints) {
        const databases = databasesBehind(stack, endpoint);
        const isExisting = other === "audit" && leadsToExistingSource(stack, endpoint);
        if (databases.length === 0 && !isExisting) {
            findings.violation(
                `${endpoint.name} leads to no database of this stack; give it the secret that is made from one.`,
                endpoint.urn,
            );
        }
        const astray = databases.find(({ name }) => SERVERS[other].test(name));
        if (astray !== undefined) {
            findings.violation(
                `${endpoint.name} leads to ${astray.name}; give it the secret of the other one.`,
                endpoint.urn,
            );
        }
    }
}

export const endpointPairRules = [sourceReplicates, separateDatabases, endpointDirections] as const;
