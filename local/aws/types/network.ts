import { type Props, UNKNOWN } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TypeBehaviour } from "../behaviour";
import { existingResource } from "../existingNetwork";
import { hex } from "../recorder";
import { contains, isKnown, overlaps } from "../validate";

const VPC = "aws:ec2/vpc:Vpc";
const SUBNET = "aws:ec2/subnet:Subnet";
const SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup";

async function mustExist(call: Call, type: string, id: string, code: string): Promise<Props> {
    const record = await call.store.get(type, id);
    const found = record
        ? { ...record.inputs, ...record.computed }
        : existingResource(call.account, type, id);
    if (found === undefined) {
        throw new Error(`${code}: ${type.split(":").at(-1) ?? type} "${id}" does not exist.`);
    }
    return found;
}

/** Refuses an id of a VPC that does not exist. */
async function vpcOf(call: Call, inputs: Props): Promise<Props> {
    return await mustExist(call, VPC, mustText(inputs, "vpcId"), "InvalidVpcID.NotFound");
}

/** The recorded subnets of a list of ids; refuses an id that does not exist. */
export async function subnetsOf(call: Call, ids: readonly string[]): Promise<Props[]> {
    return await Promise.all(
        ids.map(async (id) => await mustExist(call, SUBNET, id, "InvalidSubnetID.NotFound")),
    );
}

/** Refuses a security group id that does not exist. */
export async function checkSecurityGroups(call: Call, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
        await defaultOrExisting(call, id);
    }
}

async function defaultOrExisting(call: Call, id: string): Promise<void> {
    if ((await call.store.findBy(VPC, "defaultSecurityGroupId", id)) === undefined) {
        await mustExist(call, SECURITY_GROUP, id, "InvalidGroup.NotFound");
    }
}

const vpc: TypeBehaviour = {
    idPrefix: "vpc-",
    required: ["cidrBlock"],
    cidrs: ["cidrBlock"],
    replaceOn: ["cidrBlock", "instanceTenancy"],
    check: (inputs) => {
        const bits = Number(text(inputs, "cidrBlock")?.split("/")[1] ?? 16);
        return bits >= 16 && bits <= 28
            ? []
            : [{ property: "cidrBlock", reason: "A VPC's block is between /16 and /28." }];
    },
    create: (call) => ({
        arn: arn(call.account, "ec2", `vpc/${call.id}`),
        ownerId: call.account.accountId,
        defaultSecurityGroupId: `sg-${hex(17)}`,
        defaultRouteTableId: `rtb-${hex(17)}`,
        mainRouteTableId: `rtb-${hex(17)}`,
        defaultNetworkAclId: `acl-${hex(17)}`,
        dhcpOptionsId: `dopt-${hex(17)}`,
    }),
};

const subnet: TypeBehaviour = {
    idPrefix: "subnet-",
    required: ["vpcId", "cidrBlock"],
    cidrs: ["cidrBlock"],
    replaceOn: ["vpcId", "cidrBlock", "availabilityZone"],
    create: async (call, inputs) => {
        const block = mustText(inputs, "cidrBlock");
        const zone = text(inputs, "availabilityZone") ?? `${call.account.region}a`;
        if (!contains(mustText(await vpcOf(call, inputs), "cidrBlock"), block)) {
            throw new Error(`InvalidSubnet.Range: the CIDR "${block}" lies outside its VPC.`);
        }
        for (const other of await call.store.list(SUBNET)) {
            const sameVpc = other.inputs.vpcId === inputs.vpcId;
            if (sameVpc && overlaps(block, mustText(other.inputs, "cidrBlock"))) {
                throw new Error(
                    `InvalidSubnet.Conflict: the CIDR "${block}" conflicts with subnet ${other.id}.`,
                );
            }
        }
        if (!zone.startsWith(call.account.region)) {
            throw new Error(
                `InvalidParameterValue: the availability zone "${zone}" is not one of ${call.account.region}.`,
            );
        }
        return {
            arn: arn(call.account, "ec2", `subnet/${call.id}`),
            availabilityZone: zone,
            ownerId: call.account.accountId,
        };
    },
};

const securityGroup: TypeBehaviour = {
    idPrefix: "sg-",
    autoName: "name",
    replaceOn: ["name", "description", "vpcId"],
    check: (inputs) => {
        const description = text(inputs, "description") ?? "";
        const plain =
            description === UNKNOWN || /^[\w .:/()#,@[\]+=&;{}!$*-]{0,255}$/.test(description);
        return plain
            ? []
            : [
                  {
                      property: "description",
                      reason: "It may hold letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* only, at most 255.",
                  },
              ];
    },
    create: async (call, inputs) => {
        await vpcOf(call, inputs);
        for (const other of await call.store.list(SECURITY_GROUP)) {
            if (other.inputs.vpcId === inputs.vpcId && other.inputs.name === inputs.name) {
                throw new Error(
                    `InvalidGroup.Duplicate: the security group "${mustText(inputs, "name")}" already exists in its VPC.`,
                );
            }
        }
        return {
            arn: arn(call.account, "ec2", `security-group/${call.id}`),
            ownerId: call.account.accountId,
        };
    },
};

const PEERS = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
const RULE_KEY = ["securityGroupId", "ipProtocol", "fromPort", "toPort", ...PEERS];

/** One rule of a security group; `type` is its own token, so that it finds its duplicates. */
function securityGroupRule(type: string): TypeBehaviour {
    return {
        idPrefix: "sgr-",
        required: ["securityGroupId", "ipProtocol"],
        cidrs: ["cidrIpv4", "cidrIpv6"],
        replaceOn: ["securityGroupId"],
        check: (inputs) => {
            const peers = PEERS.filter((name) => inputs[name] !== undefined);
            const all = inputs.ipProtocol === "-1";
            const hasPorts = inputs.fromPort !== undefined && inputs.toPort !== undefined;
            return [
                ...(peers.length === 1
                    ? []
                    : [
                          {
                              property: "cidrIpv4",
                              reason: `Give exactly one of ${PEERS.join(", ")}.`,
                          },
                      ]),
                ...((inputs.ipProtocol === "tcp" || inputs.ipProtocol === "udp") && !hasPorts
                    ? [
                          {
                              property: "fromPort",
                              reason: "A tcp or udp rule needs fromPort and toPort.",
                          },
                      ]
                    : []),
                ...(all && (isKnown(inputs.fromPort) || isKnown(inputs.toPort))
                    ? [
                          {
                              property: "fromPort",
                              reason: "A rule for all protocols (-1) has no ports.",
                          },
                      ]
                    : []),
            ];
        },
        create: async (call, inputs) => {
            await checkSecurityGroups(call, [mustText(inputs, "securityGroupId")]);
            const peer = text(inputs, "referencedSecurityGroupId");
            await checkSecurityGroups(call, peer === undefined ? [] : [peer]);
            for (const other of await call.store.list(type)) {
                if (RULE_KEY.every((name) => other.inputs[name] === inputs[name])) {
                    throw new Error(
                        `InvalidPermission.Duplicate: the same rule exists already as ${other.id}.`,
                    );
                }
            }
            return {
                arn: arn(call.account, "ec2", `security-group-rule/${call.id}`),
                securityGroupRuleId: call.id,
            };
        },
    };
}

/** Takes over the group that every VPC comes with. */
const defaultSecurityGroup: TypeBehaviour = {
    replaceOn: ["vpcId"],
    makeId: (inputs) => `default-of-${mustText(inputs, "vpcId")}`,
    create: async (call, inputs) => {
        const group = mustText(await vpcOf(call, inputs), "defaultSecurityGroupId");
        return { arn: arn(call.account, "ec2", `security-group/${group}`), name: "default" };
    },
};

const instance: TypeBehaviour = {
    idPrefix: "i-",
    required: ["ami", "instanceType"],
    // Other user data stops and starts the instance, which does not run it again, unless the program asks for a new one.
    replaceOn: ({ userDataReplaceOnChange }) => [
        ...["ami", "subnetId", "keyName", "associatePublicIpAddress"],
        ...(userDataReplaceOnChange === true ? ["userData", "userDataBase64"] : []),
    ],
    create: async (call, inputs) => {
        await subnetsOf(call, [mustText(inputs, "subnetId")]);
        return {
            arn: arn(call.account, "ec2", `instance/${call.id}`),
            instanceState: "running",
            privateIp: "10.0.0.10",
            // Nothing runs there: an address that is kept for documentation (RFC 5737). None is an empty text, as
            // in the plugin's state: an output that is missing would be unknown in every preview.
            ...(inputs.associatePublicIpAddress === false
                ? { publicIp: "", publicDns: "" }
                : {
                      publicIp: "203.0.113.10",
                      publicDns: "ec2-203-0-113-10.compute-1.amazonaws.com",
                  }),
            primaryNetworkInterfaceId: `eni-${hex(17)}`,
        };
    },
};

const INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";

export const networkTypes: Readonly<Record<string, TypeBehaviour>> = {
    [VPC]: vpc,
    [SUBNET]: subnet,
    [SECURITY_GROUP]: securityGroup,
    [INGRESS_RULE]: securityGroupRule(INGRESS_RULE),
    [EGRESS_RULE]: securityGroupRule(EGRESS_RULE),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": defaultSecurityGroup,
    "aws:ec2/internetGateway:InternetGateway": { idPrefix: "igw-" },
    "aws:ec2/routeTable:RouteTable": { idPrefix: "rtb-", replaceOn: ["vpcId"] },
    "aws:ec2/route:Route": {
        idPrefix: "r-rtb-",
        cidrs: ["destinationCidrBlock"],
        replaceOn: ["routeTableId", "destinationCidrBlock"],
    },
    "aws:ec2/routeTableAssociation:RouteTableAssociation": { idPrefix: "rtbassoc-" },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {
        idPrefix: "vpce-",
        required: ["vpcId", "serviceName"],
        oneOf: {
            vpcEndpointType: [
                "Gateway",
                "Interface",
                "GatewayLoadBalancer",
                "Resource",
                "ServiceNetwork",
            ],
        },
        replaceOn: ["vpcId", "serviceName", "vpcEndpointType"],
        create: async (call, inputs) => {
            await vpcOf(call, inputs);
            return { state: "available", prefixListId: `pl-${hex(8)}` };
        },
    },
    "aws:ec2/instance:Instance": instance,
};
