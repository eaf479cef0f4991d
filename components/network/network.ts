import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { keeping, type Owner } from "../owner";
import type { ReplacementGuard } from "../replacementGuard";
import { named, type Tags } from "../tags";
import { planSubnets } from "./subnets";
import type { HostPlace, TrailNetwork } from "./trailNetwork";

/** Arguments of {@link Network}. */
export interface NetworkArgs {
    /** IPv4 network of the VPC. */
    readonly vpcCidr: string;
    /** Whether there is a psql host, and so a public subnet for it. */
    readonly hasHost: boolean;
    readonly guard: Pick<ReplacementGuard, "lastingOptionsFor">;
    /** Whether the VPC and its private subnets are kept when the stack is destroyed, because a server in them is. */
    readonly isKept: boolean;
    readonly tags: Tags;
}

/** Aurora's and DMS's subnet groups both need subnets in two zones. */
const PRIVATE_SUBNETS = 2;

/**
 * A VPC with two private subnets in two zones without a route to the internet, and one public subnet for the psql host, if
 * there is one.
 */
export class Network extends pulumi.ComponentResource implements TrailNetwork {
    readonly vpcId: pulumi.Output<string>;
    readonly host: HostPlace | undefined;
    readonly privateSubnetIds: readonly pulumi.Output<string>[];
    readonly endpointSubnetIds: pulumi.Output<string>[];
    readonly publicRouteTableId: pulumi.Output<string> | undefined;

    constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:Network", name, {}, opts);
        const owner: Owner = { name, tags: args.tags, opts: { parent: this } };
        const [publicCidr = "", ...privateCidrs] = planSubnets(args.vpcCidr, 1 + PRIVATE_SUBNETS);
        const zones = availabilityZones(owner);
        const inner = args.isKept ? keeping(owner) : owner;
        const vpc = namingVpc(inner, args);
        emptyDefaultGroup(owner, vpc);
        // The private subnets have the same networks with and without a host.
        const open = args.hasHost
            ? publicPart(owner, vpc, publicCidr, zoneOf(zones, 0))
            : undefined;
        const privateSubnets = privateCidrs
            .slice(0, PRIVATE_SUBNETS)
            .map((cidr, index) =>
                subnet(inner, vpc, `private-${index + 1}`, cidr, zoneOf(zones, index)),
            );
        const privateRoutes = routeTable(owner, vpc, "private");
        privateSubnets.forEach((one, index) => {
            associate(owner, `private-${index + 1}`, one, privateRoutes);
        });

        this.vpcId = vpc.id;
        this.host = open && { subnetId: open.subnetId, hasPublicAddress: true };
        this.privateSubnetIds = privateSubnets.map(({ id }) => id);
        this.endpointSubnetIds = [...this.privateSubnetIds];
        this.publicRouteTableId = open?.routeTableId;
        this.registerOutputs({
            vpcId: this.vpcId,
            publicSubnetId: open?.subnetId,
            privateSubnetIds: this.privateSubnetIds,
            publicRouteTableId: this.publicRouteTableId,
        });
    }
}

/** Names of the region's zones, sorted, because AWS promises no order. Local zones offer neither Aurora nor DMS. */
function availabilityZones({ opts }: Owner): pulumi.Output<string[]> {
    const filters = [{ name: "opt-in-status", values: ["opt-in-not-required"] }];
    return aws
        .getAvailabilityZonesOutput({ state: "available", filters }, opts)
        .names.apply((names) => [...names].sort());
}

function zoneOf(zones: pulumi.Output<string[]>, index: number): pulumi.Output<string> {
    return zones.apply((names) => {
        const found = names[index];
        if (found !== undefined) {
            return found;
        }
        throw new Error(
            `The AWS region has ${names.length} availability zones and the trail needs ${PRIVATE_SUBNETS}; choose another region with "pulumi config set aws:region".`,
        );
    });
}

/** A VPC in which the private names of VPC endpoints and of Aurora resolve: for that it needs both kinds of DNS. */
function namingVpc(
    { name, tags, opts }: Owner,
    { vpcCidr: cidrBlock, guard }: NetworkArgs,
): aws.ec2.Vpc {
    const resourceName = `${name}-vpc`;
    return new aws.ec2.Vpc(
        resourceName,
        {
            cidrBlock,
            enableDnsHostnames: true,
            enableDnsSupport: true,
            tags: named(name, tags),
        },
        { ...opts, ...guard.lastingOptionsFor(resourceName) },
    );
}

/** Adopts the default security group of the VPC and removes its rules. */
function emptyDefaultGroup({ name, tags, opts }: Owner, vpc: aws.ec2.Vpc): void {
    new aws.ec2.DefaultSecurityGroup(
        `${name}-default-group`,
        { vpcId: vpc.id, ingress: [], egress: [], tags: named(`${name}-default`, tags) },
        opts,
    );
}

function subnet(
    { name, tags, opts }: Owner,
    vpc: aws.ec2.Vpc,
    label: string,
    cidrBlock: string,
    availabilityZone: pulumi.Output<string>,
): aws.ec2.Subnet {
    return new aws.ec2.Subnet(
        `${name}-${label}`,
        {
            vpcId: vpc.id,
            cidrBlock,
            availabilityZone,
            mapPublicIpOnLaunch: false,
            tags: named(`${name}-${label}`, tags),
        },
        opts,
    );
}

/** The subnet of the psql host with its way to the internet. */
interface PublicPart {
    /** Known with the way out: whatever starts in the subnet needs it at once. */
    readonly subnetId: pulumi.Output<string>;
    readonly routeTableId: pulumi.Output<string>;
}

function publicPart(
    owner: Owner,
    vpc: aws.ec2.Vpc,
    cidrBlock: string,
    availabilityZone: pulumi.Output<string>,
): PublicPart {
    const made = subnet(owner, vpc, "public", cidrBlock, availabilityZone);
    const routes = routeTable(owner, vpc, "public");
    const wayOut = [routeToInternet(owner, vpc, routes), associate(owner, "public", made, routes)];
    const subnetId = pulumi.all([made.id, ...wayOut.map(({ id }) => id)]).apply(([id = ""]) => id);
    return { subnetId, routeTableId: routes.id };
}

function routeTable(
    { name, tags, opts }: Owner,
    vpc: aws.ec2.Vpc,
    label: string,
): aws.ec2.RouteTable {
    return new aws.ec2.RouteTable(
        `${name}-${label}-routes`,
        { vpcId: vpc.id, tags: named(`${name}-${label}`, tags) },
        opts,
    );
}

function routeToInternet(
    { name, tags, opts }: Owner,
    vpc: aws.ec2.Vpc,
    routes: aws.ec2.RouteTable,
): aws.ec2.Route {
    const gateway = new aws.ec2.InternetGateway(
        `${name}-gateway`,
        { vpcId: vpc.id, tags: named(name, tags) },
        opts,
    );
    return new aws.ec2.Route(
        `${name}-public-default-route`,
        { routeTableId: routes.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
        opts,
    );
}

function associate(
    { name, opts }: Owner,
    label: string,
    { id }: aws.ec2.Subnet,
    routes: aws.ec2.RouteTable,
): aws.ec2.RouteTableAssociation {
    return new aws.ec2.RouteTableAssociation(
        `${name}-${label}-association`,
        { subnetId: id, routeTableId: routes.id },
        opts,
    );
}
