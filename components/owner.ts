import type * as pulumi from "@pulumi/pulumi";
import type { Tags } from "./tags";

/** What a component hands to the functions that make its resources. */
export interface Owner {
    /** The component's name, with which its resources' names begin. */
    readonly name: string;
    readonly tags: Tags;
    readonly opts: { readonly parent: pulumi.Resource };
}
