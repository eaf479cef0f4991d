import type * as pulumi from "@pulumi/pulumi";
import type { Tags } from "./tags";

/** The owner of resources that stay in the account when the stack is destroyed. */
export function keeping(owner: Owner): Owner {
    return { ...owner, opts: { ...owner.opts, retainOnDelete: true } };
}

/** What a component hands to the functions that make its resources. */
export interface Owner {
    /** The component's name, with which its resources' names begin. */
    readonly name: string;
    readonly tags: Tags;
    readonly opts: { readonly parent: pulumi.Resource; readonly retainOnDelete?: boolean };
}
