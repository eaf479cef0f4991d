import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { AuroraCluster } from "./auroraCluster";
import { Password } from "./database/password";
import { SourceCatalog } from "./database/sourceCatalog";
import { SqlScript } from "./database/sqlScript";
import { DatabaseCredentials } from "./databaseCredentials";
import { distinctGrants, grantInTurn } from "./grants";
import { roles, schemas } from "./names";
import type { Tags } from "./tags";
import type { TableName, TableShape } from "./trail/shape";
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
    readonly tags: Tags;
}

/**
 * What {@link roles.source} may do: read the audited tables, and keep its heartbeat in a schema of its own. One grant for
 * each table: a grant whose list of tables changed would be replaced, and removing the old one would revoke the new one.
 */
export function sourceGrants(tables: readonly TableName[]): TrailGrant[] {
    const role = roles.source;
    return [
        { role, schema: schemas.dmsHeartbeat, objects: [], privileges: ["CREATE", "USAGE"] },
        ...tables.flatMap(({ schema, table }) => [
            { role, schema, objects: [], privileges: ["USAGE"] },
            { role, schema, objects: [table], privileges: ["SELECT"] },
        ]),
    ];
}

/** What the trail needs in the source database; no trigger, and nothing that a table's own work would notice. */
export class SourceDatabase extends pulumi.ComponentResource {
    /** The audited tables' columns and keys, as the source's catalog has them, in the order of the arguments. */
    readonly shapes: pulumi.Output<TableShape[]>;
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
            { name: roles.source, login: true, password },
            inDatabase,
        );
        // Both are asked for, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html.
        for (const granted of ["rds_replication", "rds_superuser"]) {
            new postgresql.GrantRole(
                `${name}-dms-${granted}`,
                { role: role.name, grantRole: granted },
                inDatabase,
            );
        }
        const heartbeat = new postgresql.Schema(
            `${name}-heartbeat`,
            { name: schemas.dmsHeartbeat, database: args.databaseName },
            inDatabase,
        );
        const demo = args.demoTable
            ? [
                  new SqlScript(
                      `${name}-items`,
                      { connection, files: [renderSql("sql/source/items.sql")] },
                      inDatabase,
                  ),
              ]
            : [];
        const catalog = new SourceCatalog(
            `${name}-catalog`,
            {
                connection,
                tables: args.tables,
                query: renderSql("sql/source/catalog.sql").sql,
            },
            { ...inDatabase, dependsOn: demo },
        );
        // After the catalog, whose message about a missing table is the clearer one.
        grantInTurn(
            name,
            args.databaseName,
            distinctGrants(sourceGrants(args.tables)),
            [role, heartbeat, catalog],
            inDatabase,
        );

        this.databaseName = args.databaseName;
        this.shapes = catalog.shapes;
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
        this.registerOutputs({ shapes: this.shapes, dmsSecretArn: this.dmsSecretArn });
    }
}
