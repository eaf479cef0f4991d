import * as pulumi from "@pulumi/pulumi";

/** Arguments of {@link DeletionProtection}. */
export interface DeletionProtectionArgs {
    /** The value of the config key `deletionProtection`. */
    readonly deletionProtection: boolean;
    /** Every other resource of the stack, so that a destroy comes to this one first. */
    readonly everything: readonly pulumi.Resource[];
}

/**
 * Makes the engine refuse to destroy a protected stack before it touches anything, also in a destroy without a preview.
 * Protecting only the clusters is not enough: the engine deletes what depends on them before it comes to them, and removes
 * from its state what is `deletedWith` them. The engine does not delete what a protected resource depends on, and this
 * resource depends on everything. The engine's refusal shows its name.
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
