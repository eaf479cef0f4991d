import * as postgresql from "@pulumi/postgresql";
import type * as pulumi from "@pulumi/pulumi";
import type { TrailGrant } from "./trail/statements";

/** A text that names a grant among the others of a database; no two grants share one, whatever their names hold. */
export function grantLabel({ role, schema, tables }: TrailGrant): string {
    const name = /^\w+$/.test(schema) ? schema : JSON.stringify(schema);
    return `${role}-on-${name}${tables === undefined ? "" : "-tables"}`;
}

/** The grants without those that several tables share. */
export function distinctGrants(grants: readonly TrailGrant[]): TrailGrant[] {
    return [...new Map(grants.map((grant) => [grantLabel(grant), grant])).values()];
}

/**
 * Makes the grants one after the other: two that alter the same schema or table at once fail with "tuple
 * concurrently updated". One whose tables change is taken away and made anew: the other way round, what is taken away
 * would be what was just made.
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
                objectType: grant.tables === undefined ? "schema" : "table",
                ...(grant.tables === undefined ? {} : { objects: [...grant.tables] }),
                privileges: condition?.apply(() => privileges) ?? privileges,
            },
            { ...opts, dependsOn: [...last], deleteBeforeReplace: grant.tables !== undefined },
        );
        last = [made];
        return made;
    });
}
