import type * as pulumi from "@pulumi/pulumi";
import { DatabaseCredentials } from "../cluster/databaseCredentials";
import type { DatabaseServer } from "../cluster/databaseServer";
import type { Owner } from "../owner";
import type { ReplacementGuard } from "../replacementGuard";
import type { Tags } from "../tags";
import { SqlScript, type SqlScriptArgs } from "./sqlScript";

/** What the component of a database hands to the functions that make its resources. */
export interface DatabaseOwner extends Owner {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    /** The options of what lives in the database. It goes with the server, if that is the stack's: then nothing connects. */
    readonly inDatabase: Owner["opts"] & {
        readonly deletedWith?: pulumi.Resource;
        /** What looks at the database before anything is made there. */
        readonly dependsOn?: pulumi.Resource[];
    };
}

/** The owner of what the component `parent` makes. */
export function databaseOwner(
    parent: pulumi.Resource,
    name: string,
    { server, databaseName, tags }: { server: DatabaseServer; databaseName: string; tags: Tags },
): DatabaseOwner {
    const goes = server.owner === undefined ? {} : { deletedWith: server.owner };
    const inDatabase = { parent, ...goes };
    return { name, tags, opts: { parent }, server, databaseName, inDatabase };
}

/** A script that runs in the database as the master user, after `dependsOn`; guarded where another one in its place loses. */
export function sqlScript(
    { name, server, inDatabase }: DatabaseOwner,
    label: string,
    args: Omit<SqlScriptArgs, "connection">,
    dependsOn: readonly pulumi.Resource[] = [],
    guard?: Pick<ReplacementGuard, "optionsFor">,
): SqlScript {
    const resourceName = `${name}-${label}`;
    return new SqlScript(
        resourceName,
        { connection: server.masterConnection, ...args },
        {
            ...inDatabase,
            ...guard?.optionsFor(resourceName),
            dependsOn: [...(inDatabase.dependsOn ?? []), ...dependsOn],
        },
    );
}

/** Keeps the password of DMS's user in a secret, and returns where DMS finds it. */
export function dmsCredentials(
    { name, tags, opts, server, databaseName }: DatabaseOwner,
    username: string,
    password: pulumi.Input<string>,
): pulumi.Output<string> {
    const { host, port } = server;
    const description = `User of AWS DMS in ${name}`;
    return new DatabaseCredentials(
        `${name}-dms`,
        { description, username, password, host, port, databaseName, tags },
        opts,
    ).secretArn;
}
