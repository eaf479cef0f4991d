import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { TableChoices } from "../../trail/columnChoices";
import { dmsSession, dmsSessionLook, SESSIONS } from "../../trail/dmsSession";
import { auditGrants, auditRights } from "../../trail/grants";
import { MARKER_TABLE, markerGapFiles } from "../../trail/guards";
import { formatTableName } from "../../trail/names";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import { foundation, widthFile } from "../../trail/statements";
import { tableBatches } from "../../trail/tableBatches";
import { shapeOf, type TableName, type TableShape } from "../../trail/tableDefinition";
import { forgetColumnsFiles, leaveFile, lookFile, retireFile } from "../../trail/tableLife";
import type { AuroraCluster } from "../cluster/auroraCluster";
import { DatabaseCredentials } from "../cluster/databaseCredentials";
import { Password } from "../cluster/password";
import type { Tags } from "../tags";
import { AuditedTable } from "./auditedTable";
import { type SqlBatch, SqlScript, type SqlScriptArgs } from "./sqlScript";

/** Arguments of {@link AuditDatabase}. */
export interface AuditDatabaseArgs {
    readonly server: AuroraCluster;
    readonly databaseName: string;
    readonly masterUsername: string;
    readonly tables: readonly TableName[];
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Columns and keys of the tables and of the marker table, as the source has them. */
    readonly shapes: pulumi.Input<readonly TableShape[]>;
    readonly tags: Tags;
}

/** The audit trail inside the audit cluster: roles, schemas, ledgers and, for each table, staging, log and trigger. */
export class AuditDatabase extends pulumi.ComponentResource {
    readonly databaseName: string;
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;
    /** See {@link retireOthers}. */
    private readonly retirement: readonly [string, SqlScriptArgs, pulumi.CustomResourceOptions];

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
        const collector = new postgresql.Role(
            `${name}-collector`,
            { name: roles.collector },
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

        // The first and the last of each script that acts as the owner, which has to be allowed to this user.
        const rights: SqlBatch = { files: [auditGrants(audited)], always: true };
        const machinery = new SqlScript(
            `${name}-machinery`,
            {
                connection,
                batches: [
                    rights,
                    { files: foundation() },
                    { about: SESSIONS, files: [dmsSession(roles.target)] },
                    rights,
                ],
                look: dmsSessionLook(roles.target),
            },
            { ...inDatabase, dependsOn: [owner, auditor, operator, collector, target, ...created] },
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
                batches: shapes.apply((all) => {
                    const whole = { files: auditRights(audited, all), always: true };
                    return [
                        whole,
                        { files: [widthFile(audited.map((table) => shapeOf(all, table)))] },
                        ...audited.flatMap((table) => tableBatches(shapeOf(all, table))),
                        { files: [leaveFile(audited)] },
                        whole,
                    ];
                }),
                look: shapes.apply((all) => lookFile(audited.map((table) => shapeOf(all, table)))),
            },
            { ...inDatabase, dependsOn: functions },
        );
        new SqlScript(
            `${name}-marker-gaps`,
            { connection, batches: [rights, { files: markerGapFiles() }] },
            { ...inDatabase, dependsOn: [tables] },
        );
        this.retirement = [
            `${name}-retired`,
            {
                connection,
                batches: shapes.apply((all) => [
                    rights,
                    {
                        files: [retireFile(audited), ...forgetColumnsFiles(audited, args.columns)],
                        // Nothing else here changes when a partition leaves.
                        rerunWhen: JSON.stringify(
                            all.flatMap(({ partitions = [] }) => partitions.map(({ oid }) => oid)),
                        ),
                    },
                ]),
            },
            // Not a child: the task waits for all of those.
            { deletedWith: server.cluster },
        ];
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

    /**
     * Takes the triggers from the staging of tables that are listed no more, before the provider deletes their functions at
     * the end of the update, and from staging the columns that are left out.
     * @param task What has to be there first: the DMS task without these tables and columns, so that no change of theirs that
     *     is on its way arrives where nobody logs it.
     */
    retireOthers(task: pulumi.Resource): pulumi.Resource {
        const [name, args, opts] = this.retirement;
        return new SqlScript(name, args, { ...opts, dependsOn: [task] });
    }
}
