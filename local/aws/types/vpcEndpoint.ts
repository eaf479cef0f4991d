import type { Props } from "../../provider";
import { type Call, mustText, text, texts, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import { checkSecurityGroups, mustExist, ROUTE_TABLE, subnetsOf, vpcOf } from "./networkParts";

export const VPC_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint";

/** https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html. */
async function checkPrivateDns(call: Call, inputs: Props, vpc: Props): Promise<void> {
    if (inputs.privateDnsEnabled !== true) {
        return;
    }
    // A VPC has DNS support unless told otherwise, and names only when told so.
    if (vpc.enableDnsSupport === false || vpc.enableDnsHostnames !== true) {
        throw new Error(
            `InvalidParameter: private DNS of the endpoint for ${mustText(inputs, "serviceName")} needs enableDnsSupport and enableDnsHostnames of its VPC.`,
        );
    }
    const others = await call.store.list(VPC_ENDPOINT);
    const other = others.find(
        (one) =>
            one.id !== call.id &&
            one.inputs.vpcId === inputs.vpcId &&
            one.inputs.serviceName === inputs.serviceName &&
            one.inputs.privateDnsEnabled === true,
    );
    if (other !== undefined) {
        throw new Error(
            `InvalidParameter: private-dns-enabled cannot be set because endpoint "${other.id}" has the private name of ${mustText(inputs, "serviceName")} in the VPC already.`,
        );
    }
}

/** Checks the place of an endpoint: its VPC, subnets of it in different zones, groups and route tables. */
async function checkPlace(call: Call, inputs: Props): Promise<void> {
    const vpc = await vpcOf(call, inputs);
    const vpcId = mustText(inputs, "vpcId");
    const subnets = await subnetsOf(call, texts(inputs, "subnetIds"));
    const zones = subnets.map(({ availabilityZone }) => availabilityZone);
    if (new Set(zones).size < zones.length) {
        throw new Error(
            `DuplicateSubnetsInSameZone: two subnets of the endpoint for ${mustText(inputs, "serviceName")} are in the same availability zone.`,
        );
    }
    if (subnets.some((subnet) => subnet.vpcId !== vpcId)) {
        throw new Error(
            `InvalidParameter: a subnet of the endpoint for ${mustText(inputs, "serviceName")} is not in its VPC ${vpcId}.`,
        );
    }
    await checkSecurityGroups(call, texts(inputs, "securityGroupIds"), vpcId);
    for (const table of texts(inputs, "routeTableIds")) {
        await mustExist(call, ROUTE_TABLE, table, "InvalidRouteTableId.NotFound");
    }
    await checkPrivateDns(call, inputs, vpc);
}

/** An endpoint of a VPC. No traffic goes through it here. */
export const vpcEndpoint: TypeBehaviour = {
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
    replaceOn: ["vpcId", "serviceName", "vpcEndpointType", "serviceRegion"],
    check: (inputs) => {
        const isInterface = text(inputs, "vpcEndpointType") === "Interface";
        const wrong = isInterface ? ["routeTableIds"] : ["subnetIds", "privateDnsEnabled"];
        return wrong
            .filter((name) => inputs[name] !== undefined && inputs[name] !== false)
            .map((property) => ({
                property,
                reason: `An endpoint of the type ${isInterface ? "Interface" : "Gateway"} has none.`,
            }));
    },
    create: async (call, inputs) => {
        await checkPlace(call, inputs);
        return { state: "available", prefixListId: `pl-${hex(8)}` };
    },
    update: async (call, _before, inputs) => {
        await checkPlace(call, inputs);
        return {};
    },
};
