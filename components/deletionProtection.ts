import * as pulumi from "@pulumi/pulumi";

/** Arguments of {@link DeletionProtection}. */
export interface DeletionProtectionArgs {
    /** The config key of this name. */
    readonly deletionProtection: boolean;
    /** All that the stack has, so that this is what a destroy comes to first. */
    readonly everything: readonly pulumi.Resource[];
}

/**
 * Makes the engine refuse to destroy a protected stack before it touches anything, also where it is not asked to preview
 * first. Protected clusters alone would not do: the engine deletes what depends on them before it comes to them, and
 * takes what is `deletedWith` them out of its state. What a protected resource depends on it leaves alone, and this one
 * depends on everything. Its name is what the engine's refusal shows.
 */
export class DeletionProtection extends pulumi.ComponentResource {
    constructor(name: string, { deletionProtection, everything }: DeletionProtectionArgs) {
        super(
            "auditTrail:index:DeletionProtection",
            name,
            {},
            { protect: deletionProtection, dependsOn: [...everything] },
        );
        this.registerOutputs({});
    }
}
