import type * as pulumi from "@pulumi/pulumi";

/** Tags of AWS resources. */
export type Tags = Readonly<Record<string, pulumi.Input<string>>>;

/** The common tags and the name that the AWS console shows. */
export function named(name: string, tags: Tags): Record<string, pulumi.Input<string>> {
    return { ...tags, Name: name };
}
