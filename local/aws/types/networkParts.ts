import type { Props } from "../../provider";
import { type Call, mustText, text, texts } from "../behaviour";
import { existingResource } from "../existingNetwork";

export const VPC = "aws:ec2/vpc:Vpc";
export const SUBNET = "aws:ec2/subnet:Subnet";
export const SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup";
export const ROUTE_TABLE = "aws:ec2/routeTable:RouteTable";

/** A part of a network by its id, recorded or there before any stack; refuses one that does not exist. */
export async function mustExist(
    call: Call,
    type: string,
    id: string,
    code: string,
): Promise<Props> {
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
export async function vpcOf(call: Call, inputs: Props): Promise<Props> {
    return await mustExist(call, VPC, mustText(inputs, "vpcId"), "InvalidVpcID.NotFound");
}

/** The recorded subnets of a list of ids; refuses an id that does not exist. */
export async function subnetsOf(call: Call, ids: readonly string[]): Promise<Props[]> {
    return await Promise.all(
        ids.map(async (id) => await mustExist(call, SUBNET, id, "InvalidSubnetID.NotFound")),
    );
}

/**
 * Refuses a security group that does not exist, or that is in another VPC than what it is for.
 *
 * @param vpcId the VPC that they have to be in; undefined: any
 */
export async function checkSecurityGroups(
    call: Call,
    ids: readonly string[],
    vpcId?: string,
): Promise<void> {
    for (const id of ids) {
        const ofDefault = await call.store.findBy(VPC, "defaultSecurityGroupId", id);
        const found = ofDefault
            ? { vpcId: ofDefault.id }
            : await mustExist(call, SECURITY_GROUP, id, "InvalidGroup.NotFound");
        if (vpcId !== undefined && text(found, "vpcId") !== vpcId) {
            throw new Error(
                `InvalidParameterCombination: the security group ${id} of "${call.id}" is not in its VPC ${vpcId}.`,
            );
        }
    }
}

/** What has network interfaces in a network: the properties that name its subnets and its security groups. */
const INTERFACES = [
    { type: "aws:ec2/instance:Instance", subnets: "subnetId", groups: "vpcSecurityGroupIds" },
    { type: "aws:ec2/vpcEndpoint:VpcEndpoint", subnets: "subnetIds", groups: "securityGroupIds" },
    { type: "aws:rds/cluster:Cluster", groups: "vpcSecurityGroupIds" },
    { type: "aws:rds/instance:Instance", groups: "vpcSecurityGroupIds" },
    { type: "aws:dms/replicationInstance:ReplicationInstance", groups: "vpcSecurityGroupIds" },
] as const;

/** Subnet groups, and what has interfaces in all subnets of its group. */
const GROUPED = [
    {
        group: "aws:rds/subnetGroup:SubnetGroup",
        property: "dbSubnetGroupName",
        types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    },
    {
        group: "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
        property: "replicationSubnetGroupId",
        types: ["aws:dms/replicationInstance:ReplicationInstance"],
    },
] as const;

function holds({ inputs }: { readonly inputs: Props }, property: string, id: string): boolean {
    return inputs[property] === id || texts(inputs, property).includes(id);
}

function refuse(call: Call, user: string): never {
    throw new Error(
        `DependencyViolation: "${call.id}" has a dependent object, ${user}: delete that first.`,
    );
}

/** Fails as EC2 does when a subnet is deleted in which something has a network interface. */
export async function refuseUsedSubnet(call: Call): Promise<void> {
    for (const place of INTERFACES) {
        const users = "subnets" in place ? await call.store.list(place.type) : [];
        const user = users.find((one) => "subnets" in place && holds(one, place.subnets, call.id));
        if (user !== undefined) {
            refuse(call, `${user.type} "${user.id}"`);
        }
    }
    for (const { group, property, types } of GROUPED) {
        const groups = (await call.store.list(group)).filter((one) =>
            holds(one, "subnetIds", call.id),
        );
        for (const type of types) {
            const user = (await call.store.list(type)).find(({ inputs }) =>
                groups.some(({ id }) => inputs[property] === id),
            );
            if (user !== undefined) {
                refuse(call, `${type} "${user.id}"`);
            }
        }
    }
}

/** Fails as EC2 does when a group is deleted that an interface is in, or that a rule of another group names. */
export async function refuseUsedGroup(call: Call, ruleTypes: readonly string[]): Promise<void> {
    for (const { type, groups } of INTERFACES) {
        const user = (await call.store.list(type)).find((one) => holds(one, groups, call.id));
        if (user !== undefined) {
            refuse(call, `${type} "${user.id}"`);
        }
    }
    for (const type of ruleTypes) {
        const rule = (await call.store.list(type)).find(
            ({ inputs }) =>
                inputs.referencedSecurityGroupId === call.id && inputs.securityGroupId !== call.id,
        );
        if (rule !== undefined) {
            refuse(call, `the rule "${rule.id}" of ${mustText(rule.inputs, "securityGroupId")}`);
        }
    }
}

/** Fails as EC2 does when a VPC is deleted with something in it. */
export async function refuseUsedVpc(call: Call): Promise<void> {
    const types = [SUBNET, SECURITY_GROUP, ROUTE_TABLE];
    for (const type of [...types, "aws:ec2/internetGateway:InternetGateway"]) {
        const user = await call.store.findBy(type, "vpcId", call.id);
        if (user !== undefined) {
            refuse(call, `${type} "${user.id}"`);
        }
    }
}
