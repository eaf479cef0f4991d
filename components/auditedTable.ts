import { createHash } from "node:crypto";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "./database/connection";
import { SqlScript } from "./database/sqlScript";
import { trailNames, TRAIL_SCHEMA } from "./trail/names";
import type { TableName, TableShape } from "./trail/shape";
import { tableObjects, triggerFunction, triggerObjects } from "./trail/statements";

/** Arguments of {@link AuditedTable}. */
export interface AuditedTableArgs {
    readonly table: TableName;
    /** The table as it is in the source. */
    readonly shape: pulumi.Input<TableShape>;
    /** The audit database, as a member of the trail's owner. */
    readonly connection: pulumi.Output<Connection>;
    readonly databaseName: string;
    /** The trail's machinery in that database, which the table's objects use. */
    readonly machinery: pulumi.Resource;
    /** The audit cluster. */
    readonly cluster: pulumi.Resource;
}

/** One table's part of the audit database: staging, log and tombstones, the function that logs, and its triggers. */
export class AuditedTable extends pulumi.ComponentResource {
    constructor(name: string, args: AuditedTableArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuditedTable", name, {}, opts);
        const shape = pulumi.output(args.shape);
        const inDatabase = { parent: this, deletedWith: args.cluster };
        const objects = new SqlScript(
            `${name}-objects`,
            { connection: args.connection, files: shape.apply(tableObjects) },
            { ...inDatabase, dependsOn: [args.machinery] },
        );
        const body = shape.apply((known) => triggerFunction(known).body);
        const logChange = new postgresql.Function(
            `${name}-function`,
            {
                database: args.databaseName,
                schema: TRAIL_SCHEMA,
                name: trailNames(args.table).triggerFunction,
                language: "plpgsql",
                returns: "trigger",
                securityDefiner: true,
                // A table that is audited no more keeps its staging, with the trigger that calls this function.
                dropCascade: true,
                body,
            },
            { ...inDatabase, dependsOn: [objects] },
        );
        new SqlScript(
            `${name}-triggers`,
            {
                connection: args.connection,
                files: shape.apply(triggerObjects),
                // Creating the function anew takes away its owner's settings, which these files restore.
                rerunWhen: body.apply((text) => createHash("sha256").update(text).digest("hex")),
            },
            { ...inDatabase, dependsOn: [logChange] },
        );
        this.registerOutputs();
    }
}
