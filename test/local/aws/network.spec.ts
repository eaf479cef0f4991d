import assert from "node:assert/strict";
import type { Props } from "../../../local/provider";
import { Cloud, type Made, makeNetwork } from "./support/cloud";

const VPC = "aws:ec2/vpc:Vpc";
const SUBNET = "aws:ec2/subnet:Subnet";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const GATEWAY = "aws:ec2/internetGateway:InternetGateway";
const TABLE = "aws:ec2/routeTable:RouteTable";
const ROUTE = "aws:ec2/route:Route";
const ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";
const ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint";
const INSTANCE = "aws:ec2/instance:Instance";
const SERVICE = "com.amazonaws.us-east-1.secretsmanager";

describe("the network of the AWS stand-in", () => {
    let cloud: Cloud;
    let vpc: Made;
    let group: Made;
    let subnets: Made[];
    /** A VPC beside it. */
    let other: Made;

    beforeEach(async () => {
        cloud = await Cloud.open();
        ({ vpc, group, subnets } = await makeNetwork(cloud));
        other = await cloud.create(VPC, "other", {
            cidrBlock: "10.9.0.0/16",
            enableDnsHostnames: true,
        });
    });

    afterEach(async () => {
        await cloud.close();
    });

    async function made(type: string, inputs: Props, name = "one"): Promise<Made> {
        return await cloud.create(type, name, inputs);
    }

    async function refused(type: string, inputs: Props, reason: RegExp): Promise<void> {
        await assert.rejects(cloud.create(type, "bad", inputs), reason);
    }

    function hostInputs(): Props {
        return {
            ami: "ami-0123456789abcdef0",
            instanceType: "t3.medium",
            subnetId: subnets[0]?.id,
            vpcSecurityGroupIds: [group.id],
        };
    }

    it("keeps a VPC while something is in it, and a subnet and a group while something uses them", async () => {
        const gateway = await made(GATEWAY, { vpcId: vpc.id });
        const table = await made(TABLE, { vpcId: vpc.id });
        const host = await made(INSTANCE, hostInputs());
        const [first, second] = subnets;
        assert.ok(first && second);
        const peer = await made(GROUP, { vpcId: vpc.id }, "peer");
        const rule = await made(INGRESS, {
            securityGroupId: peer.id,
            referencedSecurityGroupId: group.id,
            ipProtocol: "tcp",
            fromPort: 1,
            toPort: 1,
        });
        for (const kept of [vpc, first, group, gateway]) {
            await assert.rejects(cloud.delete(kept), /^Error: DependencyViolation: /, kept.type);
        }
        await cloud.delete(host);
        await assert.rejects(
            cloud.delete(group),
            /DependencyViolation: .* a dependent object, the rule/,
        );
        for (const gone of [rule, gateway, table, first, second, group, peer, vpc]) {
            await cloud.delete(gone);
        }
    });

    it("keeps what a database, DMS or an endpoint has an interface in", async () => {
        const [first] = subnets;
        assert.ok(first);
        const endpoint = await made(ENDPOINT, {
            vpcId: vpc.id,
            serviceName: SERVICE,
            vpcEndpointType: "Interface",
            subnetIds: [first.id],
            securityGroupIds: [group.id],
        });
        await assert.rejects(cloud.delete(first), /DependencyViolation: .*VpcEndpoint/);
        await assert.rejects(cloud.delete(group), /DependencyViolation: .*VpcEndpoint/);
        await cloud.delete(endpoint);
        await cloud.delete(group);
        await cloud.delete(first);
    });

    it("refuses routes that lead nowhere or twice, and a subnet with two tables", async () => {
        const gateway = await made(GATEWAY, { vpcId: vpc.id });
        await refused(GATEWAY, { vpcId: vpc.id }, /Resource.AlreadyAssociated/);
        await refused(GATEWAY, { vpcId: "vpc-0" }, /InvalidVpcID.NotFound/);
        const table = await made(TABLE, { vpcId: vpc.id });
        const away = await made(TABLE, { vpcId: other.id }, "away");
        const way = {
            routeTableId: table.id,
            destinationCidrBlock: "0.0.0.0/0",
            gatewayId: gateway.id,
        };
        await made(ROUTE, way);
        await refused(ROUTE, way, /RouteAlreadyExists/);
        await refused(ROUTE, { ...way, gatewayId: undefined }, /exactly one of .*natGatewayId/);
        await refused(ROUTE, { ...way, natGatewayId: "nat-1" }, /exactly one of .*natGatewayId/);
        await refused(ROUTE, { ...way, routeTableId: "rtb-0" }, /InvalidRouteTableID.NotFound/);
        await refused(ROUTE, { ...way, routeTableId: away.id }, /different networks/);
        const pair = { routeTableId: table.id, subnetId: subnets[0]?.id };
        const association = await made(ASSOCIATION, pair);
        await refused(ASSOCIATION, pair, /Resource.AlreadyAssociated/);
        await refused(ASSOCIATION, { ...pair, routeTableId: away.id }, /different networks/);
        await refused(ASSOCIATION, { routeTableId: table.id }, /either it or gatewayId/);
        const diff = cloud.diff(association, { ...pair, subnetId: subnets[1]?.id });
        assert.deepEqual(diff?.replaces, ["subnetId"]);
    });

    it("refuses endpoints that AWS would not place", async () => {
        const inputs = {
            vpcId: other.id,
            serviceName: SERVICE,
            vpcEndpointType: "Interface",
            privateDnsEnabled: true,
        };
        await refused(ENDPOINT, { ...inputs, vpcId: vpc.id }, /enableDnsHostnames/);
        await made(ENDPOINT, inputs);
        await refused(ENDPOINT, inputs, /private-dns-enabled cannot be set/);
        const twin = { ...inputs, privateDnsEnabled: false };
        await refused(ENDPOINT, { ...twin, subnetIds: [subnets[0]?.id] }, /not in its VPC/);
        await refused(ENDPOINT, { ...twin, securityGroupIds: [group.id] }, /not in its VPC/);
        const [first] = subnets;
        const twice = await made(SUBNET, {
            vpcId: vpc.id,
            cidrBlock: "10.0.99.0/24",
            availabilityZone: first?.inputs.availabilityZone,
        });
        const both = { ...twin, vpcId: vpc.id, subnetIds: [first?.id, twice.id] };
        await refused(ENDPOINT, both, /DuplicateSubnetsInSameZone/);
        await refused(ENDPOINT, { ...twin, routeTableIds: ["rtb-0"] }, /type Interface has none/);
    });

    it("refuses hosts, groups, rules and subnets with what EC2 does not take", async () => {
        const away = await made(GROUP, { vpcId: other.id }, "away");
        const host = hostInputs();
        await refused(INSTANCE, { ...host, vpcSecurityGroupIds: [away.id] }, /not in its VPC/);
        await refused(
            INSTANCE,
            { ...host, iamInstanceProfile: "none" },
            /Invalid IAM Instance Profile/,
        );
        await refused(INSTANCE, { ...host, userData: "#".repeat(16_385) }, /at most 16384 bytes/);
        await refused(INSTANCE, { ...host, ami: "resolve:ssm:x" }, /ami-0123456789abcdef0/);
        await refused(INSTANCE, { ...host, instanceType: "medium" }, /t3.medium/);
        const disk = { encrypted: true, volumeType: "gp3" };
        const one = await made(INSTANCE, { ...host, rootBlockDevice: disk });
        const change = (rootBlockDevice: Props) =>
            cloud.diff(one, { ...one.inputs, rootBlockDevice })?.replaces;
        assert.deepEqual(change({ ...disk, volumeType: "gp2" }), []);
        assert.deepEqual(change({ ...disk, kmsKeyId: "key" }), ["rootBlockDevice"]);
        await refused(GROUP, { vpcId: vpc.id, name: "sg-one" }, /does not begin with sg-/);
        await refused(GROUP, { vpcId: vpc.id, description: "a → b" }, /letters, digits/);
        const rule = { securityGroupId: group.id, ipProtocol: "tcp", cidrIpv4: "10.0.0.0/8" };
        await refused(INGRESS, { ...rule, fromPort: 2, toPort: 1 }, /fromPort is not the greater/);
        await refused(INGRESS, { ...rule, fromPort: 1, toPort: 65_536 }, /between 0 and 65535/);
        const ports = { fromPort: 1, toPort: 1 };
        await refused(INGRESS, { ...rule, ...ports, description: "a?" }, /letters, digits/);
        await made(INGRESS, { ...rule, ...ports });
        const second = await made(INGRESS, { ...rule, fromPort: 2, toPort: 2 }, "two");
        await assert.rejects(cloud.update(second, ports), /InvalidPermission.Duplicate/);
        const subnet = { vpcId: vpc.id, cidrBlock: "10.0.99.0/29" };
        await refused(SUBNET, subnet, /between \/16 and \/28/);
        for (const availabilityZone of ["us-east-1", "us-east-1aa", "eu-west-1a"]) {
            const wrong = { ...subnet, cidrBlock: "10.0.99.0/28", availabilityZone };
            await refused(SUBNET, wrong, /is not one of us-east-1/);
        }
    });
});
