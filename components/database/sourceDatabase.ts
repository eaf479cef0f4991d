import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { renderSql } from "../../database/sqlTemplate";
import type { CatalogRow } from "../../trail/catalogRow";
import { choicesFor, type TableChoices } from "../../trail/columnChoices";
import { dmsSession, dmsSessionLook, SESSIONS } from "../../trail/dmsSession";
import { sourceGrants } from "../../trail/grants";
import {
    guardFiles,
    guardNames,
    guardOthersFiles,
    LIMIT_GUARD,
    limitCheckFiles,
    MARKER_TABLE,
    markerFiles,
    type TableGuards,
} from "../../trail/guards";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import {
    replicatedTables,
    shapeOf,
    type TableName,
    type TableShape,
} from "../../trail/tableDefinition";
import type { AuroraCluster } from "../cluster/auroraCluster";
import { DatabaseCredentials } from "../cluster/databaseCredentials";
import { Password } from "../cluster/password";
import { type TableMappings, tableMappings } from "../dms/tableMappings";
import type { Tags } from "../tags";
import { orSentence, repairOf, SourceCatalog } from "./sourceCatalog";
import { type SqlBatch, SqlScript } from "./sqlScript";

/** Arguments of {@link SourceDatabase}. */
export interface SourceDatabaseArgs {
    readonly server: AuroraCluster;
    readonly databaseName: string;
    /** The audited tables, which must exist, but for the demo table. */
    readonly tables: readonly TableName[];
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Whether to create `public.items`. */
    readonly demoTable: boolean;
    /** Whether triggers guard the tables against what DMS does not replicate. */
    readonly sourceGuards: boolean;
    readonly allowTruncate: readonly TableName[];
    readonly allowKeyUpdates: readonly TableName[];
    readonly fullReplicaIdentity: readonly TableName[];
    readonly tags: Tags;
}

/** How a table is guarded; undefined where it is not. */
function guardsOf(args: SourceDatabaseArgs, table: TableName): TableGuards | undefined {
    return args.sourceGuards && isListed(args.tables, table)
        ? {
              truncate: isListed(args.allowTruncate, table) ? "record" : "refuse",
              keyUpdate: isListed(args.allowKeyUpdates, table) ? "record" : "refuse",
          }
        : undefined;
}

function isListed(names: readonly TableName[], { schema, table }: TableName): boolean {
    return names.some((one) => one.schema === schema && one.table === table);
}

/**
 * A table at a time, so that no lock on one table waits for another. They run again for another table under the name, and
 * for guards that are gone.
 */
function guardBatches(
    args: SourceDatabaseArgs,
    rows: readonly CatalogRow[],
    shapes: readonly TableShape[],
    repairs: Readonly<Record<string, string>>,
): SqlBatch[] {
    const tables = args.tables.map((table) => {
        const shape = shapeOf(shapes, table);
        const guards = guardsOf(args, table);
        const everyUpdate = rows.some(
            ({ table_schema: schema, table_name: name, updates_are_rewritten: rewritten }) =>
                schema === table.schema && name === table.table && rewritten === true,
        );
        return {
            files: guardFiles(
                shape,
                guards === undefined ? undefined : { ...guards, everyUpdate },
                isListed(args.fullReplicaIdentity, table),
            ),
            rerunWhen: [
                shape.oid,
                ...(shape.partitions ?? []).map(({ oid }) => oid),
                repairOf(repairs, table),
            ].join(" "),
        };
    });
    const rerunWhen = tables.map((table) => table.rerunWhen).join();
    // A guard whose function somebody has changed is none.
    const functions = { files: markerFiles(), rerunWhen };
    const checks = args.tables.flatMap((table, index) => {
        const files = limitCheckFiles(shapeOf(shapes, table));
        return files.length > 0 ? [{ files, rerunWhen: tables[index]?.rerunWhen ?? "" }] : [];
    });
    return [functions, ...tables, { files: guardOthersFiles(args.tables), rerunWhen }, ...checks];
}

/** What the trail needs in the source database: nothing that an INSERT, UPDATE or DELETE of a row would notice. */
export class SourceDatabase extends pulumi.ComponentResource {
    /** Columns and keys of the audited tables and of the marker table, as the source's catalog has them. */
    readonly shapes: pulumi.Output<TableShape[]>;
    /** What DMS is to take from them; another text whenever their columns are no longer what they were. */
    readonly tableMappings: pulumi.Output<TableMappings>;
    readonly databaseName: string;
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;

    /** @param opts `providers` must hold a postgresql provider for this database. */
    constructor(name: string, args: SourceDatabaseArgs, opts: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:SourceDatabase", name, {}, opts);
        const { server } = args;
        const connection = server.masterConnection;
        // What lives in a database goes with its cluster; destroying it needs no connection.
        const inDatabase = { parent: this, deletedWith: server.cluster };

        const password = new Password(`${name}-dms-password`, { parent: this }).value;
        const role = new postgresql.Role(
            `${name}-dms`,
            {
                name: roles.source,
                login: true,
                password,
                // Both are asked for, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html.
                // Not as GrantRole resources: every update of a Role revokes the memberships that it does not list.
                roles: ["rds_replication", "rds_superuser"],
            },
            // The membership is what counts. Where a server goes by the attribute it sets that itself, and an update
            // after a refresh would take it away again: the task could neither connect anew nor drop its slot.
            { ...inDatabase, ignoreChanges: ["replication"] },
        );
        const heartbeat = new postgresql.Schema(
            `${name}-heartbeat`,
            { name: schemas.dmsHeartbeat, database: args.databaseName },
            inDatabase,
        );
        const demo = args.demoTable
            ? [
                  new SqlScript(
                      `${name}-items`,
                      { connection, batches: [{ files: [renderSql("sql/source/items.sql")] }] },
                      inDatabase,
                  ),
              ]
            : [];
        const machinery = new postgresql.Schema(
            `${name}-machinery`,
            { name: schemas.machinery, database: args.databaseName },
            inDatabase,
        );
        const marker = new SqlScript(
            `${name}-marker`,
            { connection, batches: [{ files: markerFiles() }] },
            { ...inDatabase, dependsOn: [machinery] },
        );
        const tables = [...args.tables, MARKER_TABLE];
        const catalog = new SourceCatalog(
            `${name}-catalog`,
            {
                connection,
                tables,
                choices: args.columns,
                query: renderSql("sql/source/catalog.sql").sql,
                formerNames: renderSql("sql/source/former_names.sql").sql,
                guards: tables.map((table) => {
                    const guards = guardsOf(args, table);
                    const isLimited = [...choicesFor(args.columns, table).values()].some(
                        ({ kind }) => kind === "limit",
                    );
                    return guards === undefined
                        ? []
                        : [...guardNames(guards), ...(isLimited ? [LIMIT_GUARD] : [])];
                }),
            },
            pulumi.interpolate`${server.psql}, with the password in the secret ${server.masterSecretArn}.`,
            { ...inDatabase, dependsOn: [...demo, marker] },
        );
        new SqlScript(
            `${name}-grants`,
            {
                connection,
                // Only where the catalog is in order: its message about a missing table is the clearer one.
                batches: catalog.shapes.apply((shapes) => [
                    { about: SESSIONS, files: [dmsSession(roles.source)] },
                    {
                        // DMS loads each partition by itself.
                        files: [sourceGrants([...tables, ...replicatedTables(shapes)])],
                        // A table that was dropped and made again has nobody's rights.
                        rerunWhen: shapes
                            .flatMap(({ oid, partitions = [] }) => [
                                oid,
                                ...partitions.map((one) => one.oid),
                            ])
                            .join(),
                    },
                ]),
                look: dmsSessionLook(roles.source),
            },
            { ...inDatabase, dependsOn: [role, heartbeat] },
        );

        this.databaseName = args.databaseName;
        new SqlScript(
            `${name}-guards`,
            {
                connection,
                batches: pulumi
                    .all([catalog.rows, catalog.shapes, catalog.repairs])
                    .apply(([rows, shapes, repairs]) => guardBatches(args, rows, shapes, repairs)),
            },
            inDatabase,
        );

        this.shapes = catalog.shapes;
        this.tableMappings = pulumi
            .all([catalog.replicated, catalog.columnsHash])
            .apply(([replicated, columnsHash]) =>
                orSentence(() => tableMappings(replicated, columnsHash, args.columns)),
            );
        this.dmsSecretArn = new DatabaseCredentials(
            `${name}-dms`,
            {
                description: `User of AWS DMS in ${name}`,
                username: roles.source,
                password,
                host: server.host,
                port: server.port,
                databaseName: args.databaseName,
                tags: args.tags,
            },
            { parent: this },
        ).secretArn;
        this.registerOutputs({
            shapes: this.shapes,
            tableMappings: this.tableMappings,
            dmsSecretArn: this.dmsSecretArn,
        });
    }
}
