import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import { triggerFunction } from "../../trail/logFunction";
import type { TableDefinition, TableName } from "../../trail/tableDefinition";
import type { DatabaseServer } from "../cluster/databaseServer";

/** Arguments of {@link AuditedTable}. */
export interface AuditedTableArgs {
    readonly table: TableName;
    /** The table as it is in the source. */
    readonly definition: pulumi.Input<TableDefinition>;
    readonly databaseName: string;
    /** The trail's own objects in that database, which the function uses. */
    readonly foundation: pulumi.Resource;
    /** Where that database is. */
    readonly server: DatabaseServer;
}

/**
 * The function that logs one table's changes. It is created with nobody's rights. One script for all tables then gives
 * it its owner and settings, and creates staging, the log and the trigger that calls it: see {@link AuditDatabase}. A
 * function that was replaced is deleted at the end of the update.
 */
export class AuditedTable extends pulumi.ComponentResource {
    constructor(name: string, args: AuditedTableArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuditedTable", name, {}, opts);
        const made = pulumi.output(args.definition).apply(triggerFunction);
        new postgresql.Function(
            `${name}-function`,
            {
                database: args.databaseName,
                schema: made.schema,
                // Another one for each body: the new function is made beside the one that the trigger calls.
                name: made.name,
                language: "plpgsql",
                returns: "trigger",
                body: made.body,
            },
            {
                parent: this,
                ...(args.server.owner && { deletedWith: args.server.owner }),
                dependsOn: [args.foundation],
                // The trigger is switched in between. The plugin asks for the other order whenever a program gives a name:
                // nameRequiresDeleteBeforeReplace in pulumi-terraform-bridge.
                deleteBeforeReplace: false,
                // What a refresh finds there, the script has set. Where it finds another body, which somebody has put there,
                // the plugin writes the right one in place, and the script the settings that go with the wrong one: a
                // second function beside it would need its name.
                ignoreChanges: ["securityDefiner"],
            },
        );
        this.registerOutputs();
    }
}
