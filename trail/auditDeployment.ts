import type { SqlBatch } from "../database/runBatch";
import type { TableChoices } from "./columnChoices";
import { dmsSession, SESSIONS } from "./dmsSession";
import { auditGrants, auditRights } from "./grants";
import { formatTableName } from "./names";
import { roles } from "./rolesAndSchemas";
import { foundation, widthFile } from "./statements";
import { tableBatches } from "./tableBatches";
import { definitionOf, type TableDefinition, type TableName } from "./tableDefinition";
import { DEFAULT_GROUP, type GroupedTable, markerGapFiles } from "./tableGroups";
import { forgetColumnsFiles, joinGroupFile, leaveFile, retireFile } from "./tableLife";

// The scripts of a deployment on the audit cluster, in the order of the functions below. Each of them begins with the
// rights that the deploying user needs for the rest. `audited` are the audited tables, and the markers of each group.

function rights(audited: readonly TableName[]): SqlBatch {
    return { files: [auditGrants(audited)], always: true };
}

/** Once per cluster, before the functions of the tables. */
export function foundationBatches(audited: readonly TableName[]): SqlBatch[] {
    // The first and the last of each script that acts as the owner, which has to be allowed to this user.
    return [
        rights(audited),
        { files: foundation() },
        { about: SESSIONS, files: [dmsSession(roles.target)] },
        rights(audited),
    ];
}

/** Staging, log and triggers of each table, after its function. */
export function trailBatches(
    audited: readonly GroupedTable[],
    definitions: readonly TableDefinition[],
): SqlBatch[] {
    const whole = { files: auditRights(audited, definitions), always: true };
    const tables = audited.map((table) => definitionOf(definitions, table));
    return [
        whole,
        { files: [widthFile(tables)] },
        ...tables.flatMap(tableBatches),
        { files: [leaveFile(audited)] },
        whole,
    ];
}

/** What turns arrived markers into gaps. */
export function markerGapBatches(
    audited: readonly TableName[],
    groups?: readonly string[],
): SqlBatch[] {
    return [rights(audited), { files: markerGapFiles(groups) }];
}

/** What lets tables into the group that they are to be in now; see the file. */
export function joinGroupBatches(audited: readonly GroupedTable[]): SqlBatch[] {
    return [rights(audited), { files: [joinGroupFile(audited)] }];
}

/** The scripts for tables and columns that have left the list, to be run once DMS no longer writes them. */
export function retirementBatches(
    audited: readonly GroupedTable[],
    definitions: readonly TableDefinition[],
    choices: readonly TableChoices[],
): SqlBatch[] {
    return [
        rights(audited),
        {
            files: [retireFile(audited), ...forgetColumnsFiles(audited, choices)],
            // Nothing else here changes when a partition leaves, or when a table goes to another group.
            rerunWhen: JSON.stringify([
                ...definitions.flatMap(({ partitions = [] }) => partitions.map(({ oid }) => oid)),
                ...audited.flatMap((table) =>
                    table.group === undefined || table.group === DEFAULT_GROUP
                        ? []
                        : [[formatTableName(table), table.group]],
                ),
            ]),
        },
    ];
}
