import type * as pulumi from "@pulumi/pulumi";
import { DatabaseCredentials } from "../cluster/databaseCredentials";
import type { DatabaseServer } from "../cluster/databaseServer";
import { Password } from "../cluster/password";
import type { Owner } from "../owner";
import type { ReplacementGuard } from "../replacementGuard";
import type { Tags } from "../tags";
import { SqlScript, type SqlScriptArgs } from "./sqlScript";

/** What the component of a database hands to the functions that make its resources. */
export interface DatabaseOwner extends Owner {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    /** A key of the customer's for the secret of DMS's user; undefined: the one that AWS manages. */
    readonly kmsKeyArn: string | undefined;
    /** The options of what lives in the database. It goes with the server, if that is the stack's: then nothing connects. */
    readonly inDatabase: Owner["opts"] & {
        readonly deletedWith?: pulumi.Resource;
        /** What looks at the database before anything is made there. */
        readonly dependsOn?: pulumi.Resource[];
        /** See {@link formerly}. */
        readonly aliases?: pulumi.Alias[];
    };
}

/** What {@link databaseOwner} needs of a component's arguments. */
interface DatabaseOwnerArgs {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    readonly kmsKeyArn?: string | undefined;
    readonly tags: Tags;
}

/** The owner of what the component `parent` makes. */
export function databaseOwner(
    parent: pulumi.Resource,
    name: string,
    { server, databaseName, kmsKeyArn, tags }: DatabaseOwnerArgs,
): DatabaseOwner {
    const goes = server.owner === undefined ? {} : { deletedWith: server.owner };
    const inDatabase = { parent, ...goes };
    return { name, tags, opts: { parent }, server, databaseName, kmsKeyArn, inDatabase };
}

/** The same owner for a resource that an earlier version of the program has made under another label. */
export function formerly(owner: DatabaseOwner, label: string): DatabaseOwner {
    const aliases = [{ name: `${owner.name}-${label}` }];
    return { ...owner, inDatabase: { ...owner.inDatabase, aliases } };
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

/** Name, arguments and options of a script that waits for tasks, and so is no child: the tasks wait for all of those. */
export type LateScript = readonly [string, SqlScriptArgs, pulumi.CustomResourceOptions];

/** What {@link runLate} makes of a component's own values, once the tasks are there. */
export function lateScript(
    { name, server }: DatabaseOwner,
    label: string,
    batches: SqlScriptArgs["batches"],
): LateScript {
    return [
        `${name}-${label}`,
        { connection: server.masterConnection, batches },
        server.owner === undefined ? {} : { deletedWith: server.owner },
    ];
}

/** Runs the script after `dependsOn`. */
export function runLate(
    [name, args, opts]: LateScript,
    dependsOn: readonly pulumi.Resource[],
): SqlScript {
    return new SqlScript(name, args, { ...opts, dependsOn: [...dependsOn] });
}

/** The password of DMS's user; another version is another password. */
export function dmsPassword(
    { name, opts }: DatabaseOwner,
    version: number | undefined,
): pulumi.Output<string> {
    return new Password(`${name}-dms-password`, version, opts).value;
}

/** Keeps the password of DMS's user in a secret, and returns where DMS finds it. */
export function dmsCredentials(
    { name, tags, opts, server, databaseName, kmsKeyArn }: DatabaseOwner,
    username: string,
    password: pulumi.Input<string>,
): pulumi.Output<string> {
    const { host, port } = server;
    const description = `User of AWS DMS in ${name}`;
    return new DatabaseCredentials(
        `${name}-dms`,
        { description, username, password, host, port, databaseName, kmsKeyArn, tags },
        opts,
    ).secretArn;
}
