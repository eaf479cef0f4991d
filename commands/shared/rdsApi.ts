import {
    DescribeBlueGreenDeploymentsCommand,
    DescribeDBClustersCommand,
    DescribeDBInstancesCommand,
    paginateDescribeGlobalClusters,
    RDSClient,
} from "@aws-sdk/client-rds";
import type { Asked, RdsFacts } from "../../preflight/rds/rdsFacts";
import { messageOf, PlainError } from "../../text/errors";

/** A database of RDS as the config names it. */
interface Named {
    readonly kind: "auroraCluster" | "rdsInstance";
    readonly identifier: string;
}

/**
 * What RDS's API says of a database, read with this machine's AWS credentials.
 *
 * @param region where the database is; undefined: the region of AWS's own configuration
 * @throws PlainError when the database cannot be described, which a deployment has to be able to do as well
 */
export async function readRdsFacts(named: Named, region: string | undefined): Promise<RdsFacts> {
    const client = new RDSClient(region === undefined ? {} : { region });
    try {
        return await (named.kind === "auroraCluster"
            ? clusterFacts(client, named.identifier)
            : instanceFacts(client, named.identifier));
    } catch (cause) {
        const name = cause instanceof Error ? cause.name : "";
        throw new PlainError(
            `AWS did not describe the ${named.kind} "${named.identifier}" of the config key audit-trail:source (${name}: ${messageOf(cause)}); check the AWS credentials, which need rds:DescribeDBClusters and rds:DescribeDBInstances, the region and the name.`,
            { cause },
        );
    } finally {
        client.destroy();
    }
}

async function clusterFacts(client: RDSClient, identifier: string): Promise<RdsFacts> {
    const { DBClusters: [cluster] = [] } = await client.send(
        new DescribeDBClustersCommand({ DBClusterIdentifier: identifier }),
    );
    const writer = cluster?.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter);
    const instance = await describeInstance(client, writer?.DBInstanceIdentifier);
    return {
        cluster,
        instance,
        blueGreen: await asked(() => blueGreenDeployments(client, cluster?.DBClusterArn)),
        globalClusters: await asked(() => globalClusters(client)),
    };
}

async function instanceFacts(client: RDSClient, identifier: string): Promise<RdsFacts> {
    const instance = await describeInstance(client, identifier);
    return {
        cluster: undefined,
        instance,
        blueGreen: await asked(() => blueGreenDeployments(client, instance?.DBInstanceArn)),
        globalClusters: { found: [] },
    };
}

async function describeInstance(
    client: RDSClient,
    identifier: string | undefined,
): Promise<RdsFacts["instance"]> {
    if (identifier === undefined) {
        return undefined;
    }
    const { DBInstances: [instance] = [] } = await client.send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }),
    );
    return instance;
}

/** A question that not everybody who deploys may ask. */
async function asked<T>(question: () => Promise<readonly T[]>): Promise<Asked<T>> {
    try {
        return { found: await question() };
    } catch (error) {
        return { refused: messageOf(error) };
    }
}

/** Those that the database is in, on either side; an account has few of them for one database, and one page holds 100. */
async function blueGreenDeployments(client: RDSClient, arn = "") {
    const answers = ["source", "target"].map((side) =>
        client.send(
            new DescribeBlueGreenDeploymentsCommand({ Filters: [{ Name: side, Values: [arn] }] }),
        ),
    );
    const all = await Promise.all(answers);
    return all.flatMap(({ BlueGreenDeployments = [] }) => BlueGreenDeployments);
}

async function globalClusters(client: RDSClient) {
    const found = [];
    for await (const page of paginateDescribeGlobalClusters({ client }, {})) {
        found.push(...(page.GlobalClusters ?? []));
    }
    return found;
}
