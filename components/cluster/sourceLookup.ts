import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../text/errors";
import type { DatabaseServer } from "./databaseServer";
import { majorVersion, parseEngineVersion } from "./engineVersion";
import type { ExistingSource, RdsSource } from "./existingSource";

/** An existing source as AWS or the config describes it; nobody has connected to it yet. */
export interface FoundSource {
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    /** Undefined for a server that is given by its address. */
    readonly arn: pulumi.Output<string> | undefined;
    /** The login that the program works with; a secret. */
    readonly login: pulumi.Output<SourceLogin>;
    /** Where user and password of the login are kept already; undefined where the config has them. */
    readonly secretArn: pulumi.Output<string> | undefined;
    /** One of the server's security groups, or the network it is in: where connections to it go. */
    readonly reach: SourceReach;
}

/** A user and a password. */
export interface SourceLogin {
    readonly username: string;
    readonly password: string;
}

/** Where the security groups of the stack let connections out to; exactly one of the two is given. */
interface SourceReach {
    readonly securityGroupId?: pulumi.Output<string>;
    readonly cidr?: string;
}

/** What AWS says of a cluster or an instance. */
export interface RdsDescription {
    readonly identifier: string;
    readonly engine: string;
    readonly engineVersion: string;
    readonly host: string;
    readonly securityGroupIds: readonly string[];
    /** `provisioned`, or `serverless` for the first Aurora Serverless; of clusters only. */
    readonly engineMode?: string;
    /** The cluster that an instance belongs to; empty for one that belongs to none. */
    readonly clusterIdentifier?: string;
    /** The server that an instance is a read replica of; empty for one that is none. */
    readonly replicaOf?: string;
}

/**
 * Why a database of RDS cannot be a source, in one sentence; undefined for one that can. What only the server knows
 * (wal_level, free slots) is not judged here.
 */
export function unfitSource(kind: RdsSource["kind"], found: RdsDescription): string | undefined {
    const what = `The ${kind} "${found.identifier}" of the config key audit-trail:source`;
    const engine = kind === "auroraCluster" ? "aurora-postgresql" : "postgres";
    if (kind === "rdsInstance" && found.engine === "aurora-postgresql") {
        return `${what} is an instance of the Aurora cluster "${found.clusterIdentifier ?? ""}"; run "pulumi config rm --path source.rdsInstance" and "pulumi config set --path source.auroraCluster ${found.clusterIdentifier ?? ""}".`;
    }
    if (found.engine !== engine) {
        return `${what} has the engine ${found.engine}, and the trail reads ${engine} there; name another.`;
    }
    if (found.engineMode === "serverless") {
        return `${what} is Aurora Serverless v1, from which DMS carries no changes; move it to Serverless v2 or to provisioned instances first.`;
    }
    if ((found.replicaOf ?? "") !== "") {
        return `${what} is a read replica of "${found.replicaOf ?? ""}", in which nothing can be created; name that one.`;
    }
    if (found.securityGroupIds.length === 0 || found.host === "") {
        return `${what} has no security group or no address in a VPC (as with Aurora's express configuration), so that DMS cannot reach it; move it into a VPC first.`;
    }
    try {
        parseEngineVersion(`${String(majorVersion(found.engineVersion))}.0`);
        return undefined;
    } catch (error) {
        return `${what} has version ${found.engineVersion}, but ${messageOf(error)}; upgrade it first.`;
    }
}

/**
 * User and password out of a secret's text.
 * @throws RunError in one sentence, which has nothing of the text.
 */
export function loginIn(text: string, arn: string): SourceLogin {
    let fields: unknown;
    try {
        fields = JSON.parse(text);
    } catch {
        fields = undefined;
    }
    const { username, password } = (fields ?? {}) as Partial<Record<string, unknown>>;
    if (typeof username !== "string" || typeof password !== "string") {
        throw new pulumi.RunError(
            `The secret ${arn} of the source's login is not JSON with the texts username and password; correct it, or name another in source.credentialsSecretArn.`,
        );
    }
    return { username, password };
}

/**
 * Finds the source that the config names; a preview does so too.
 * @param password The value of the config key `sourcePassword`.
 */
export function findSource(source: ExistingSource, password: string | undefined): FoundSource {
    if (source.kind === "address") {
        const { host, port, username = "", credentialsSecretArn, allowedSecurityGroup } = source;
        return {
            host: pulumi.output(host),
            port: pulumi.output(port),
            dmsEngineName: "postgres",
            arn: undefined,
            ...(credentialsSecretArn === undefined
                ? {
                      login: pulumi.secret({ username, password: password ?? "" }),
                      secretArn: undefined,
                  }
                : loginOf(pulumi.output(credentialsSecretArn))),
            reach: reachOf(source, allowedSecurityGroup),
        };
    }
    return source.kind === "auroraCluster" ? findCluster(source) : findInstance(source);
}

function reachOf({ cidr }: { cidr: string | undefined }, group: string | undefined): SourceReach {
    return {
        ...(group === undefined ? {} : { securityGroupId: pulumi.output(group) }),
        ...(cidr === undefined ? {} : { cidr }),
    };
}

function findCluster(source: RdsSource): FoundSource {
    const cluster = aws.rds.getClusterOutput({ clusterIdentifier: source.identifier });
    const fit = pulumi.output(cluster).apply((found) => {
        requireFit(source.kind, {
            ...found,
            identifier: source.identifier,
            host: found.endpoint,
            securityGroupIds: found.vpcSecurityGroupIds,
        });
        return found;
    });
    return {
        host: fit.endpoint,
        port: fit.port,
        dmsEngineName: "aurora-postgresql",
        ...rdsParts(source, fit.arn, fit.masterUserSecrets, fit.vpcSecurityGroupIds),
    };
}

function findInstance(source: RdsSource): FoundSource {
    const instance = aws.rds.getInstanceOutput({ dbInstanceIdentifier: source.identifier });
    const fit = pulumi.output(instance).apply((found) => {
        requireFit(source.kind, {
            ...found,
            identifier: source.identifier,
            host: found.address,
            securityGroupIds: found.vpcSecurityGroups,
            clusterIdentifier: found.dbClusterIdentifier,
            replicaOf: found.replicateSourceDb,
        });
        return found;
    });
    return {
        host: fit.address,
        port: fit.port,
        dmsEngineName: "postgres",
        ...rdsParts(source, fit.dbInstanceArn, fit.masterUserSecrets, fit.vpcSecurityGroups),
    };
}

function requireFit(kind: RdsSource["kind"], found: RdsDescription): void {
    const problem = unfitSource(kind, found);
    if (problem !== undefined) {
        throw new pulumi.RunError(problem);
    }
}

type RdsParts = Pick<FoundSource, "arn" | "login" | "secretArn" | "reach">;

function rdsParts(
    { kind, identifier, place, credentialsSecretArn, allowedSecurityGroup }: RdsSource,
    arn: pulumi.Output<string>,
    managed: pulumi.Output<readonly { readonly secretArn: string }[]>,
    groups: pulumi.Output<readonly string[]>,
): RdsParts {
    const secretArn = managed.apply((secrets) => {
        const found = credentialsSecretArn ?? secrets[0]?.secretArn;
        if (found === undefined) {
            throw new pulumi.RunError(
                `The ${kind} "${identifier}" of the config key audit-trail:source has no secret that RDS manages for its master user, so that nobody knows how to sign in; name a secret with username and password in source.credentialsSecretArn.`,
            );
        }
        return found;
    });
    const group = allowedSecurityGroup ?? groups.apply(([first = ""]) => first);
    return {
        arn: arn.apply((real) => checkedArn(real, kind, place?.accountId)),
        ...loginOf(secretArn),
        reach: { securityGroupId: pulumi.output(group) },
    };
}

function checkedArn(arn: string, kind: string, accountId: string | undefined): string {
    const found = arn.split(":")[4];
    if (accountId !== undefined && found !== accountId) {
        throw new pulumi.RunError(
            `The ${kind} of the config key audit-trail:source is in the account ${accountId}, and these credentials lead to ${String(found)}; use credentials of that account, or name a source of this one.`,
        );
    }
    return arn;
}

function loginOf(
    secretArn: pulumi.Output<string>,
): Pick<FoundSource, "login"> & { secretArn: pulumi.Output<string> } {
    const { secretString } = aws.secretsmanager.getSecretVersionOutput({ secretId: secretArn });
    const login = pulumi.all([secretString, secretArn]).apply(([text, arn]) => loginIn(text, arn));
    return { login: pulumi.secret(login), secretArn };
}
