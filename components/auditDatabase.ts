import { createHash } from "node:crypto";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { AuroraCluster } from "./auroraCluster";
import { AuditedTable } from "./auditedTable";
import { Password } from "./database/password";
import { SqlBatch, SqlScript } from "./database/sqlScript";
import { DatabaseCredentials } from "./databaseCredentials";
import { distinctGrants, grantInTurn } from "./grants";
import { roles, schemas } from "./names";
import type { Tags } from "./tags";
import { formatTableName } from "./trail/names";
import { MARKER_TABLE, markerGapFiles } from "./trail/guards";
import { shapeOf, TableName, TableShape } from "./trail/shape";
import {
    foundation,
    grants,
    tableObjects,
    TrailGrant,
    triggerFunction,
    triggerObjects,
} from "./trail/statements";

/** Arguments of {@link AuditDatabase}. */
export interface AuditDatabaseArgs {
    readonly server: AuroraCluster;
    readonly databaseName: string;
    readonly masterUsername: string;
    readonly tables: readonly TableName[];
    /** Columns and keys of the tables and of the marker table, as the source has them. */
    readonly shapes: pulumi.Input<readonly TableShape[]>;
    readonly tags: Tags;
}

/** DMS writes its control tables into their own schema, and auditors read there what it could not apply. */
const CONTROL_GRANTS: readonly TrailGrant[] = [
    { role: roles.target, schema: schemas.dmsControl, privileges: ["CREATE", "USAGE"] },
    { role: roles.auditor, schema: schemas.dmsControl, privileges: ["USAGE"] },
    { role: roles.owner, schema: schemas.dmsControl, privileges: ["USAGE"] },
];

/** Everything of one table but the function, which its triggers need. */
function tableBatch(shape: TableShape): SqlBatch {
    return {
        files: [...tableObjects(shape), ...triggerObjects(shape)],
        // Creating the function anew takes away its owner's settings, which these files restore.
        rerunWhen: createHash("sha256").update(triggerFunction(shape).body).digest("hex"),
    };
}

/** The audit trail inside the audit cluster: roles, schemas, ledgers and, for each table, staging, log and trigger. */
export class AuditDatabase extends pulumi.ComponentResource {
    readonly databaseName: string;
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;

    /** @param opts `providers` must hold a postgresql provider for this database. */
    constructor(name: string, args: AuditDatabaseArgs, opts: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuditDatabase", name, {}, opts);
        const { server, databaseName: database } = args;
        const connection = server.masterConnection;
        // What lives in a database goes with its cluster; destroying it needs no connection.
        const inDatabase = { parent: this, deletedWith: server.cluster };

        const password = new Password(`${name}-dms-password`, { parent: this }).value;
        const owner = new postgresql.Role(`${name}-owner`, { name: roles.owner }, inDatabase);
        const auditor = new postgresql.Role(`${name}-auditor`, { name: roles.auditor }, inDatabase);
        const operator = new postgresql.Role(
            `${name}-operator`,
            { name: roles.operator, roles: [auditor.name] },
            inDatabase,
        );
        const target = new postgresql.Role(
            `${name}-dms`,
            { name: roles.target, login: true, password },
            inDatabase,
        );
        // The scripts act as the owner, which the user that runs them must be allowed to.
        const membership = new postgresql.GrantRole(
            `${name}-owner-to-master`,
            { role: args.masterUsername, grantRole: owner.name },
            inDatabase,
        );
        const audited = [...args.tables, MARKER_TABLE];
        const sourceSchemas = audited.map(({ schema }) => schema);
        // The schema public is there from the start.
        const added = new Set([schemas.machinery, schemas.dmsControl, ...sourceSchemas]);
        added.delete("public");
        const created = [...added].map(
            (schema) =>
                new postgresql.Schema(
                    `${name}-schema-${schema}`,
                    { name: schema, database },
                    // The logs of tables that are audited no more stay, and so do the schemas that hold them.
                    { ...inDatabase, retainOnDelete: true },
                ),
        );

        const onSchemas = grantInTurn(
            name,
            database,
            distinctGrants([...audited.flatMap(grants), ...CONTROL_GRANTS]),
            [owner, auditor, operator, target, membership, ...created],
            inDatabase,
        );
        // DMS makes them when its task starts, hence the grants in advance: auditors read them, and the owner enters
        // what they report into the gap ledger. In turn, because both alter the defaults of one role.
        let before = onSchemas;
        for (const reader of [auditor, owner]) {
            const label = reader === auditor ? "auditor" : "owner";
            before = [
                new postgresql.DefaultPrivileges(
                    `${name}-${label}-on-control-tables`,
                    {
                        database,
                        owner: target.name,
                        role: reader.name,
                        schema: schemas.dmsControl,
                        objectType: "table",
                        privileges: ["SELECT"],
                    },
                    { ...inDatabase, dependsOn: before },
                ),
            ];
        }
        const machinery = new SqlScript(
            `${name}-machinery`,
            { connection, batches: [{ files: foundation() }] },
            { ...inDatabase, dependsOn: onSchemas },
        );
        const shapes = pulumi.output(args.shapes);
        const functions = audited.map(
            (table) =>
                new AuditedTable(
                    `${name}-${formatTableName(table)}`,
                    {
                        table,
                        shape: shapes.apply((all) => shapeOf(all, table)),
                        databaseName: database,
                        machinery,
                        cluster: server.cluster,
                    },
                    { parent: this },
                ),
        );
        const tables = new SqlScript(
            `${name}-tables`,
            {
                connection,
                batches: shapes.apply((all) =>
                    audited.map((table) => tableBatch(shapeOf(all, table))),
                ),
            },
            { ...inDatabase, dependsOn: functions },
        );
        new SqlScript(
            `${name}-marker-gaps`,
            { connection, batches: [{ files: markerGapFiles() }] },
            { ...inDatabase, dependsOn: [tables] },
        );
        this.databaseName = database;
        this.dmsSecretArn = new DatabaseCredentials(
            `${name}-dms`,
            {
                description: `User of AWS DMS in ${name}`,
                username: roles.target,
                password,
                host: server.host,
                port: server.port,
                databaseName: database,
                tags: args.tags,
            },
            { parent: this },
        ).secretArn;
        this.registerOutputs({ dmsSecretArn: this.dmsSecretArn });
    }
}
