import type { Props } from "../provider";
import { type Account, arn } from "./account";

const VPC_ID = "vpc-0123456789abcdef0";

/** Subnets by id: the letter of their zone, their block, and whether what starts there gets a public address. */
const SUBNETS: Readonly<Record<string, { zone: string; cidrBlock: string; isPublic: boolean }>> = {
    "subnet-0123456789abcdef0": { zone: "a", cidrBlock: "10.40.0.0/24", isPublic: true },
    "subnet-0123456789abcdefa": { zone: "a", cidrBlock: "10.40.1.0/24", isPublic: false },
    "subnet-0123456789abcdefb": { zone: "b", cidrBlock: "10.40.2.0/24", isPublic: false },
    "subnet-1123456789abcdefb": { zone: "b", cidrBlock: "10.40.3.0/24", isPublic: false },
};

const GROUP_ID = "sg-0123456789abcdef0";

/**
 * The network that is in the make-believe account before any stack: what a stack with the config key `network` finds. Its ids
 * are those of docs/aws.md; any other id is not found, as in an account that has nothing of the kind.
 * @returns what AWS would answer about a resource of that type and id; undefined where it has none.
 */
export function existingResource(account: Account, type: string, id: string): Props | undefined {
    const zone = account.region;
    switch (type) {
        case "aws:ec2/vpc:Vpc":
            return id === VPC_ID
                ? {
                      id,
                      cidrBlock: "10.40.0.0/16",
                      enableDnsHostnames: true,
                      enableDnsSupport: true,
                      arn: arn(account, "ec2", `vpc/${id}`),
                  }
                : undefined;
        case "aws:ec2/subnet:Subnet": {
            const subnet = SUBNETS[id];
            return (
                subnet && {
                    id,
                    vpcId: VPC_ID,
                    cidrBlock: subnet.cidrBlock,
                    availabilityZone: `${zone}${subnet.zone}`,
                    mapPublicIpOnLaunch: subnet.isPublic,
                    arn: arn(account, "ec2", `subnet/${id}`),
                }
            );
        }
        case "aws:ec2/securityGroup:SecurityGroup":
            return id === GROUP_ID
                ? { id, vpcId: VPC_ID, arn: arn(account, "ec2", `security-group/${id}`) }
                : undefined;
        default:
            return undefined;
    }
}
