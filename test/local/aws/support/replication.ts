import type { Props } from "../../../../local/provider";
import { ensureAuthority } from "../../../../local/servers/tls";
import { type Cloud, type Made, makeNetwork } from "./cloud";

const ROLE = "aws:iam/role:Role";
const ENDPOINT = "aws:dms/endpoint:Endpoint";

function trust(service: string): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } }],
    });
}

/** One of the two roles that DMS asks of an account, with its policy. */
export async function makeDmsRole(cloud: Cloud, name: string, policy: string): Promise<void> {
    await cloud.create(ROLE, name, { name, assumeRolePolicy: trust("dms.amazonaws.com") });
    await cloud.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", name, {
        role: name,
        policyArn: `arn:aws:iam::aws:policy/service-role/${policy}`,
    });
}

/** Where an endpoint's secret says that its database is. */
export interface Login {
    readonly username: string;
    readonly password: string;
    readonly host: string;
    readonly port: number;
}

/** An endpoint with its secret, which an access role may read. */
async function makeEndpoint(
    cloud: Cloud,
    endpointType: "source" | "target",
    login: Partial<Login>,
    access: Made,
    certificate: Made,
): Promise<Made> {
    const secret = await cloud.create("aws:secretsmanager/secret:Secret", endpointType, {});
    await cloud.create("aws:secretsmanager/secretVersion:SecretVersion", endpointType, {
        secretId: secret.id,
        secretString: JSON.stringify(login),
    });
    await cloud.create("aws:iam/rolePolicy:RolePolicy", endpointType, {
        role: access.id,
        policy: JSON.stringify({
            Version: "2012-10-17",
            Statement: {
                Effect: "Allow",
                Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                Resource: secret.outputs.arn,
            },
        }),
    });
    return await cloud.create(ENDPOINT, endpointType, {
        endpointId: `${endpointType}-endpoint`,
        endpointType,
        engineName: "aurora-postgresql",
        databaseName: "shop",
        sslMode: "verify-full",
        certificateArn: certificate.outputs.certificateArn,
        secretsManagerArn: secret.outputs.arn,
        secretsManagerAccessRoleArn: access.outputs.arn,
    });
}

/** What a replication task needs, and the task's inputs. */
export interface Replication {
    readonly taskInputs: Props;
    readonly source: Made;
    readonly access: Made;
    readonly certificate: Made;
    readonly instance: Made;
    readonly subnetGroup: Made;
    readonly subnets: Made[];
}

/** Everything that a replication task needs, up to but not including the task. */
export async function makeReplication(
    cloud: Cloud,
    logins: { readonly source: Partial<Login>; readonly target: Partial<Login> },
    accessService = "dms.us-east-1.amazonaws.com",
): Promise<Replication> {
    const { subnets } = await makeNetwork(cloud);
    await makeDmsRole(cloud, "dms-vpc-role", "AmazonDMSVPCManagementRole");
    const subnetGroup = await cloud.create(
        "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
        "subnets",
        {
            replicationSubnetGroupId: "trail",
            replicationSubnetGroupDescription: "trail",
            subnetIds: subnets.map(({ id }) => id),
        },
    );
    const instance = await cloud.create(
        "aws:dms/replicationInstance:ReplicationInstance",
        "instance",
        {
            replicationInstanceId: "trail",
            replicationInstanceClass: "dms.t3.medium",
            replicationSubnetGroupId: subnetGroup.id,
        },
    );
    const access = await cloud.create(ROLE, "access", { assumeRolePolicy: trust(accessService) });
    const { cert } = await ensureAuthority(cloud.stackDir);
    const certificate = await cloud.create("aws:dms/certificate:Certificate", "ca", {
        certificateId: "ca",
        certificatePem: cert,
    });
    const source = await makeEndpoint(cloud, "source", logins.source, access, certificate);
    const target = await makeEndpoint(cloud, "target", logins.target, access, certificate);
    return {
        source,
        access,
        certificate,
        instance,
        subnetGroup,
        subnets,
        taskInputs: {
            replicationTaskId: "trail",
            migrationType: "full-load-and-cdc",
            replicationInstanceArn: instance.outputs.replicationInstanceArn,
            sourceEndpointArn: source.outputs.endpointArn,
            targetEndpointArn: target.outputs.endpointArn,
            tableMappings: JSON.stringify({
                rules: [
                    {
                        "rule-type": "selection",
                        "rule-id": "1",
                        "rule-name": "items",
                        "object-locator": { "schema-name": "public", "table-name": "items" },
                        "rule-action": "explicit",
                    },
                ],
            }),
            replicationTaskSettings: "{}",
            startReplicationTask: true,
        },
    };
}
