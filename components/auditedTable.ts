import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { TRAIL_SCHEMA } from "./trail/names";
import type { TableName, TableShape } from "./trail/shape";
import { triggerFunction } from "./trail/statements";

/** Arguments of {@link AuditedTable}. */
export interface AuditedTableArgs {
    readonly table: TableName;
    /** The table as it is in the source. */
    readonly shape: pulumi.Input<TableShape>;
    readonly databaseName: string;
    /** The trail's machinery in that database, which the function uses. */
    readonly machinery: pulumi.Resource;
    /** The audit cluster. */
    readonly cluster: pulumi.Resource;
}

/**
 * One table's function that logs. Staging, log and the triggers that call it come after it, all tables' in one script:
 * see {@link AuditDatabase}.
 */
export class AuditedTable extends pulumi.ComponentResource {
    constructor(name: string, args: AuditedTableArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuditedTable", name, {}, opts);
        new postgresql.Function(
            `${name}-function`,
            {
                database: args.databaseName,
                schema: TRAIL_SCHEMA,
                name: pulumi.output(args.shape).apply((shape) => triggerFunction(shape).name),
                language: "plpgsql",
                returns: "trigger",
                securityDefiner: true,
                // A table that is audited no more keeps its staging, with the trigger that calls this function.
                dropCascade: true,
                body: pulumi.output(args.shape).apply((shape) => triggerFunction(shape).body),
            },
            { parent: this, deletedWith: args.cluster, dependsOn: [args.machinery] },
        );
        this.registerOutputs();
    }
}
