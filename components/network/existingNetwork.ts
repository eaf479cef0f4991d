import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { HostPlace, TrailNetwork } from "./trailNetwork";

/** Arguments of {@link ExistingNetwork}. */
export interface ExistingNetworkArgs {
    readonly vpcId: string;
    readonly privateSubnetIds: readonly string[];
    readonly hostSubnetId: string | undefined;
}

/** What AWS tells of a subnet. */
export interface FoundSubnet {
    readonly id: string;
    readonly vpcId: string;
    readonly availabilityZone: string;
}

/** The databases' subnet groups and that of DMS need as many. */
const LEAST_ZONES = 2;

const KEY = "The config key audit-trail:network";

/**
 * Why subnets cannot hold the databases and DMS, in one sentence; undefined where they can.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html and
 * https://docs.aws.amazon.com/dms/latest/userguide/CHAP_ReplicationInstance.VPC.html ask for two zones.
 */
export function unfitSubnets(vpcId: string, subnets: readonly FoundSubnet[]): string | undefined {
    const stranger = subnets.find((subnet) => subnet.vpcId !== vpcId);
    if (stranger !== undefined) {
        return `${KEY} names the subnet ${stranger.id}, which is in ${stranger.vpcId} and not in ${vpcId}; name subnets of one VPC with "pulumi config set --path network.vpcId ${stranger.vpcId}" or other subnets.`;
    }
    const zones = [...new Set(subnets.map(({ availabilityZone }) => availabilityZone))];
    if (zones.length < LEAST_ZONES) {
        return `${KEY} names private subnets in one availability zone (${zones.join("")}) only, and the databases and DMS need two; add a subnet of another zone with "pulumi config set --path 'network.privateSubnetIds[${subnets.length}]' subnet-0123456789abcdef0".`;
    }
    return undefined;
}

/**
 * The ids of subnets in different zones, of each zone the first: an endpoint is refused two of one zone.
 * https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
 */
export function firstOfEachZone(subnets: readonly FoundSubnet[]): string[] {
    const zones = subnets.map(({ availabilityZone }) => availabilityZone);
    return subnets
        .filter(({ availabilityZone }, index) => zones.indexOf(availabilityZone) === index)
        .map(({ id }) => id);
}

/** A network that the stack uses and does not make. Nothing in it is changed but what the stack adds, its own security groups. */
export class ExistingNetwork extends pulumi.ComponentResource implements TrailNetwork {
    /** Known when the subnets were found fit, so that nothing is made in a network that is not. */
    readonly vpcId: pulumi.Output<string>;
    readonly privateSubnetIds: readonly pulumi.Output<string>[];
    readonly endpointSubnetIds: pulumi.Output<string[]>;
    readonly host: HostPlace | undefined;
    readonly publicRouteTableId = undefined;

    constructor(name: string, args: ExistingNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:ExistingNetwork", name, {}, opts);
        const find = (id: string): pulumi.Output<FoundSubnet> =>
            aws.ec2
                .getSubnetOutput({ id }, { parent: this })
                .apply(({ vpcId, availabilityZone }) => ({ id, vpcId, availabilityZone }));
        const isFit = pulumi.all(args.privateSubnetIds.map(find)).apply((subnets) => {
            const problem = unfitSubnets(args.vpcId, subnets);
            if (problem !== undefined) {
                throw new pulumi.RunError(problem);
            }
            return subnets;
        });

        this.vpcId = isFit.apply(() => args.vpcId);
        this.privateSubnetIds = args.privateSubnetIds.map((id) => isFit.apply(() => id));
        this.endpointSubnetIds = isFit.apply(firstOfEachZone);
        const { hostSubnetId } = args;
        this.host =
            hostSubnetId === undefined
                ? undefined
                : { subnetId: isFit.apply(() => hostSubnetId), hasPublicAddress: undefined };
        this.registerOutputs({ vpcId: this.vpcId, privateSubnetIds: this.privateSubnetIds });
    }
}
