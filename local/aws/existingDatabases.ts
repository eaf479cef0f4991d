import type { Props } from "../provider";
import { type Account, arn } from "./account";
import { mustText } from "./behaviour";

/** What AWS says of databases and secrets that a stack did not make: as a plan without an account needs it. */

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html, DBInstanceIdentifier. */
const IDENTIFIER = /^[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]$|^[a-z]$/;
const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:(.+)$/;
const GROUP = "sg-0123456789abcdef0";

function identifier(args: Props, name: string, parameter: string): string {
    const stranger = Object.keys(args).find((key) => key !== name && key !== "region");
    if (stranger !== undefined) {
        throw new Error(
            `The local stack looks a database up by ${name} alone, not by ${stranger}.`,
        );
    }
    const value = mustText(args, name);
    if (!IDENTIFIER.test(value)) {
        throw new Error(
            `InvalidParameterValue: The parameter ${parameter} is not a valid identifier: "${value}".`,
        );
    }
    return value;
}

/** A secret as RDS makes it for the master user. */
function managedSecret(account: Account, name: string): Props {
    return {
        secretArn: arn(account, "secretsmanager", `secret:rds!${name}-AbCdEf`),
        secretStatus: "active",
        kmsKeyId: arn(account, "kms", "key/00000000-0000-0000-0000-000000000000"),
    };
}

/** `aws.rds.getCluster`: an Aurora cluster under every identifier that RDS would allow. */
export function describeCluster(account: Account, args: Props): Props {
    const id = identifier(args, "clusterIdentifier", "DBClusterIdentifier");
    return {
        id,
        clusterIdentifier: id,
        region: account.region,
        arn: arn(account, "rds", `cluster:${id}`),
        endpoint: `${id}.cluster-c0123456789a.${account.region}.rds.amazonaws.com`,
        port: 5432,
        engine: "aurora-postgresql",
        engineMode: "provisioned",
        engineVersion: "17.7",
        databaseName: "",
        masterUsername: "postgres",
        masterUserSecrets: [managedSecret(account, `cluster-${id}`)],
        vpcSecurityGroupIds: [GROUP],
        iamDatabaseAuthenticationEnabled: false,
    };
}

/** `aws.rds.getInstance`: an RDS for PostgreSQL instance under every identifier that RDS would allow. */
export function describeInstance(account: Account, args: Props): Props {
    const id = identifier(args, "dbInstanceIdentifier", "DBInstanceIdentifier");
    const address = `${id}.c0123456789a.${account.region}.rds.amazonaws.com`;
    return {
        id,
        dbInstanceIdentifier: id,
        region: account.region,
        dbInstanceArn: arn(account, "rds", `db:${id}`),
        address,
        endpoint: `${address}:5432`,
        port: 5432,
        engine: "postgres",
        engineVersion: "17.7",
        dbName: "",
        dbClusterIdentifier: "",
        replicateSourceDb: "",
        masterUsername: "postgres",
        masterUserSecrets: [managedSecret(account, `db-${id}`)],
        vpcSecurityGroups: [GROUP],
    };
}

/** `aws.secretsmanager.getSecretVersion`: a login under every ARN of this region. */
export function readSecret(account: Account, args: Props): Props {
    const secretId = mustText(args, "secretId");
    const [, region] = SECRET_ARN.exec(secretId) ?? [];
    if (region !== account.region) {
        throw new Error(
            `ResourceNotFoundException: Secrets Manager can't find the specified secret: ${secretId}.`,
        );
    }
    return {
        id: `${secretId}|AWSCURRENT`,
        secretId,
        arn: secretId,
        region,
        versionId: "00000000-0000-0000-0000-000000000000",
        versionStages: ["AWSCURRENT"],
        createdDate: "2026-01-01T00:00:00Z",
        secretBinary: "",
        secretString: JSON.stringify({ username: "postgres", password: "of-a-plan-only" }),
    };
}
