import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import {
    ExistingNetwork,
    firstOfEachZone,
    unfitSubnets,
} from "../../../components/network/existingNetwork";
import { HostSessionLog, sessionCommand } from "../../../components/network/hostSessionLog";
import { HostVerify } from "../../../components/network/hostVerify";
import { Network } from "../../../components/network/network";
import { PrivateEndpoints } from "../../../components/network/privateEndpoints";
import { PsqlHost } from "../../../components/network/psqlHost";
import {
    SecurityGroups,
    type SecurityGroupsArgs,
} from "../../../components/network/securityGroups";
import { Recorder } from "../support/mocks";
import { UNGUARDED } from "../support/unguarded";

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const tags = { Project: "audit-trail" };

describe("Network", () => {
    const recorder = new Recorder();
    before(async () => {
        await recorder.install();
        const network = new Network("net", {
            vpcCidr: "10.20.0.0/16",
            hasHost: true,
            guard: UNGUARDED,
            isKept: false,
            tags,
        });
        await recorder.settle(network.vpcId, network.host?.subnetId, ...network.privateSubnetIds);
    });

    it("puts one public and two private subnets into two zones, in the zones' alphabetical order", () => {
        const subnets = recorder.all("aws:ec2/subnet:Subnet");
        assert.deepEqual(
            subnets.map(({ name, inputs }) => [
                name,
                inputs["availabilityZone"],
                inputs["cidrBlock"],
            ]),
            [
                ["net-public", "us-east-1a", "10.20.0.0/18"],
                ["net-private-1", "us-east-1a", "10.20.64.0/18"],
                ["net-private-2", "us-east-1b", "10.20.128.0/18"],
            ],
        );
        assert.ok(subnets.every(({ inputs }) => inputs["mapPublicIpOnLaunch"] === false));
    });

    it("routes to the internet from the public subnet alone", () => {
        const routes = recorder.all("aws:ec2/route:Route");
        assert.equal(routes.length, 1);
        assert.equal(routes[0]?.inputs["routeTableId"], "net-public-routes-id");
        const associations = recorder.all("aws:ec2/routeTableAssociation:RouteTableAssociation");
        assert.deepEqual(
            associations.map(({ inputs }) => [inputs["subnetId"], inputs["routeTableId"]]),
            [
                ["net-public-id", "net-public-routes-id"],
                ["net-private-1-id", "net-private-routes-id"],
                ["net-private-2-id", "net-private-routes-id"],
            ],
        );
    });

    it("closes the default security group and resolves private names", () => {
        const closed = recorder.inputs("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
        assert.deepEqual([closed["ingress"], closed["egress"]], [[], []]);
        const vpc = recorder.inputs("aws:ec2/vpc:Vpc");
        assert.deepEqual([vpc["enableDnsHostnames"], vpc["enableDnsSupport"]], [true, true]);
    });
});

describe("Network without a psql host", () => {
    it("has no public subnet, and the same private ones", async () => {
        const without = new Recorder();
        await without.install();
        const args = { vpcCidr: "10.20.0.0/16", hasHost: false, guard: UNGUARDED, isKept: false };
        const network = new Network("net", { ...args, tags });
        await without.settle(network.vpcId, ...network.privateSubnetIds);
        assert.deepEqual([network.host, network.publicRouteTableId], [undefined, undefined]);
        const types = without.resources.map(({ type }) => type);
        assert.ok(!types.includes("aws:ec2/internetGateway:InternetGateway"));
        assert.ok(!types.includes("aws:ec2/route:Route"));
        assert.deepEqual(
            without.all("aws:ec2/subnet:Subnet").map(({ inputs }) => inputs["cidrBlock"]),
            ["10.20.64.0/18", "10.20.128.0/18"],
        );
    });
});

describe("ExistingNetwork", () => {
    const vpcId = "vpc-0123456789abcdef0";
    const subnet = (id: string, zone: string, vpc = vpcId) => ({
        id,
        vpcId: vpc,
        availabilityZone: `us-east-1${zone}`,
    });

    it("makes nothing, and gives what the config names", async () => {
        const recorder = new Recorder();
        await recorder.install();
        const network = new ExistingNetwork("net", {
            vpcId,
            privateSubnetIds: ["subnet-a", "subnet-b"],
            hostSubnetId: "subnet-c",
        });
        assert.deepEqual(
            await recorder.settle(
                network.vpcId,
                ...network.privateSubnetIds,
                network.host?.subnetId,
            ),
            [vpcId, "subnet-a", "subnet-b", "subnet-c"],
        );
        assert.deepEqual(
            recorder.resources.map(({ type }) => type),
            ["auditTrail:index:ExistingNetwork"],
        );
    });

    it("gives endpoints one subnet of each zone", () => {
        const subnets = ["b", "a", "b", "c", "a"].map((zone, index) =>
            subnet(`subnet-${index}`, zone),
        );
        assert.deepEqual(firstOfEachZone(subnets), ["subnet-0", "subnet-1", "subnet-3"]);
        assert.deepEqual(firstOfEachZone([]), []);
    });

    it("has subnets in two zones of one VPC, or is refused with what to set", () => {
        const fit = [subnet("subnet-1", "a"), subnet("subnet-2", "c")];
        assert.equal(unfitSubnets(vpcId, fit), undefined);
        assert.equal(unfitSubnets(vpcId, [...fit, subnet("subnet-3", "c")]), undefined);
        assert.match(
            unfitSubnets(vpcId, [subnet("subnet-1", "a"), subnet("subnet-2", "a")]) ?? "",
            /^The config key audit-trail:network names private subnets in one availability zone \(us-east-1a\) only, .*'network.privateSubnetIds\[2\]' subnet-\w+"\.$/,
        );
        assert.match(
            unfitSubnets(vpcId, [...fit, subnet("subnet-3", "b", "vpc-2")]) ?? "",
            /subnet-3, which is in vpc-2 and not in vpc-0123456789abcdef0; .*network.vpcId vpc-2/,
        );
    });
});

describe("SecurityGroups", () => {
    async function rules(
        privateEndpoints: boolean,
        existing: Partial<SecurityGroupsArgs> = {},
    ): Promise<Recorder> {
        const recorder = new Recorder();
        await recorder.install();
        const args = {
            vpcId: "vpc-1",
            host: { sshCidr: "203.0.113.0/24" },
            allowedSecurityGroupIds: [],
            privateEndpoints,
            isKept: false,
            tags,
            ...existing,
        };
        const groups = new SecurityGroups("sg", args);
        await recorder.settle(groups.dmsId, groups.databaseId);
        return recorder;
    }
    /** Rules as "who: what from or to whom", so that a test reads like the table in the docs. */
    const list = (recorder: Recorder, type: string): string[] =>
        recorder
            .all(type)
            .map(({ inputs: rule }) => {
                const peer = rule["referencedSecurityGroupId"] ?? rule["cidrIpv4"];
                assert.equal(rule["fromPort"], rule["toPort"]);
                assert.equal(rule["ipProtocol"], "tcp");
                assert.ok(String(rule["description"]).length > 5);
                return `${String(rule["securityGroupId"])} ${String(rule["toPort"])} ${String(peer)}`;
            })
            .sort();

    it("let in what is needed and nothing else", async () => {
        const recorder = await rules(true);
        assert.deepEqual(list(recorder, INGRESS), [
            "sg-database-id 5432 sg-dms-id",
            "sg-database-id 5432 sg-host-id",
            "sg-endpoints-id 443 sg-dms-id",
            "sg-endpoints-id 443 sg-host-id",
            "sg-host-id 22 203.0.113.0/24",
        ]);
        assert.deepEqual(list(recorder, EGRESS), [
            "sg-dms-id 443 sg-endpoints-id",
            "sg-dms-id 5432 sg-database-id",
            "sg-host-id 443 0.0.0.0/0",
            "sg-host-id 443 sg-endpoints-id",
            "sg-host-id 5432 sg-database-id",
        ]);
        recorder.assertNoDuplicates();
    });

    it("let DMS out when there are no endpoints in the VPC", async () => {
        const recorder = await rules(false);
        assert.equal(recorder.all("aws:ec2/securityGroup:SecurityGroup").length, 3);
        assert.deepEqual(list(recorder, EGRESS), [
            "sg-dms-id 443 0.0.0.0/0",
            "sg-dms-id 5432 sg-database-id",
            "sg-host-id 443 0.0.0.0/0",
            "sg-host-id 5432 sg-database-id",
        ]);
        assert.deepEqual(list(recorder, INGRESS), [
            "sg-database-id 5432 sg-dms-id",
            "sg-database-id 5432 sg-host-id",
            "sg-host-id 22 203.0.113.0/24",
        ]);
    });

    it("let groups of others into the databases alone, and have none for a host that there is not", async () => {
        const allowedSecurityGroupIds = ["sg-1", "sg-2"];
        const recorder = await rules(true, { host: undefined, allowedSecurityGroupIds });
        assert.equal(recorder.all("aws:ec2/securityGroup:SecurityGroup").length, 3);
        assert.deepEqual(list(recorder, INGRESS), [
            "sg-database-id 5432 sg-1",
            "sg-database-id 5432 sg-2",
            "sg-database-id 5432 sg-dms-id",
            "sg-endpoints-id 443 sg-dms-id",
        ]);
        assert.deepEqual(list(recorder, EGRESS), [
            "sg-dms-id 443 sg-endpoints-id",
            "sg-dms-id 5432 sg-database-id",
        ]);
        recorder.assertNoDuplicates();
    });

    it("let nobody into a host that Session Manager alone reaches", async () => {
        const recorder = await rules(true, { host: { sshCidr: undefined } });
        const host = list(recorder, INGRESS).filter((rule) => rule.startsWith("sg-host-id"));
        assert.deepEqual(host, []);
    });

    it("hold no inline rule, which would fight with the others", async () => {
        const recorder = await rules(true);
        for (const { inputs } of recorder.all("aws:ec2/securityGroup:SecurityGroup")) {
            assert.ok(!("ingress" in inputs) && !("egress" in inputs));
        }
    });
});

describe("PrivateEndpoints", () => {
    it("lead to the services that DMS calls, from the private subnets", async () => {
        const recorder = new Recorder();
        await recorder.install();
        const args = {
            vpcId: "vpc-1",
            subnetIds: ["subnet-1", "subnet-2"],
            securityGroupId: "sg-1",
            publicRouteTableId: "rtb-1",
            sessionManager: false,
            tags,
        };
        await recorder.settle(new PrivateEndpoints("ep", args).urn);
        const endpoints = recorder.all("aws:ec2/vpcEndpoint:VpcEndpoint");
        const kind = (type: string): unknown[] =>
            endpoints
                .filter(({ inputs }) => inputs["vpcEndpointType"] === type)
                .map(({ inputs }) => inputs["serviceName"])
                .sort();
        assert.deepEqual(kind("Interface"), [
            "com.amazonaws.us-east-1.logs",
            "com.amazonaws.us-east-1.secretsmanager",
        ]);
        assert.deepEqual(kind("Gateway"), ["com.amazonaws.us-east-1.s3"]);
        const secrets = recorder.inputs("aws:ec2/vpcEndpoint:VpcEndpoint", "ep-secretsmanager");
        assert.deepEqual(secrets["subnetIds"], ["subnet-1", "subnet-2"]);
        assert.equal(secrets["privateDnsEnabled"], true);
    });

    it("lead to Session Manager as well where the host has no public address", async () => {
        const recorder = new Recorder();
        await recorder.install();
        const ids = { vpcId: "vpc-1", subnetIds: [], securityGroupId: "sg-1" };
        const args = { ...ids, publicRouteTableId: undefined, sessionManager: true, tags };
        await recorder.settle(new PrivateEndpoints("ep", args).urn);
        assert.deepEqual(
            recorder.all("aws:ec2/vpcEndpoint:VpcEndpoint").map(({ name }) => name),
            ["ep-secretsmanager", "ep-logs", "ep-ssm", "ep-ssmmessages"],
        );
    });
});

describe("PsqlHost", () => {
    async function host(keyName?: string, hasSsh = true): Promise<Recorder> {
        const recorder = new Recorder();
        await recorder.install();
        const made = new PsqlHost("host", {
            place: { subnetId: pulumi.output("subnet-1"), hasPublicAddress: true },
            securityGroupId: "sg-1",
            hasSsh,
            image: "pinned",
            instanceType: "t2.medium",
            keyName,
            engineVersions: ["16.9", "17.7"],
            caBundles: [{ file: "certs/ca.pem", pem: "PEM OF AUTHORITIES" }],
            dependsOn: [],
            tags,
        });
        await recorder.settle(made.instanceId, made.publicIp);
        return recorder;
    }

    it("has an encrypted disk, asks for session tokens and keeps them from containers", async () => {
        const recorder = await host("my-key");
        const instance = recorder.inputs("aws:ec2/instance:Instance");
        assert.deepEqual(instance["metadataOptions"], {
            httpEndpoint: "enabled",
            httpTokens: "required",
            httpPutResponseHopLimit: 1,
        });
        const disk = instance["rootBlockDevice"] as Record<string, unknown>;
        assert.equal(disk["encrypted"], true);
        assert.equal(instance["associatePublicIpAddress"], true);
        assert.equal(instance["keyName"], "my-key");
        assert.equal(instance["ami"], "ami-0123456789abcdef0");
        const image = recorder.invokes.find(({ token }) => token.includes("getParameter"));
        assert.match(JSON.stringify(image?.inputs), /al2023-ami-kernel-default-x86_64/);
    });

    it("may do what Session Manager needs, and needs no key pair and no public address", async () => {
        const recorder = await host(undefined, false);
        assert.equal(
            recorder.inputs("aws:ec2/instance:Instance")["associatePublicIpAddress"],
            false,
        );
        assert.ok(!("keyName" in recorder.inputs("aws:ec2/instance:Instance")));
        assert.equal(
            recorder.inputs("aws:iam/rolePolicyAttachment:RolePolicyAttachment")["policyArn"],
            "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        );
        assert.equal(
            recorder.inputs("aws:ec2/instance:Instance")["iamInstanceProfile"],
            "host-profile",
        );
    });
});

describe("HostSessionLog", () => {
    it("logs the sessions that its document starts, and lets the host write that log alone", async () => {
        const recorder = new Recorder();
        await recorder.install();
        const log = new HostSessionLog("dev-sessions", { role: "r", kmsKeyArn: undefined, tags });
        const command = sessionCommand("i-1", "us-east-1", log.documentName);
        assert.deepEqual(await recorder.settle(command, sessionCommand("i-1", "us-east-1")), [
            "aws ssm start-session --region us-east-1 --target i-1 --document-name dev-sessions",
            "aws ssm start-session --region us-east-1 --target i-1",
        ]);
        const { inputs } = JSON.parse(
            String(recorder.inputs("aws:ssm/document:Document")["content"]),
        ) as { inputs: Record<string, unknown> };
        const group = recorder.inputs("aws:cloudwatch/logGroup:LogGroup");
        assert.equal(inputs["cloudWatchLogGroupName"], group["name"]);
        assert.equal(inputs["cloudWatchEncryptionEnabled"], false);
        const policy = String(recorder.inputs("aws:iam/rolePolicy:RolePolicy")["policy"]);
        assert.doesNotMatch(policy, /"Resource":\["?\*/);
        assert.match(policy, /PutLogEvents/);
    });
});

describe("HostVerify", () => {
    async function made(kmsKeyArn?: string): Promise<{ recorder: Recorder; place: unknown[] }> {
        const recorder = new Recorder();
        await recorder.install();
        const program = { text: "a program", sha256: "0a1b" };
        const { place } = new HostVerify("dev-verify", { role: "r", program, kmsKeyArn, tags });
        const settled = await recorder.settle(place.bucket, place.versionId);
        return { recorder, place: [...settled, place.key, place.sha256] };
    }

    it("keeps the program where the host's role reads this one object and no more", async () => {
        const { recorder, place } = await made();
        assert.deepEqual(place, ["dev-verify-bucket-id", "v1", "audit-verify.cjs", "0a1b"]);
        const object = recorder.inputs("aws:s3/bucketObjectv2:BucketObjectv2");
        assert.deepEqual([object["content"], object["key"]], ["a program", "audit-verify.cjs"]);
        const { role, policy } = recorder.inputs("aws:iam/rolePolicy:RolePolicy");
        assert.equal(role, "r");
        const { Statement: statements } = JSON.parse(String(policy)) as { Statement: unknown[] };
        assert.deepEqual(statements, [
            {
                Effect: "Allow",
                Action: ["s3:GetObjectVersion"],
                Resource: [
                    "arn:aws:mock:us-east-1:123456789012:dev-verify-bucket/audit-verify.cjs",
                ],
            },
        ]);
    });

    it("encrypts it with the customer's key, where there is one, and lets the host decrypt with that", async () => {
        const key = "arn:aws:kms:us-east-1:123456789012:key/1";
        const { recorder } = await made(key);
        const policy = String(recorder.inputs("aws:iam/rolePolicy:RolePolicy")["policy"]);
        assert.ok(
            policy.endsWith(`{"Effect":"Allow","Action":["kms:Decrypt"],"Resource":["${key}"]}]}`),
        );
        const type =
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
        assert.ok(
            JSON.stringify(recorder.inputs(type)["rules"]).includes(`"kmsMasterKeyId":"${key}"`),
        );
    });
});
