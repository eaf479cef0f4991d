import { formatTableName } from "../../trail/names";
import type { TableName } from "../../trail/tableDefinition";
import type { TableGroup } from "../../trail/tableGroups";

/** A group whose task the stack has by now. */
export interface DeployedGroup {
    readonly name: string;
    /** The audited tables that its task carries, a partitioned one in the place of its partitions. */
    readonly tables: readonly TableName[];
    /** Those that its task has carried before and does not carry now: DMS may remember them. */
    readonly carriedBefore: readonly TableName[];
    /** For who has to ask DMS for something; undefined where the state has none yet. */
    readonly taskArn?: string;
}

/** The group of each table, by the table's name. */
export type Places = ReadonlyMap<string, string>;

/** What {@link groupNews} tells of. */
interface Change {
    readonly wanted: readonly TableGroup[];
    readonly deployed: readonly DeployedGroup[];
    /** Where the tables shall be. */
    readonly homes: Places;
    /** Where they are by now. */
    readonly places: Places;
    /** The groups whose tables are all taken away. */
    readonly givenUp: readonly DeployedGroup[];
}

/** What a person reads of an update of the groups, a sentence or two for each table and group. */
export interface GroupNews {
    /** What costs time and nothing else. */
    readonly notes: readonly string[];
    /** What is not recorded, or asks a person to do something. */
    readonly warnings: readonly string[];
}

/** Whether a table is in another group than this one. */
export function isElsewhere(places: Places, table: TableName, group: string): boolean {
    const place = places.get(formatTableName(table));
    return place !== undefined && place !== group;
}

/** What an update does to single tables and groups; nothing of a first deployment. */
export function groupNews(change: Change): GroupNews {
    const { wanted, deployed, homes, places, givenUp } = change;
    if (deployed.length === 0) {
        return { notes: [], warnings: [] };
    }
    const joining = joiningTables(change);
    const gone = deployed.flatMap(({ tables }) =>
        tables.filter((table) => homes.get(formatTableName(table)) === undefined),
    );
    const moving = wanted.flatMap((group) =>
        group.tables
            .filter((table) => isElsewhere(places, table, group.name))
            .map((table) => ({ table, group })),
    );
    const ended = deployed.filter(
        ({ name, tables }) => tables.length === 0 && !wanted.some((group) => group.name === name),
    );
    return {
        notes: [
            ...joining.map(({ table, group, name }) => joins(formatTableName(table), group, name)),
            ...ended.map(ends),
        ],
        warnings: [
            ...moving.map(({ table, group }) => moves(table, group.name, places, deployed)),
            ...joining
                .filter(({ table, group }) => group !== undefined && knows(group, table))
                .map(({ table, name, group }) => comesBack(table, name, group?.taskArn)),
            ...gone.map(leaves),
            ...givenUp.map(willEnd),
        ],
    };
}

/** The tables that are in no group by now, each with the group that it comes to, as far as that is deployed. */
function joiningTables({ wanted, deployed, places }: Change) {
    return wanted.flatMap(({ name, tables }) => {
        const group = deployed.find((one) => one.name === name);
        return tables
            .filter((table) => places.get(formatTableName(table)) === undefined)
            .map((table) => ({ table, group, name }));
    });
}

function knows({ carriedBefore }: DeployedGroup, table: TableName): boolean {
    return carriedBefore.map(formatTableName).includes(formatTableName(table));
}

function joins(table: string, group: DeployedGroup | undefined, name: string): string {
    return group === undefined
        ? `${table} joins the new group ${name}: a task of its own loads it, and the tables of other groups do not wait for that.`
        : `${table} joins the running group ${name}: its task is stopped, changed and resumed, and the changes of the group's other tables wait until ${table} is loaded. A group of its own in audit-trail:groups would leave them alone.`;
}

function moves(
    table: TableName,
    to: string,
    places: Places,
    deployed: readonly DeployedGroup[],
): string {
    const name = formatTableName(table);
    const from = places.get(name) ?? "";
    const target = deployed.find((group) => group.name === to);
    const then =
        target !== undefined && knows(target, table)
            ? reload(table, target.taskArn)
            : `The new task loads it again. ${endReload(table)}`;
    return `${name} moves from the group ${from} to the group ${to}: what is committed until the new task reads it is in no log, and a row of audit_trail.gap says so. ${then}`;
}

function comesBack(table: TableName, group: string, taskArn: string | undefined): string {
    return `${formatTableName(table)} comes back to the group ${group}. ${reload(table, taskArn)}`;
}

function ends({ name }: DeployedGroup): string {
    return `The task of the group ${name} carries nothing any more: it is deleted with its slot.`;
}

function willEnd({ name }: DeployedGroup): string {
    return `The group ${name} ends: this update leaves its task nothing but the markers, and the next update deletes the task with its slot.`;
}

/** Of a table that a task has carried before. Nothing that AWS publishes says whether the task then loads it by itself. */
function reload(table: TableName, taskArn: string | undefined): string {
    const { schema, table: name } = table;
    const list = JSON.stringify([{ SchemaName: schema, TableName: name }]);
    const command =
        taskArn === undefined
            ? ""
            : `: aws dms reload-tables --replication-task-arn ${taskArn} --tables-to-reload '${list.replaceAll("'", "'\\''")}'`;
    return `The group's task has carried it before, and may not load it by itself: once it runs, ask DMS to reload the table${command}. ${endReload(table)}`;
}

function endReload({ schema, table }: TableName): string {
    return `After the load call audit_trail.end_reload('${schema}', '${table}') and acknowledge the gap (docs/tables.md#reload).`;
}

function leaves(table: TableName): string {
    const name = formatTableName(table);
    return `${name} leaves the list: its staging table, its log and its gaps stay, and what is committed from now on is in no log. To have it back, list it again, and reload it then (docs/tables.md#reload).`;
}
