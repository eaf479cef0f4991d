import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { named, type Tags } from "../tags";

/** Arguments of {@link DatabaseCredentials}. */
export interface DatabaseCredentialsArgs {
    /** Whose credentials these are, for the console. */
    readonly description: string;
    readonly username: pulumi.Input<string>;
    readonly password: pulumi.Input<string>;
    readonly host: pulumi.Input<string>;
    readonly port: pulumi.Input<number>;
    readonly databaseName: string;
    /** Path of the PEM file of the server's own certificate authorities, for the commands of people. */
    readonly caBundle?: string;
    /** A key of the customer's; undefined: the one that AWS manages. */
    readonly kmsKeyArn?: string | undefined;
    readonly tags: Tags;
}

/** Days in which a deleted secret can be restored. */
const RECOVERY_WINDOW_DAYS = 7;

/**
 * The credentials of one database user, as a secret of the form that DMS reads: username, password, host and port
 * (https://docs.aws.amazon.com/dms/latest/userguide/security_iam_secretsmanager.html); the secrets that RDS manages itself
 * have no host and port. The name ends in a random suffix, because a deleted secret blocks its name for days.
 */
export class DatabaseCredentials extends pulumi.ComponentResource {
    /** Known only when the secret has its value, so that its readers wait for it. */
    readonly secretArn: pulumi.Output<string>;

    constructor(
        name: string,
        args: DatabaseCredentialsArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("auditTrail:index:DatabaseCredentials", name, {}, opts);
        const child = { parent: this, retainOnDelete: opts?.retainOnDelete };
        const secret = new aws.secretsmanager.Secret(
            `${name}-secret`,
            {
                namePrefix: `${name}-`,
                description: args.description,
                kmsKeyId: args.kmsKeyArn,
                recoveryWindowInDays: RECOVERY_WINDOW_DAYS,
                tags: named(name, args.tags),
            },
            child,
        );
        const version = new aws.secretsmanager.SecretVersion(
            `${name}-version`,
            {
                secretId: secret.id,
                secretString: pulumi.secret(
                    pulumi.jsonStringify({
                        username: args.username,
                        password: args.password,
                        host: args.host,
                        port: args.port,
                        dbname: args.databaseName,
                        ...(args.caBundle === undefined ? {} : { sslrootcert: args.caBundle }),
                    }),
                ),
            },
            child,
        );
        this.secretArn = pulumi.all([secret.arn, version.id]).apply(([arn]) => arn);
        this.registerOutputs({ secretArn: this.secretArn });
    }
}
