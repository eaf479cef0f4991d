import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import {
    foundationBatches,
    markerGapBatches,
    retirementBatches,
    trailBatches,
} from "../../trail/auditDeployment";
import type { TableChoices } from "../../trail/columnChoices";
import { dmsSessionLook } from "../../trail/dmsSession";
import { MARKER_TABLE } from "../../trail/guards";
import { formatTableName } from "../../trail/names";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import { definitionOf, type TableDefinition, type TableName } from "../../trail/tableDefinition";
import { lookFile } from "../../trail/tableLife";
import { DatabaseCredentials } from "../cluster/databaseCredentials";
import type { DatabaseServer } from "../cluster/databaseServer";
import { Password } from "../cluster/password";
import type { Tags } from "../tags";
import { AuditedTable } from "./auditedTable";
import { SqlScript, type SqlScriptArgs } from "./sqlScript";

/** Arguments of {@link AuditDatabase}. */
export interface AuditDatabaseArgs {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    readonly tables: readonly TableName[];
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Columns and keys of the tables and of the marker table, as the source has them. */
    readonly definitions: pulumi.Input<readonly TableDefinition[]>;
    readonly tags: Tags;
}

/** The audit trail inside the audit cluster: roles, schemas, ledgers and, for each table, staging, log and trigger. */
export class AuditDatabase extends pulumi.ComponentResource {
    readonly databaseName: string;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;
    /** See {@link retireOthers}. */
    private readonly retirement: readonly [string, SqlScriptArgs, pulumi.CustomResourceOptions];

    /** @param opts `providers` must hold a postgresql provider for this database. */
    constructor(name: string, args: AuditDatabaseArgs, opts: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuditDatabase", name, {}, opts);
        const { server, databaseName: database } = args;
        const connection = server.masterConnection;
        // What lives in a database goes with its server; destroying it needs no connection.
        const inDatabase = { parent: this, deletedWith: server.owner };

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

        const machinery = new SqlScript(
            `${name}-machinery`,
            {
                connection,
                batches: foundationBatches(audited),
                look: dmsSessionLook(roles.target),
            },
            { ...inDatabase, dependsOn: [owner, auditor, operator, collector, target, ...created] },
        );
        const definitions = pulumi.output(args.definitions);
        const functions = audited.map(
            (table) =>
                new AuditedTable(
                    `${name}-${formatTableName(table)}`,
                    {
                        table,
                        definition: definitions.apply((all) => definitionOf(all, table)),
                        databaseName: database,
                        machinery,
                        server,
                    },
                    { parent: this },
                ),
        );
        const tables = new SqlScript(
            `${name}-tables`,
            {
                connection,
                batches: definitions.apply((all) => trailBatches(audited, all)),
                look: definitions.apply((all) =>
                    lookFile(audited.map((table) => definitionOf(all, table))),
                ),
            },
            { ...inDatabase, dependsOn: functions },
        );
        new SqlScript(
            `${name}-marker-gaps`,
            { connection, batches: markerGapBatches(audited) },
            { ...inDatabase, dependsOn: [tables] },
        );
        this.retirement = [
            `${name}-retired`,
            {
                connection,
                batches: definitions.apply((all) => retirementBatches(audited, all, args.columns)),
            },
            // Not a child: the task waits for all of those.
            { deletedWith: server.owner },
        ];
        this.databaseName = database;
        this.dmsEngineName = server.dmsEngineName;
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
     * Drops the triggers on the staging of tables that left the list, and staging's columns that the config excludes. The
     * provider deletes the triggers' functions only after that, at the end of the update.
     * @param task The DMS task without these tables and columns. It has to be there first: otherwise a change of theirs that
     *     is on its way would arrive where nothing logs it.
     */
    retireOthers(task: pulumi.Resource): pulumi.Resource {
        const [name, args, opts] = this.retirement;
        return new SqlScript(name, args, { ...opts, dependsOn: [task] });
    }
}
