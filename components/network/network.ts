import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { named, type Tags } from "../tags";
import { planSubnets } from "./subnets";

/** Arguments of {@link Network}. */
export interface NetworkArgs {
    /** IPv4 network of the VPC. */
    readonly vpcCidr: string;
    readonly tags: Tags;
}

/** Aurora's and DMS's subnet groups both need subnets in two zones. */
const PRIVATE_SUBNETS = 2;

/** A VPC with one public subnet for the psql host and two private ones, in two zones and without a way out. */
export class Network extends pulumi.ComponentResource {
    readonly vpcId: pulumi.Output<string>;
    readonly publicSubnetId: pulumi.Output<string>;
    readonly privateSubnetIds: readonly pulumi.Output<string>[];
    readonly publicRouteTableId: pulumi.Output<string>;

    constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:Network", name, {}, opts);
        const parent = { parent: this };
        const [publicCidr = "", ...privateCidrs] = planSubnets(args.vpcCidr, 1 + PRIVATE_SUBNETS);
        // Local zones carry neither Aurora nor DMS and are opted into; the answer's order is not promised.
        const zones = aws
            .getAvailabilityZonesOutput(
                {
                    state: "available",
                    filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
                },
                parent,
            )
            .names.apply((names) => [...names].sort());
        const zone = (index: number): pulumi.Output<string> =>
            zones.apply((names) => {
                const found = names[index];
                if (found !== undefined) {
                    return found;
                }
                throw new Error(
                    `The AWS region has ${names.length} availability zones and the trail needs ${PRIVATE_SUBNETS}; choose another region with "pulumi config set aws:region".`,
                );
            });

        const vpc = new aws.ec2.Vpc(
            `${name}-vpc`,
            {
                cidrBlock: args.vpcCidr,
                // Both are needed for the private names of VPC endpoints and of Aurora.
                enableDnsHostnames: true,
                enableDnsSupport: true,
                tags: named(name, args.tags),
            },
            parent,
        );
        // Adopts the group that every VPC is born with and takes its rules away.
        new aws.ec2.DefaultSecurityGroup(
            `${name}-default-group`,
            { vpcId: vpc.id, ingress: [], egress: [], tags: named(`${name}-default`, args.tags) },
            parent,
        );
        const gateway = new aws.ec2.InternetGateway(
            `${name}-gateway`,
            { vpcId: vpc.id, tags: named(name, args.tags) },
            parent,
        );
        const subnet = (label: string, cidrBlock: string, zoneIndex: number): aws.ec2.Subnet =>
            new aws.ec2.Subnet(
                `${name}-${label}`,
                {
                    vpcId: vpc.id,
                    cidrBlock,
                    availabilityZone: zone(zoneIndex),
                    mapPublicIpOnLaunch: false,
                    tags: named(`${name}-${label}`, args.tags),
                },
                parent,
            );
        const publicSubnet = subnet("public", publicCidr, 0);
        const privateSubnets = privateCidrs
            .slice(0, PRIVATE_SUBNETS)
            .map((cidr, index) => subnet(`private-${index + 1}`, cidr, index));

        const routeTable = (label: string): aws.ec2.RouteTable =>
            new aws.ec2.RouteTable(
                `${name}-${label}-routes`,
                { vpcId: vpc.id, tags: named(`${name}-${label}`, args.tags) },
                parent,
            );
        const associate = (
            label: string,
            subnetId: pulumi.Output<string>,
            table: aws.ec2.RouteTable,
        ) =>
            new aws.ec2.RouteTableAssociation(
                `${name}-${label}-association`,
                { subnetId, routeTableId: table.id },
                parent,
            );
        const publicRoutes = routeTable("public");
        const defaultRoute = new aws.ec2.Route(
            `${name}-public-default-route`,
            {
                routeTableId: publicRoutes.id,
                destinationCidrBlock: "0.0.0.0/0",
                gatewayId: gateway.id,
            },
            parent,
        );
        const association = associate("public", publicSubnet.id, publicRoutes);
        const privateRoutes = routeTable("private");
        privateSubnets.forEach(({ id }, index) => {
            associate(`private-${index + 1}`, id, privateRoutes);
        });

        this.vpcId = vpc.id;
        // Whatever starts in the public subnet wants its way out to be there.
        this.publicSubnetId = pulumi
            .all([publicSubnet.id, defaultRoute.id, association.id])
            .apply(([id]) => id);
        this.privateSubnetIds = privateSubnets.map(({ id }) => id);
        this.publicRouteTableId = publicRoutes.id;
        this.registerOutputs({
            vpcId: this.vpcId,
            publicSubnetId: this.publicSubnetId,
            privateSubnetIds: this.privateSubnetIds,
            publicRouteTableId: this.publicRouteTableId,
        });
    }
}
