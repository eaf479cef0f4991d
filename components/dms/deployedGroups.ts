import { MARKER_TABLE } from "../../trail/guards";
import { formatTableName } from "../../trail/names";
import type { ReplicatedTable, TableName } from "../../trail/tableDefinition";
import { groupOfName } from "../../trail/taskNames";
import { catalogName } from "../database/sourceCatalogs";
import { nameOf, type StackState, typeOf } from "../stackState";
import type { DeployedGroup } from "./groupNews";

const TASK = "aws:dms/replicationTask:ReplicationTask";
const CATALOG = "pulumi-nodejs:dynamic/auditTrail:SourceCatalog";

/** What is read of the state's resources; a task that another version has made has the same. */
interface Outputs {
    readonly tableMappings?: unknown;
    readonly replicationTaskArn?: unknown;
    readonly replicated?: unknown;
    readonly carried?: unknown;
    readonly tables?: unknown;
}

/**
 * The groups whose tasks the stack's state has, with what those were told to carry, now and before.
 *
 * @param prefix what the names of the stack's resources begin with
 */
export function deployedGroups(state: StackState, prefix: string): DeployedGroup[] {
    const resources = [...state].map(([urn, outputs]) => ({
        type: typeOf(urn),
        name: nameOf(urn),
        outputs: outputsIn(outputs),
    }));
    const catalogs = resources.filter(({ type }) => type === CATALOG);
    const parents = new Map(
        catalogs
            .flatMap(({ outputs }) => tablesIn(outputs.replicated))
            .map((one) => [formatTableName(one), one.partitionOf ?? one] as const),
    );
    return resources
        .filter(({ type }) => type === TASK)
        .flatMap(({ name, outputs }): DeployedGroup[] => {
            const group = groupOfName(name, prefix);
            if (group === undefined) {
                return [];
            }
            const own = catalogName(`${prefix}-source-database`, group);
            const catalog = catalogs.find((one) => one.name === own)?.outputs;
            const tables = carried(outputs.tableMappings, parents);
            const { replicationTaskArn: arn } = outputs;
            const known = typeof arn === "string" ? { taskArn: arn } : {};
            return [{ name: group, tables, carriedBefore: formerly(catalog, tables), ...known }];
        });
}

/** What a task has carried and does not carry now. */
function formerly(catalog: Outputs | undefined, now: readonly TableName[]): TableName[] {
    const others = new Set([...now, MARKER_TABLE].map(formatTableName));
    return tablesIn(catalog?.carried ?? catalog?.tables).filter(
        (table) => !others.has(formatTableName(table)),
    );
}

/** The engine gives the outputs of a resource beside its type and id. */
function outputsIn(value: unknown): Outputs {
    const { outputs } = value as { readonly outputs?: Outputs };
    return outputs ?? {};
}

/** Of the catalog's own outputs, components/database/sourceCatalog.ts. */
function tablesIn(value: unknown): readonly ReplicatedTable[] {
    return Array.isArray(value) ? (value as ReplicatedTable[]) : [];
}

/** The tables that a task's mapping selects, without the markers. */
function carried(
    tableMappings: unknown,
    parents: ReadonlyMap<string, TableName>,
): readonly TableName[] {
    if (typeof tableMappings !== "string") {
        return [];
    }
    const { rules } = JSON.parse(tableMappings) as {
        readonly rules: readonly {
            readonly "rule-type": string;
            readonly "object-locator": Readonly<Record<string, string>>;
        }[];
    };
    const tables = rules
        .filter((rule) => rule["rule-type"] === "selection")
        .map(({ "object-locator": locator }) => {
            const table = {
                schema: locator["schema-name"] ?? "",
                table: locator["table-name"] ?? "",
            };
            const { schema, table: name } = parents.get(formatTableName(table)) ?? table;
            return { schema, table: name };
        });
    const byName = new Map(tables.map((table) => [formatTableName(table), table]));
    byName.delete(formatTableName(MARKER_TABLE));
    return [...byName.values()];
}
