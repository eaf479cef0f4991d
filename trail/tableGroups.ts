import { renderSql, type SqlFile } from "../database/sqlTemplate";
import { MARKER_TABLE } from "./guards";
import { formatTableName, trailNames } from "./names";
import {
    definitionOf,
    type ReplicatedTable,
    type TableDefinition,
    type TableName,
} from "./tableDefinition";

/** The group of the tables that the config puts into no other. Its names are those of a stack without groups. */
export const DEFAULT_GROUP = "default";

/** Tables that one DMS task carries, from a replication slot of its own. */
export interface TableGroup {
    readonly name: string;
    /** As the config names them: a partitioned table stands for its partitions. */
    readonly tables: readonly TableName[];
}

/** A table of the trail, and the group whose task carries it: the default one where none is said. */
export interface GroupedTable extends TableName {
    readonly group?: string;
}

/**
 * The groups of a stack: the default one, as far as it has tables, then those of the config in their order.
 *
 * @param tables all audited tables
 * @param named the groups of the config, whose tables are among them, each in one group
 */
export function tableGroups(
    tables: readonly TableName[],
    named: readonly TableGroup[],
): TableGroup[] {
    const taken = new Set(named.flatMap((group) => group.tables.map(formatTableName)));
    const left = tables.filter((table) => !taken.has(formatTableName(table)));
    return [...(left.length === 0 ? [] : [{ name: DEFAULT_GROUP, tables: left }]), ...named];
}

/**
 * The name by which a group's markers are known on the audit side. The source has one marker table, which every task carries:
 * what has arrived of it tells how far that task is. Two tasks must not write one staging table, so each has its own.
 */
export function markerOf(group: string): TableName {
    // A group's name has hyphens and no underscores, so that no two groups share a marker table.
    return group === DEFAULT_GROUP
        ? MARKER_TABLE
        : {
              schema: MARKER_TABLE.schema,
              table: `${MARKER_TABLE.table}_${group.replaceAll("-", "_")}`,
          };
}

/** What turns arrived markers into rows of the gap ledger; needs the log of each group's markers. */
export function markerGapFiles(groups: readonly string[] = [DEFAULT_GROUP]): SqlFile[] {
    return [
        renderSql("sql/audit/marker_gaps.sql"),
        ...groups.map((group) =>
            renderSql("sql/audit/marker_triggers.sql", {
                audit_log: trailNames(markerOf(group)).auditLog,
                group,
            }),
        ),
    ];
}

/** Everything that has a staging table and a log: the audited tables in the order of the config, then each group's markers. */
export function trailTables(
    tables: readonly TableName[],
    groups: readonly TableGroup[],
): Required<GroupedTable>[] {
    const groupOf = new Map(
        groups.flatMap(({ name, tables: members }) =>
            members.map((table) => [formatTableName(table), name] as const),
        ),
    );
    return [
        ...tables.map((table) => ({
            ...table,
            group: groupOf.get(formatTableName(table)) ?? DEFAULT_GROUP,
        })),
        ...groups.map(({ name }) => ({ ...markerOf(name), group: name })),
    ];
}

/**
 * The definitions of {@link trailTables}: each group's markers have the columns of the source's marker table.
 *
 * @param definitions those of the audited tables and of the marker table, as the source has them
 */
export function trailDefinitions(
    definitions: readonly TableDefinition[],
    groups: readonly TableGroup[],
): TableDefinition[] {
    const marker = definitionOf(definitions, MARKER_TABLE);
    return [
        ...definitions.filter((one) => one !== marker),
        ...groups.map(({ name }) => markerDefinition(marker, name)),
    ];
}

/** The definition of a group's markers. */
export function markerDefinition(marker: TableDefinition, group: string): TableDefinition {
    return group === DEFAULT_GROUP
        ? marker
        : {
              ...marker,
              ...markerOf(group),
              // The registry takes two trails of one number for a table that was renamed.
              oid: `${marker.oid} of ${group}`,
          };
}

/**
 * What a group's task carries, out of everything that the trail replicates.
 *
 * @param replicated the tables of all groups, with a partitioned table replaced by its partitions, and the marker table
 */
export function replicatedBy(
    { name, tables }: TableGroup,
    replicated: readonly ReplicatedTable[],
): ReplicatedTable[] {
    const members = new Set([...tables, MARKER_TABLE].map(formatTableName));
    return replicated
        .filter((one) => members.has(formatTableName(one.partitionOf ?? one)))
        .map((one) =>
            name !== DEFAULT_GROUP && formatTableName(one) === formatTableName(MARKER_TABLE)
                ? { ...one, staging: trailNames(markerOf(name)).staging }
                : one,
        );
}
