import type { PolicyResource } from "@pulumi/policy";
import { readMapping, transformations } from "../dms/mappingDocument";
import { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { stackRule } from "../engine/rule";
import type { StackView } from "../engine/stackView";
import { databasesBehind, type TaskEndpoints, tasksOf } from "../engine/topology";
import { places } from "./endpoints";

const TASK = "aws:dms/replicationTask:ReplicationTask";

const oneTaskPerStaging = stackRule({
    name: "stack-one-task-per-staging",
    displayName: "Every staging table has one writer",
    description:
        "No two tasks write to one database unless their mappings are known and fill different staging tables, that of the markers too: two writers of one table record every change twice, and take each other's rows for replays.",
    severity: "critical",
    frameworks: [
        auditTrail("No change is recorded twice", "Two tasks apply the same change"),
        awsDocs("DMS user guide, transformation rules", "Two sources cannot feed one target table"),
    ],
    remediationSteps:
        "Let each task fill staging tables of its own: a table belongs to one group of the config key audit-trail:groups, and each group has its own staging table for the markers.",
    url: pages.dmsTasks,
    changedIn: "the config key audit-trail:groups",
    check: (stack, findings) => {
        const tasks = tasksOf(stack);
        for (const [index, one] of tasks.entries()) {
            for (const other of tasks.slice(index + 1)) {
                if (shareTarget(stack, one, other) && mayShareStaging(stack, one, other)) {
                    findings.violation(
                        `${other.task.name} writes to the database of ${one.task.name}, and their mappings do not say that the staging tables differ; remove one of the tasks.`,
                        other.task.urn,
                    );
                }
            }
        }
    },
});

function shareTarget(stack: StackView, one: TaskEndpoints, other: TaskEndpoints): boolean {
    const found = one.targets.flatMap((target) => places(stack, target));
    return other.targets
        .flatMap((target) => places(stack, target))
        .some((place) => found.includes(place));
}

function mayShareStaging(stack: StackView, one: TaskEndpoints, other: TaskEndpoints): boolean {
    const [first, second] = [stagingTables(stack, one.task), stagingTables(stack, other.task)];
    return (
        first === undefined || second === undefined || first.some((table) => second.includes(table))
    );
}

/** The staging tables that a task fills; undefined where its mapping cannot be read. */
function stagingTables(stack: StackView, task: PolicyResource): readonly string[] | undefined {
    // Another rule reports what is wrong with the mapping itself.
    const ignored = new Findings(() => undefined);
    const mapping = readMapping(stack.inputs(task, TASK).get("tableMappings"), ignored);
    return mapping?.tables.map((table) => {
        const [rename] = transformations(mapping, table, "table", "rename");
        return JSON.stringify([table.schema, rename?.value ?? table.table]);
    });
}

const oneTrail = stackRule({
    name: "stack-one-trail",
    displayName: "The changes go to the trail and nowhere else",
    description:
        "All tasks of a stack write to one database, and every DMS endpoint is one of a task's: a second target is a copy of the audited rows that nobody guards, and somebody may attach a task to an unused endpoint.",
    severity: "high",
    frameworks: [
        auditTrail("Nobody but DMS and the operator reaches the trail", "A second copy of it"),
        awsDocs("DMS user guide, endpoints", "A task reads one endpoint and writes another"),
    ],
    remediationSteps: "Remove the further endpoint, and the task that uses it.",
    url: pages.dmsTasks,
    changedIn: programFiles.replication,
    check: (stack, findings) => {
        const tasks = tasksOf(stack);
        const used = new Set(tasks.flatMap(({ sources, targets }) => [...sources, ...targets]));
        for (const endpoint of stack.ofType("aws:dms/endpoint:Endpoint")) {
            if (tasks.length > 0 && !used.has(endpoint)) {
                findings.violation(
                    `${endpoint.name} is an endpoint that no task uses; remove it.`,
                    endpoint.urn,
                );
            }
        }
        const [first, ...others] = tasks.map(({ task, targets }) => ({
            task,
            written: targets.flatMap((target) => databasesBehind(stack, target)),
        }));
        for (const { task, written } of others) {
            const known = first?.written ?? [];
            const elsewhere = written.find((database) => !known.includes(database));
            if (known.length > 0 && elsewhere !== undefined) {
                findings.violation(
                    `${task.name} writes to ${elsewhere.name}, ${first?.task.name ?? ""} to ${known.map(({ name }) => name).join()}; remove one of the tasks.`,
                    task.urn,
                );
            }
        }
    },
});

export const taskPairRules = [oneTaskPerStaging, oneTrail] as const;
