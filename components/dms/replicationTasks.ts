import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { taskIdentifier, taskName } from "../../trail/taskNames";
import type { Owner } from "../owner";
import type { ReplacementGuard } from "../replacementGuard";
import { named } from "../tags";
import type { PlannedGroup } from "./groupPlan";
import type { TableMappings } from "./tableMappings";

/** What the tasks of all groups share, and what tells them apart. */
export interface ReplicationTasksArgs {
    readonly instanceArn: pulumi.Input<string>;
    readonly sourceEndpointArn: pulumi.Input<string>;
    readonly targetEndpointArn: pulumi.Input<string>;
    /** In the order in which their tasks are changed. */
    readonly groups: readonly Pick<PlannedGroup, "name" | "isLate" | "isGivenUp">[];
    /** By the names of the groups. When one changes, its task is stopped and resumed. */
    readonly tableMappings: Readonly<Record<string, pulumi.Input<TableMappings>>>;
    readonly taskSettings: Readonly<Record<string, unknown>>;
    readonly guard: Pick<ReplacementGuard, "optionsFor">;
    /** What every task waits for. */
    readonly dependsOn: readonly pulumi.Resource[];
    /** Makes what the late tasks wait for, once the early ones are there; undefined where tables cannot have moved. */
    readonly letJoin: ((early: readonly pulumi.Resource[]) => pulumi.Resource) | undefined;
}

/** The tasks of a stack, by the names of their groups. */
export interface ReplicationTasks {
    readonly byGroup: Readonly<Record<string, aws.dms.ReplicationTask>>;
    /** What the late ones waited for. */
    readonly joined: readonly pulumi.Resource[];
}

/**
 * A task for each group, one after the other: a task must have let go of a table before another one gets it, and the first
 * one makes the tables in which DMS keeps account. They share the instance and the endpoints; each makes a slot of its own.
 */
export function replicationTasks(owner: Owner, args: ReplicationTasksArgs): ReplicationTasks {
    const byGroup: Record<string, aws.dms.ReplicationTask> = {};
    const inOrder = (late: boolean, before: readonly pulumi.Resource[]): pulumi.Resource[] => {
        let after = [...before];
        for (const group of args.groups.filter(({ isLate }) => isLate === late)) {
            const task = replicationTask(owner, args, group, after);
            byGroup[group.name] = task;
            after = [task];
        }
        return after;
    };
    const early = inOrder(false, []);
    const joined = args.letJoin === undefined ? [] : [args.letJoin(early)];
    inOrder(true, joined.length === 0 ? early : joined);
    return { byGroup, joined };
}

function replicationTask(
    { name, tags, opts }: Owner,
    args: ReplicationTasksArgs,
    group: ReplicationTasksArgs["groups"][number],
    after: readonly pulumi.Resource[],
): aws.dms.ReplicationTask {
    const resourceName = taskName(name, group.name);
    const replicationTaskId = taskIdentifier(name, group.name);
    return new aws.dms.ReplicationTask(
        resourceName,
        {
            replicationTaskId,
            migrationType: "full-load-and-cdc",
            replicationInstanceArn: args.instanceArn,
            sourceEndpointArn: args.sourceEndpointArn,
            targetEndpointArn: args.targetEndpointArn,
            tableMappings: pulumi.jsonStringify(args.tableMappings[group.name] ?? { rules: [] }),
            replicationTaskSettings: JSON.stringify(args.taskSettings),
            // A change of the task stops it, and only this starts it again.
            startReplicationTask: true,
            tags: named(replicationTaskId, tags),
        },
        // It writes as soon as it runs, and what it writes without triggers is not logged; meanwhile the instance is created.
        {
            ...opts,
            ...args.guard.optionsFor(resourceName),
            // The next update deletes it.
            ...(group.isGivenUp ? { protect: false } : {}),
            deleteBeforeReplace: true,
            dependsOn: [...args.dependsOn, ...after],
        },
    );
}
