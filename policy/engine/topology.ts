import type { PolicyResource } from "@pulumi/policy";
import { dependencies, type StackView } from "./stackView";

/** A replication task with the endpoints of this stack that it reads from and writes to. */
export interface TaskEndpoints {
    readonly task: PolicyResource;
    readonly sources: readonly PolicyResource[];
    readonly targets: readonly PolicyResource[];
}

/** The replication tasks of a stack with their endpoints. */
export function tasksOf(stack: StackView): readonly TaskEndpoints[] {
    const endpoints = (task: PolicyResource, property: string): readonly PolicyResource[] =>
        stack.behind(task, property, "aws:dms/endpoint:Endpoint", ["endpointArn"]);
    return stack.ofType("aws:dms/replicationTask:ReplicationTask").map((task) => ({
        task,
        sources: endpoints(task, "sourceEndpointArn"),
        targets: endpoints(task, "targetEndpointArn"),
    }));
}

/**
 * The clusters and instances of this stack that an endpoint leads to: those that its secret's value, or its server
 * name, was made from. Of several ways the shortest counts, since a longer one leads through resources that merely
 * need a database, such as a generated role.
 */
export function databasesBehind(
    stack: StackView,
    endpoint: PolicyResource,
): readonly PolicyResource[] {
    return nearestBehind(stack, endpoint, (resource) => databaseOf(stack, resource));
}

/** The program's look at a server that it did not make; what leads there is made from it. */
const CLAIM = "pulumi-nodejs:dynamic/auditTrail:SourceClaim";

/** Whether an endpoint leads to a server that the stack did not make, and that the program knows as its source. */
export function leadsToExistingSource(stack: StackView, endpoint: PolicyResource): boolean {
    const found = nearestBehind(stack, endpoint, (resource) => {
        return resource.type === CLAIM ? [resource] : databaseOf(stack, resource);
    });
    return found.length > 0 && found.every(({ type }) => type === CLAIM);
}

function nearestBehind(
    stack: StackView,
    endpoint: PolicyResource,
    match: (resource: PolicyResource) => readonly PolicyResource[],
): readonly PolicyResource[] {
    let frontier: readonly PolicyResource[] = [
        ...stack.behind(endpoint, "secretsManagerArn", "aws:secretsmanager/secret:Secret", ["arn"]),
        ...dependencies(endpoint, "secretsManagerArn"),
        ...dependencies(endpoint, "serverName"),
    ];
    const seen = new Set<PolicyResource>();
    while (frontier.length > 0) {
        const found = new Set(frontier.flatMap(match));
        if (found.size > 0) {
            return [...found];
        }
        frontier.forEach((resource) => seen.add(resource));
        const next = new Set(frontier.flatMap((resource) => origins(stack, resource)));
        frontier = [...next].filter((resource) => !seen.has(resource));
    }
    return [];
}

function databaseOf(stack: StackView, resource: PolicyResource): readonly PolicyResource[] {
    switch (resource.type) {
        case "aws:rds/cluster:Cluster":
        case "aws:rds/instance:Instance":
            return [resource];
        case "aws:rds/clusterInstance:ClusterInstance":
            return clusterOf(stack, resource);
        default:
            return [];
    }
}

function clusterOf(stack: StackView, instance: PolicyResource): readonly PolicyResource[] {
    const identifiers = ["clusterIdentifier", "id"] as const;
    return stack.behind(instance, "clusterIdentifier", "aws:rds/cluster:Cluster", identifiers);
}

/** What a resource was made from; a secret says nothing, its versions hold the value. */
function origins(stack: StackView, resource: PolicyResource): readonly PolicyResource[] {
    if (resource.type === "aws:secretsmanager/secret:Secret") {
        return stack
            .ofType("aws:secretsmanager/secretVersion:SecretVersion")
            .filter((version) =>
                stack
                    .behind(version, "secretId", "aws:secretsmanager/secret:Secret", ["arn", "id"])
                    .includes(resource),
            );
    }
    return Object.entries(resource.propertyDependencies)
        .filter(([property]) => property !== "secretId")
        .flatMap(([, made]) => made);
}
