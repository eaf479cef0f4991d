import * as pulumi from "@pulumi/pulumi";
import { type Connection, isKnownConnection, isUnreachable } from "../../database/connection";
import { projectModule } from "../../database/projectModule";
import type * as gate from "../../preflight/gate";

/** Arguments of {@link SourcePreflight}. */
export interface SourcePreflightArgs extends Omit<gate.NewSource, "connection" | "wayIn"> {
    /** The source database. */
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    readonly wayIn: pulumi.Input<string>;
}

async function refuseUnready(source: gate.NewSource): Promise<void> {
    // The state would hold a copy of all checks otherwise.
    await (projectModule("preflight/gate.ts") as typeof gate).refuseUnready(source);
}

/** What is done to it; apart from the resource, so that it can be asked without an engine. */
export const preflightProvider: pulumi.dynamic.ResourceProvider<gate.NewSource, object> = {
    /** A preview of a source that is there refuses it already. */
    async check(olds: gate.NewSource | undefined, news: gate.NewSource) {
        const isNew = Object.keys(olds ?? {}).length === 0;
        if (isNew && isKnownConnection(news.connection)) {
            try {
                await refuseUnready(news);
            } catch (error) {
                // A preview must work where the private database is out of reach; an update asks again.
                if (!isUnreachable(error instanceof Error ? error.cause : undefined)) {
                    throw error;
                }
            }
        }
        return { inputs: news };
    },
    /** Once. */
    diff: () => Promise.resolve({ changes: false }),
    async create(inputs) {
        await refuseUnready(inputs);
        return { id: inputs.connection.database, outs: {} };
    },
};

/**
 * Looks at the source before anything is made there, and refuses the deployment with everything that must be mended. Everything
 * that works on the source waits for this. It looks once: no later update asks again.
 */
export class SourcePreflight extends pulumi.dynamic.Resource {
    constructor(name: string, args: SourcePreflightArgs, opts?: pulumi.CustomResourceOptions) {
        super(preflightProvider, name, args, opts, "auditTrail", "SourcePreflight");
    }
}
