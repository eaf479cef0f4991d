import { MARKER_TABLE } from "../../trail/guards";
import { formatTableName } from "../../trail/names";
import type { ReplicatedTable, TableName } from "../../trail/tableDefinition";
import { groupOfName } from "../../trail/taskNames";
import { nameOf, type StackState } from "../stackState";
import type { DeployedGroup } from "./groupPlan";

const TASK = "aws:dms/replicationTask:ReplicationTask";
const CATALOG = "pulumi-nodejs:dynamic/auditTrail:SourceCatalog";

/** What is read of the state's resources; a task that another version has made has the same. */
interface Outputs {
    readonly tableMappings?: unknown;
    readonly replicated?: unknown;
}

/**
 * The groups whose tasks the stack's state has, with what those were told to carry.
 *
 * @param prefix what the names of the stack's resources begin with
 */
export function deployedGroups(state: StackState, prefix: string): DeployedGroup[] {
    const resources = [...state].map(([urn, outputs]) => ({
        type: urn.split("::").at(2)?.split("$").at(-1),
        name: nameOf(urn),
        outputs: outputsIn(outputs),
    }));
    const parents = new Map(
        resources
            .filter(({ type }) => type === CATALOG)
            .flatMap(({ outputs }) => replicatedIn(outputs.replicated))
            .map((one) => [formatTableName(one), one.partitionOf ?? one] as const),
    );
    return resources
        .filter(({ type }) => type === TASK)
        .flatMap(({ name, outputs }): DeployedGroup[] => {
            const group = groupOfName(name, prefix);
            return group === undefined
                ? []
                : [{ name: group, tables: carried(outputs.tableMappings, parents) }];
        });
}

/** The engine gives the outputs of a resource beside its type and id. */
function outputsIn(value: unknown): Outputs {
    const { outputs } = value as { readonly outputs?: Outputs };
    return outputs ?? {};
}

function replicatedIn(value: unknown): readonly ReplicatedTable[] {
    // The catalog's own output, components/database/sourceCatalog.ts.
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
