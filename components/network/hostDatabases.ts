import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseServer } from "../cluster/databaseServer";
import { readSecrets } from "../iamPolicies";
import type { Tags } from "../tags";
import type { HostProgramPlace } from "./hostVerify";

/** A database as the commands on the psql host need to know it. */
interface HostDatabase {
    readonly server: Pick<DatabaseServer, "host" | "port" | "caBundle" | "masterSecretArn">;
    readonly databaseName: string;
}

/** Arguments of {@link HostDatabases}. */
export interface HostDatabasesArgs {
    readonly parameterName: string;
    /** Name of the host's role. */
    readonly role: pulumi.Input<string>;
    readonly source: HostDatabase;
    readonly audit: HostDatabase;
    /** Whether the host reads the secrets of both master users: whoever has a shell there can then rewrite the log. */
    readonly readsSecrets: boolean;
    /** Where the program of `audit-verify` is, which needs both secrets; undefined where the host may not read them. */
    readonly verify: HostProgramPlace | undefined;
    /** The customer's key that encrypts the secrets, if there is one. */
    readonly kmsKeyArn: string | undefined;
    readonly tags: Tags;
}

/**
 * What the commands on the psql host find when they are run: where the databases are, as a parameter of Systems Manager, which
 * the managed policy of the host's role lets it read; and the right to read the master secrets, if the config gives it. The host
 * itself is made before the databases, because the way to them leads through it.
 */
export class HostDatabases extends pulumi.ComponentResource {
    constructor(name: string, args: HostDatabasesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:HostDatabases", name, {}, opts);
        const parent = { parent: this };
        const { source, audit, verify, readsSecrets, kmsKeyArn } = args;
        new aws.ssm.Parameter(
            `${name}-parameter`,
            {
                name: args.parameterName,
                type: "String",
                description: "Where the commands on the psql host find the databases",
                value: pulumi.jsonStringify({
                    source: described(source, readsSecrets),
                    audit: described(audit, readsSecrets),
                    ...(verify === undefined ? {} : { verify }),
                }),
                tags: args.tags,
            },
            parent,
        );
        if (readsSecrets) {
            new aws.iam.RolePolicy(
                `${name}-secrets`,
                {
                    role: args.role,
                    policy: pulumi
                        .all([source.server.masterSecretArn, audit.server.masterSecretArn])
                        .apply((arns) => JSON.stringify(readSecrets(arns, kmsKeyArn))),
                },
                parent,
            );
        }
        this.registerOutputs();
    }
}

function described(
    { server, databaseName: database }: HostDatabase,
    readsSecrets: boolean,
): Readonly<Record<string, pulumi.Input<number | string>>> {
    const { host, port, masterSecretArn: secretArn } = server;
    const caBundle = server.caBundle.file;
    return { host, port, database, caBundle, ...(readsSecrets ? { secretArn } : {}) };
}
