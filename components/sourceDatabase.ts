import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { AuroraCluster } from "./auroraCluster";
import { Password } from "./database/password";
import { SourceCatalog } from "./database/sourceCatalog";
import { SqlBatch, SqlScript } from "./database/sqlScript";
import { DatabaseCredentials } from "./databaseCredentials";
import { grantInTurn } from "./grants";
import { roles, schemas } from "./names";
import { tableMappings, TableMappings } from "./tableMappings";
import type { Tags } from "./tags";
import {
    guardFiles,
    guardOthersFiles,
    MARKER_TABLE,
    markerFiles,
    TableGuards,
} from "./trail/guards";
import { shapeOf, TableName, TableShape } from "./trail/shape";
import type { TrailGrant } from "./trail/statements";
import { renderSql } from "./trail/template";

/** Arguments of {@link SourceDatabase}. */
export interface SourceDatabaseArgs {
    readonly server: AuroraCluster;
    readonly databaseName: string;
    /** The audited tables, which must exist, but for the demo table. */
    readonly tables: readonly TableName[];
    /** Whether to create `public.items`. */
    readonly demoTable: boolean;
    /** Whether triggers guard the tables against what DMS does not replicate. */
    readonly sourceGuards: boolean;
    readonly allowTruncate: readonly TableName[];
    readonly allowKeyUpdates: readonly TableName[];
    readonly fullReplicaIdentity: readonly TableName[];
    readonly tags: Tags;
}

/**
 * What {@link roles.source} may do: read the audited tables, and keep its heartbeat in a schema of its own. One grant for
 * the tables of a schema. When their list changes, it is taken away and made anew, between which a load would fail; changes
 * come from the WAL, which needs no right on a table.
 */
export function sourceGrants(tables: readonly TableName[]): TrailGrant[] {
    const role = roles.source;
    const schemasOfTables = [...new Set(tables.map(({ schema }) => schema))];
    return [
        { role, schema: schemas.dmsHeartbeat, privileges: ["CREATE", "USAGE"] },
        ...schemasOfTables.flatMap((schema) => [
            { role, schema, privileges: ["USAGE"] },
            {
                role,
                schema,
                tables: tables.filter((one) => one.schema === schema).map(({ table }) => table),
                privileges: ["SELECT"],
            },
        ]),
    ];
}

/** A table at a time, so that no lock on one table waits for another. */
function guardBatches(args: SourceDatabaseArgs, shapes: readonly TableShape[]): SqlBatch[] {
    const tables = args.tables.map((table) => {
        const listed = (names: readonly TableName[]): boolean =>
            names.some(
                ({ schema, table: name }) => schema === table.schema && name === table.table,
            );
        const guards: TableGuards = {
            truncate: listed(args.allowTruncate) ? "record" : "refuse",
            keyUpdate: listed(args.allowKeyUpdates) ? "record" : "refuse",
        };
        return guardFiles(
            shapeOf(shapes, table),
            args.sourceGuards ? guards : undefined,
            listed(args.fullReplicaIdentity),
        );
    });
    return [...tables, guardOthersFiles(args.tables)].map((files) => ({ files }));
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
                query: renderSql("sql/source/catalog.sql").sql,
            },
            { ...inDatabase, dependsOn: [...demo, marker] },
        );
        // Only where the catalog is in order: its message about a missing table is the clearer one.
        grantInTurn(
            name,
            args.databaseName,
            sourceGrants(tables),
            [role, heartbeat, catalog],
            inDatabase,
            catalog.shapes,
        );

        this.databaseName = args.databaseName;
        new SqlScript(
            `${name}-guards`,
            { connection, batches: catalog.shapes.apply((shapes) => guardBatches(args, shapes)) },
            inDatabase,
        );

        this.shapes = catalog.shapes;
        this.tableMappings = catalog.columnsHash.apply((columnsHash) =>
            tableMappings(tables, columnsHash),
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
