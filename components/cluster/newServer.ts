import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
import type { CaBundle } from "../dms/caBundle";
import { keeping, type Owner } from "../owner";
import type { ReplacementGuard } from "../replacementGuard";
import { named, type Tags } from "../tags";
import { DatabaseCredentials } from "./databaseCredentials";
import type { DatabaseServer } from "./databaseServer";
import { majorVersion } from "./engineVersion";
import type { Password } from "./password";
import { psqlOutput } from "./psqlCommand";
import type { ServerParameter } from "./serverParameters";

/** A server that the stack makes. */
export interface NewServer extends DatabaseServer, pulumi.Resource {
    readonly arn: pulumi.Output<string>;
    /** The id that AWS gave it, by which policies of IAM name it. */
    readonly resourceId: pulumi.Output<string>;
}

/** What is left of a server when it is destroyed, once nothing protects it: nothing, a final snapshot, or the server itself. */
export type WhenDestroyed = "delete" | "snapshot" | "retain";

/** What every kind of server is made with. */
export interface NewServerArgs {
    /** PostgreSQL's version, for example "17.7". */
    readonly engineVersion: string;
    readonly instanceClass: string;
    readonly databaseName: string;
    readonly masterUsername: string;
    /** Another number gives the master user another password. */
    readonly passwordVersion?: number;
    /** Whether IAM authenticates logins beside those with passwords. */
    readonly iamAuthentication?: boolean;
    readonly parameters: readonly ServerParameter[];
    /** Private subnets in two zones. */
    readonly subnetIds: readonly pulumi.Input<string>[];
    readonly securityGroupId: pulumi.Input<string>;
    /** Whether a second instance in another zone takes over when the first one fails. */
    readonly multiAz: boolean;
    /** In days. */
    readonly backupRetentionDays: number;
    /**
     * Whether the engine and AWS refuse to delete the server. While it is true, a server that is deleted in another way
     * leaves a final snapshot. Setting it to false by an update leaves it to `whenDestroyed`.
     */
    readonly deletionProtection: boolean;
    readonly whenDestroyed: WhenDestroyed;
    readonly guard: Pick<ReplacementGuard, "optionsFor" | "lastingOptionsFor">;
    /** A key of the customer's for storage, snapshots, secrets and logs; undefined: the keys that AWS manages. */
    readonly kmsKeyArn: string | undefined;
    /** The authorities that sign the servers' certificates. */
    readonly caBundle: CaBundle;
    readonly tags: Tags;
}

/**
 * The certificate authority of the instances' certificates; its roots are in certs/rds-ca-bundle.pem.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
 */
export const CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1";

/** The owner of a server's resources; those of a server that is kept are kept with it. */
export function serverOwner(
    name: string,
    { tags, whenDestroyed }: NewServerArgs,
    parent: pulumi.Resource,
): Owner {
    const owner = { name, tags, opts: { parent } };
    return whenDestroyed === "retain" ? keeping(owner) : owner;
}

/** What a parameter group of either kind is made with. */
export function parameterGroupInputs(
    { name, tags }: Owner,
    { engineVersion, parameters }: NewServerArgs,
): Required<Pick<aws.rds.ParameterGroupArgs, "description" | "name" | "parameters" | "tags">> {
    return {
        // Another major needs another family, and the two groups exist side by side during the upgrade.
        name: `${name}-pg${majorVersion(engineVersion)}`,
        description: `Parameters of ${name}`,
        parameters: [...parameters],
        tags: named(name, tags),
    };
}

export function subnetGroup(
    { name, tags, opts }: Owner,
    { subnetIds }: NewServerArgs,
): aws.rds.SubnetGroup {
    return new aws.rds.SubnetGroup(
        `${name}-subnets`,
        {
            name,
            description: `Private subnets of ${name}`,
            subnetIds: [...subnetIds],
            tags: named(name, tags),
        },
        opts,
    );
}

/**
 * The name of the final snapshot. It contains the random part of the id of the stack's security group, because a stack that is
 * deployed again after a destroy needs another name, in an existing network too.
 */
export function finalSnapshotName(server: string, securityGroupId: string): string {
    return `${server}-final-${securityGroupId.replace(/[^A-Za-z0-9]/g, "").slice(-8)}`;
}

/** What a server's deletion needs and leaves behind. */
export function deletionInputs(
    name: string,
    { deletionProtection, whenDestroyed, securityGroupId }: NewServerArgs,
): {
    readonly deletionProtection: boolean;
    readonly skipFinalSnapshot: boolean;
    readonly finalSnapshotIdentifier?: pulumi.Input<string>;
} {
    if (!deletionProtection && whenDestroyed === "delete") {
        return { deletionProtection, skipFinalSnapshot: true };
    }
    const finalSnapshotIdentifier = pulumi
        .output(securityGroupId)
        .apply((groupId) => finalSnapshotName(name, groupId));
    return {
        // Whoever finds a server that was kept is not to lose it by a slip.
        deletionProtection: deletionProtection || whenDestroyed === "retain",
        skipFinalSnapshot: false,
        finalSnapshotIdentifier,
    };
}

/** The log group of a server's log, made before the server, which would make one that the customer's key does not encrypt. */
export function encryptedLog(
    { name, tags, opts }: Owner,
    { kmsKeyArn }: NewServerArgs,
    place: "cluster" | "instance",
): aws.cloudwatch.LogGroup[] {
    if (kmsKeyArn === undefined) {
        return [];
    }
    const inputs = {
        name: `/aws/rds/${place}/${name}/postgresql`,
        kmsKeyId: kmsKeyArn,
        tags: named(name, tags),
    };
    return [new aws.cloudwatch.LogGroup(`${name}-log`, inputs, opts)];
}

/** Where the writer is, and the password of its master user. */
interface MasterLogin {
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    readonly password: Password;
}

/** The ways in as the master user, for the program and for people. */
export function masterAccess(
    owner: Owner,
    args: NewServerArgs,
    login: MasterLogin,
): Pick<DatabaseServer, "host" | "port" | "masterConnection" | "masterSecretArn" | "psql"> {
    const { host, port } = login;
    const { databaseName, masterUsername } = args;
    const caBundle = args.caBundle.file;
    return {
        host,
        port,
        masterConnection: connectionOf(args, login),
        masterSecretArn: masterSecret(owner, args, login),
        psql: psqlOutput({ host, port, databaseName, masterUsername, caBundle }),
    };
}

function masterSecret(
    { name, tags, opts }: Owner,
    { databaseName, masterUsername: username, kmsKeyArn }: NewServerArgs,
    { host, port, password }: MasterLogin,
): pulumi.Output<string> {
    return new DatabaseCredentials(
        `${name}-master`,
        {
            description: `Master user of ${name}`,
            username,
            password: password.value,
            ...{ host, port, databaseName, kmsKeyArn, tags },
        },
        opts,
    ).secretArn;
}

function connectionOf(
    { databaseName: database, masterUsername: user, caBundle: { path: caPath } }: NewServerArgs,
    { host, port, password }: MasterLogin,
): pulumi.Output<Connection> {
    const { value, former } = password;
    return pulumi.secret(
        pulumi.all([host, port, value, former]).apply(([host, port, password, formerPassword]) => ({
            ...{ host, port, database, user, password, caPath },
            ...(formerPassword === "" ? {} : { formerPassword }),
        })),
    );
}
