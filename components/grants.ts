import * as postgresql from "@pulumi/postgresql";
import type * as pulumi from "@pulumi/pulumi";
import type { TrailGrant } from "./trail/statements";

/** A text that names a grant among the others of a database; no two grants share one, whatever their names hold. */
export function grantLabel({ role, schema, objects }: TrailGrant): string {
    const written = [schema, ...objects].map((name) =>
        /^\w+$/.test(name) ? name : JSON.stringify(name),
    );
    return `${role}-on-${written.join(".")}`;
}

/** The grants without those that several tables share. */
export function distinctGrants(grants: readonly TrailGrant[]): TrailGrant[] {
    return [...new Map(grants.map((grant) => [grantLabel(grant), grant])).values()];
}

/**
 * Makes the grants one after the other: two that alter the same schema or table at once fail with "tuple concurrently
 * updated".
 * @param after What the first grant waits for.
 * @param condition A value without which nothing is granted: where it fails, its message is the one that is told.
 */
export function grantInTurn(
    name: string,
    database: pulumi.Input<string>,
    grants: readonly TrailGrant[],
    after: readonly pulumi.Resource[],
    opts: pulumi.CustomResourceOptions,
    condition?: pulumi.Output<unknown>,
): pulumi.Resource[] {
    let last = after;
    return grants.map((grant) => {
        const privileges = [...grant.privileges];
        const made = new postgresql.Grant(
            `${name}-${grantLabel(grant)}`,
            {
                database,
                role: grant.role,
                schema: grant.schema,
                objectType: grant.objects.length === 0 ? "schema" : "table",
                ...(grant.objects.length === 0 ? {} : { objects: [...grant.objects] }),
                privileges: condition?.apply(() => privileges) ?? privileges,
            },
            { ...opts, dependsOn: [...last] },
        );
        last = [made];
        return made;
    });
}
