import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { renderSql } from "../../database/sqlTemplate";
import { choicesFor, type TableChoices } from "../../trail/columnChoices";
import { dmsSessionLook } from "../../trail/dmsSession";
import { guardNames, LIMIT_GUARD, MARKER_TABLE } from "../../trail/guards";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import {
    demoBatches,
    guardBatches,
    type GuardChoices,
    guardsOf,
    markerBatches,
    sourceRightsBatches,
} from "../../trail/sourceDeployment";
import type { TableDefinition } from "../../trail/tableDefinition";
import { DatabaseCredentials } from "../cluster/databaseCredentials";
import type { DatabaseServer } from "../cluster/databaseServer";
import { Password } from "../cluster/password";
import { type TableMappings, tableMappings } from "../dms/tableMappings";
import type { Tags } from "../tags";
import { orSentence, repairOf, SourceCatalog } from "./sourceCatalog";
import { SqlScript } from "./sqlScript";

/** Arguments of {@link SourceDatabase}. The audited tables must exist, except the demo table. */
export interface SourceDatabaseArgs extends GuardChoices {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Whether to create `public.items`. */
    readonly demoTable: boolean;
    readonly tags: Tags;
}

/** What the trail needs in the source database: schemas, DMS's role and its rights, the marker table, and the guards. */
export class SourceDatabase extends pulumi.ComponentResource {
    /** Columns and keys of the audited tables and of the marker table, as the source's catalog has them. */
    readonly definitions: pulumi.Output<TableDefinition[]>;
    /** What DMS is told to replicate, with a hash that changes when the tables' columns change. */
    readonly tableMappings: pulumi.Output<TableMappings>;
    readonly databaseName: string;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;

    /** @param opts `providers` must hold a postgresql provider for this database. */
    constructor(name: string, args: SourceDatabaseArgs, opts: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:SourceDatabase", name, {}, opts);
        const { server } = args;
        const connection = server.masterConnection;
        // What lives in a database goes with its server; destroying it needs no connection.
        const inDatabase = { parent: this, deletedWith: server.owner };

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
            ? [new SqlScript(`${name}-items`, { connection, batches: demoBatches() }, inDatabase)]
            : [];
        const machinery = new postgresql.Schema(
            `${name}-machinery`,
            { name: schemas.machinery, database: args.databaseName },
            inDatabase,
        );
        const marker = new SqlScript(
            `${name}-marker`,
            { connection, batches: markerBatches() },
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
                batches: catalog.definitions.apply((definitions) =>
                    sourceRightsBatches(tables, definitions),
                ),
                look: dmsSessionLook(roles.source),
            },
            { ...inDatabase, dependsOn: [role, heartbeat] },
        );

        this.databaseName = args.databaseName;
        this.dmsEngineName = server.dmsEngineName;
        new SqlScript(
            `${name}-guards`,
            {
                connection,
                batches: pulumi
                    .all([catalog.rows, catalog.definitions, catalog.repairs])
                    .apply(([rows, definitions, repairs]) =>
                        guardBatches(args, rows, definitions, (table) => repairOf(repairs, table)),
                    ),
            },
            inDatabase,
        );

        this.definitions = catalog.definitions;
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
            definitions: this.definitions,
            tableMappings: this.tableMappings,
            dmsSecretArn: this.dmsSecretArn,
        });
    }
}
