import type { SqlBatch } from "../database/runBatch";
import { renderSql } from "../database/sqlTemplate";
import type { CatalogRow } from "./catalogRow";
import { dmsSession, SESSIONS } from "./dmsSession";
import { sourceGrants } from "./grants";
import {
    guardFiles,
    guardOthersFiles,
    limitCheckFiles,
    markerFiles,
    type TableGuards,
} from "./guards";
import { formatTableName } from "./names";
import { roles } from "./rolesAndSchemas";
import {
    definitionOf,
    replicatedTables,
    type TableDefinition,
    type TableName,
} from "./tableDefinition";

/** The tables of the config, and how they are guarded. */
export interface GuardChoices {
    readonly tables: readonly TableName[];
    /** Whether triggers guard the tables against what DMS does not replicate. */
    readonly sourceGuards: boolean;
    readonly allowTruncate: readonly TableName[];
    readonly allowKeyUpdates: readonly TableName[];
    readonly fullReplicaIdentity: readonly TableName[];
    /** Whether rights that others gave stay as they are: at a source that the stack did not make. */
    readonly keepsRights?: boolean;
}

/** What {@link guardBatches} has to know of a row of the source's catalog. */
type UpdateFacts = Pick<CatalogRow, "table_schema" | "table_name" | "updates_are_rewritten">;

/** The table that {@link demoBatches} creates. */
export const DEMO_TABLE: TableName = { schema: "public", table: "items" };

/** The demo table. */
export function demoBatches(): SqlBatch[] {
    return [{ files: [renderSql("sql/source/items.sql")] }];
}

/** The marker table and the functions of the guards. */
export function markerBatches(): SqlBatch[] {
    return [{ files: markerFiles() }];
}

/**
 * The sessions' settings and the rights of DMS's user.
 *
 * @param audited The audited tables, and the marker table.
 */
export function sourceRightsBatches(
    audited: readonly TableName[],
    definitions: readonly TableDefinition[],
): SqlBatch[] {
    return [
        { about: SESSIONS, files: [dmsSession(roles.source)] },
        {
            // DMS loads each partition by itself.
            files: [sourceGrants([...audited, ...replicatedTables(definitions)])],
            // A table that was dropped and made again has nobody's rights.
            rerunWhen: oidsOf(definitions),
        },
    ];
}

/** How a table is guarded; undefined where it is not. */
export function guardsOf(choices: GuardChoices, table: TableName): TableGuards | undefined {
    return choices.sourceGuards && isListed(choices.tables, table)
        ? {
              truncate: isListed(choices.allowTruncate, table) ? "record" : "refuse",
              keyUpdate: isListed(choices.allowKeyUpdates, table) ? "record" : "refuse",
              ...(choices.keepsRights === true ? { keepsRights: true } : {}),
          }
        : undefined;
}

function isListed(names: readonly TableName[], { schema, table }: TableName): boolean {
    return names.some((one) => one.schema === schema && one.table === table);
}

/**
 * A table at a time, so that no lock on one table waits for another. They run again for another table under the name, and
 * for guards that are gone.
 *
 * @param repairOf another text each time a table was found without its guards
 */
export function guardBatches(
    choices: GuardChoices,
    rows: readonly UpdateFacts[],
    definitions: readonly TableDefinition[],
    repairOf: (table: TableName) => string,
): SqlBatch[] {
    const tables = choices.tables.map((table) => {
        const definition = definitionOf(definitions, table);
        const guards = guardsOf(choices, table);
        const everyUpdate = rows.some(
            ({ table_schema: schema, table_name: name, updates_are_rewritten: rewritten }) =>
                schema === table.schema && name === table.table && rewritten === true,
        );
        return {
            about: formatTableName(table),
            files: guardFiles(
                definition,
                guards === undefined ? undefined : { ...guards, everyUpdate },
                isListed(choices.fullReplicaIdentity, table),
            ),
            rerunWhen: [
                definition.oid,
                ...(definition.partitions ?? []).map(({ oid }) => oid),
                repairOf(table),
            ].join(" "),
        };
    });
    const rerunWhen = tables.map((table) => table.rerunWhen).join();
    // A guard whose function somebody has changed is none.
    const functions = { files: markerFiles(), rerunWhen };
    const checks = choices.tables.flatMap((table, index) => {
        const files = limitCheckFiles(definitionOf(definitions, table));
        return files.length > 0
            ? [
                  {
                      about: formatTableName(table),
                      files,
                      rerunWhen: tables[index]?.rerunWhen ?? "",
                  },
              ]
            : [];
    });
    return [functions, ...tables, ...checks];
}

/**
 * Takes the guards from the tables that are not audited any more: to be run once no task brings their changes. It runs again
 * when another table has one of the names, because the former one may still be there under another name.
 *
 * @param audited The audited tables.
 */
export function unguardBatches(
    audited: readonly TableName[],
    definitions: readonly TableDefinition[],
): SqlBatch[] {
    return [{ files: guardOthersFiles(audited), rerunWhen: oidsOf(definitions) }];
}

/** Another text for another table under one of the names, and for other partitions. */
function oidsOf(definitions: readonly TableDefinition[]): string {
    return definitions
        .flatMap(({ oid, partitions = [] }) => [oid, ...partitions.map((one) => one.oid)])
        .join();
}
