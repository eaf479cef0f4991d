import { formatCidr, networkSize, parseCidr } from "./cidr";

/** The smallest subnet AWS allows, https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html. */
const LONGEST_SUBNET_PREFIX = 28;

/**
 * Cuts the first `count` equal, disjoint subnets out of a VPC's network. The VPC is divided by the smallest power of
 * two that holds `count`, so the answer depends on the two arguments alone.
 * @throws Error when the subnets would be smaller than AWS allows.
 */
export function planSubnets(vpcCidr: string, count: number): string[] {
    const { address, prefix } = parseCidr(vpcCidr);
    const subnetPrefix = prefix + Math.ceil(Math.log2(count));
    if (subnetPrefix > LONGEST_SUBNET_PREFIX) {
        throw new Error(
            `The VPC network ${vpcCidr} is too small for ${count} subnets of /28; use a larger network such as 10.20.0.0/16.`,
        );
    }
    return Array.from({ length: count }, (_, index) =>
        formatCidr({ address: address + index * networkSize(subnetPrefix), prefix: subnetPrefix }),
    );
}
