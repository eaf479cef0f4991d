import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import { contains, overlaps } from "../validate";
import { instance } from "./ec2Instance";
import {
    mustExist,
    refuseUsedSubnet,
    refuseUsedVpc,
    ROUTE_TABLE,
    SUBNET,
    subnetsOf,
    VPC,
    vpcOf,
} from "./networkParts";
import { securityGroupTypes } from "./securityGroups";
import { VPC_ENDPOINT, vpcEndpoint } from "./vpcEndpoint";

const GATEWAY = "aws:ec2/internetGateway:InternetGateway";
const ROUTE = "aws:ec2/route:Route";
const ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";
const INSTANCE = "aws:ec2/instance:Instance";

/** The block of a VPC or a subnet is between these, https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html. */
const [LARGEST_BLOCK, SMALLEST_BLOCK] = [16, 28];

function refusedBlock(inputs: Props): CheckFailure[] {
    const bits = Number(text(inputs, "cidrBlock")?.split("/")[1] ?? LARGEST_BLOCK);
    return bits >= LARGEST_BLOCK && bits <= SMALLEST_BLOCK
        ? []
        : [
              {
                  property: "cidrBlock",
                  reason: `A block of a VPC is between /${LARGEST_BLOCK} and /${SMALLEST_BLOCK}.`,
              },
          ];
}

const vpc: TypeBehaviour = {
    idPrefix: "vpc-",
    required: ["cidrBlock"],
    cidrs: ["cidrBlock"],
    replaceOn: ["cidrBlock", "instanceTenancy"],
    check: refusedBlock,
    delete: refuseUsedVpc,
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
    replaceOn: ["vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"],
    check: refusedBlock,
    delete: refuseUsedSubnet,
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
        if (!/^[a-z]$/.test(zone.replace(call.account.region, ""))) {
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

/** A VPC has one gateway at most. */
const internetGateway: TypeBehaviour = {
    idPrefix: "igw-",
    create: async (call, inputs) => {
        if (text(inputs, "vpcId") === undefined) {
            return {};
        }
        await vpcOf(call, inputs);
        const other = await call.store.findBy(GATEWAY, "vpcId", inputs.vpcId);
        if (other !== undefined) {
            throw new Error(
                `Resource.AlreadyAssociated: the VPC ${mustText(inputs, "vpcId")} has the internet gateway "${other.id}" already.`,
            );
        }
        return { arn: arn(call.account, "ec2", `internet-gateway/${call.id}`) };
    },
    delete: async (call, { inputs }) => {
        for (const host of await call.store.list(INSTANCE)) {
            const [subnet] = await subnetsOf(call, [mustText(host.inputs, "subnetId")]);
            if (subnet?.vpcId === inputs.vpcId && text(host.computed, "publicIp") !== undefined) {
                throw new Error(
                    `DependencyViolation: the VPC of "${call.id}" has a mapped public address, of instance "${host.id}": delete that first.`,
                );
            }
        }
    },
};

const DESTINATIONS = [
    "destinationCidrBlock",
    "destinationIpv6CidrBlock",
    "destinationPrefixListId",
];
const TARGETS = [
    ...["carrierGatewayId", "coreNetworkArn", "egressOnlyGatewayId", "gatewayId", "localGatewayId"],
    ...["natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcEndpointId"],
    "vpcPeeringConnectionId",
];

const route: TypeBehaviour = {
    idPrefix: "r-rtb-",
    required: ["routeTableId"],
    cidrs: ["destinationCidrBlock", "destinationIpv6CidrBlock"],
    replaceOn: ["routeTableId", ...DESTINATIONS],
    check: (inputs) =>
        [DESTINATIONS, TARGETS]
            .filter((names) => names.filter((name) => inputs[name] !== undefined).length !== 1)
            .map((names) => ({
                property: names === TARGETS ? "gatewayId" : "destinationCidrBlock",
                reason: `Give exactly one of ${names.join(", ")}.`,
            })),
    create: async (call, inputs) => {
        const table = mustText(inputs, "routeTableId");
        const { vpcId } = await mustExist(call, ROUTE_TABLE, table, "InvalidRouteTableID.NotFound");
        const gateway = text(inputs, "gatewayId");
        if (gateway !== undefined) {
            const found = await mustExist(call, GATEWAY, gateway, "InvalidGatewayID.NotFound");
            if (found.vpcId !== vpcId) {
                throw new Error(
                    `InvalidParameterValue: route table ${table} and network gateway ${gateway} belong to different networks.`,
                );
            }
        }
        const key = ["routeTableId", ...DESTINATIONS];
        const routes = await call.store.list(ROUTE);
        if (routes.some((other) => key.every((name) => other.inputs[name] === inputs[name]))) {
            throw new Error(
                `RouteAlreadyExists: the route table ${table} has a route to this destination already.`,
            );
        }
        return {};
    },
};

async function checkAssociation(call: Call, inputs: Props): Promise<void> {
    const table = mustText(inputs, "routeTableId");
    const { vpcId } = await mustExist(call, ROUTE_TABLE, table, "InvalidRouteTableID.NotFound");
    const subnetId = text(inputs, "subnetId");
    const [subnet] = subnetId === undefined ? [] : await subnetsOf(call, [subnetId]);
    if (subnet !== undefined && subnet.vpcId !== vpcId) {
        throw new Error(
            `InvalidParameterValue: route table ${table} and subnet ${String(subnetId)} belong to different networks.`,
        );
    }
    const others = await call.store.list(ASSOCIATION);
    const other = others.find((one) => one.id !== call.id && one.inputs.subnetId === subnetId);
    if (subnetId !== undefined && other !== undefined) {
        throw new Error(
            `Resource.AlreadyAssociated: the subnet ${subnetId} is associated with the route table ${mustText(other.inputs, "routeTableId")} already.`,
        );
    }
}

const association: TypeBehaviour = {
    idPrefix: "rtbassoc-",
    required: ["routeTableId"],
    replaceOn: ["subnetId", "gatewayId"],
    check: ({ subnetId, gatewayId }) =>
        (subnetId === undefined) === (gatewayId === undefined)
            ? [{ property: "subnetId", reason: "Give either it or gatewayId." }]
            : [],
    create: async (call, inputs) => {
        await checkAssociation(call, inputs);
        return {};
    },
    update: async (call, _before, inputs) => {
        await checkAssociation(call, inputs);
        return {};
    },
};

const routeTable: TypeBehaviour = {
    idPrefix: "rtb-",
    required: ["vpcId"],
    replaceOn: ["vpcId"],
    create: async (call, inputs) => {
        await vpcOf(call, inputs);
        return { arn: arn(call.account, "ec2", `route-table/${call.id}`) };
    },
};

export const networkTypes: Readonly<Record<string, TypeBehaviour>> = {
    [VPC]: vpc,
    [SUBNET]: subnet,
    [GATEWAY]: internetGateway,
    [ROUTE_TABLE]: routeTable,
    [ROUTE]: route,
    [ASSOCIATION]: association,
    [VPC_ENDPOINT]: vpcEndpoint,
    [INSTANCE]: instance,
    ...securityGroupTypes,
};
