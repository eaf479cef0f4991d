import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TextRule, type TypeBehaviour } from "../behaviour";
import { isKnown } from "../validate";
import { checkSecurityGroups, refuseUsedGroup, SECURITY_GROUP, vpcOf } from "./networkParts";

const INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html. */
const WORDS: TextRule = {
    pattern: /^[\w .:/()#,@[\]+=&;{}!$*-]{0,255}$/,
    reason: "It may hold letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* only, at most 255.",
};

const securityGroup: TypeBehaviour = {
    idPrefix: "sg-",
    autoName: "name",
    texts: {
        description: WORDS,
        name: {
            pattern: /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
            reason: `${WORDS.reason} It does not begin with sg-.`,
        },
    },
    replaceOn: ["name", "description", "vpcId"],
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
    delete: async (call) => {
        await refuseUsedGroup(call, [INGRESS_RULE, EGRESS_RULE]);
    },
};

const PEERS = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
const RULE_KEY = ["securityGroupId", "ipProtocol", "fromPort", "toPort", ...PEERS];
const PORTS = [0, 65_535] as const;

function refusedRule(inputs: Props): CheckFailure[] {
    const { ipProtocol, fromPort, toPort } = inputs;
    const failures: CheckFailure[] = [];
    if (PEERS.filter((name) => inputs[name] !== undefined).length !== 1) {
        const reason = `Give exactly one of ${PEERS.join(", ")}.`;
        failures.push({ property: "cidrIpv4", reason });
    }
    const ofPorts = ipProtocol === "tcp" || ipProtocol === "udp";
    if (ofPorts && (fromPort === undefined || toPort === undefined)) {
        const reason = "A tcp or udp rule needs fromPort and toPort.";
        failures.push({ property: "fromPort", reason });
    }
    if (ipProtocol === "-1" && (isKnown(fromPort) || isKnown(toPort))) {
        const reason = "A rule for all protocols (-1) has no ports.";
        failures.push({ property: "fromPort", reason });
    }
    if (ofPorts && typeof fromPort === "number" && typeof toPort === "number") {
        const [least, greatest] = PORTS;
        if (fromPort < least || fromPort > toPort || toPort > greatest) {
            const reason = `Ports are between ${least} and ${greatest}, and fromPort is not the greater one.`;
            failures.push({ property: "fromPort", reason });
        }
    }
    return failures;
}

/** One rule of a security group; `type` is its own token, so that it finds its duplicates. */
function securityGroupRule(type: string): TypeBehaviour {
    const checkPlace = async (call: Call, inputs: Props): Promise<void> => {
        const group = mustText(inputs, "securityGroupId");
        await checkSecurityGroups(call, [group]);
        const peer = text(inputs, "referencedSecurityGroupId");
        await checkSecurityGroups(call, peer === undefined ? [] : [peer]);
        for (const other of await call.store.list(type)) {
            const isSame = RULE_KEY.every((name) => other.inputs[name] === inputs[name]);
            if (isSame && other.id !== call.id) {
                throw new Error(
                    `InvalidPermission.Duplicate: the same rule exists already as ${other.id}.`,
                );
            }
        }
    };
    return {
        idPrefix: "sgr-",
        required: ["securityGroupId", "ipProtocol"],
        cidrs: ["cidrIpv4", "cidrIpv6"],
        texts: { description: WORDS },
        replaceOn: ["securityGroupId"],
        check: refusedRule,
        create: async (call, inputs) => {
            await checkPlace(call, inputs);
            return {
                arn: arn(call.account, "ec2", `security-group-rule/${call.id}`),
                securityGroupRuleId: call.id,
            };
        },
        update: async (call, _before, inputs) => {
            await checkPlace(call, inputs);
            return {};
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

/** Security groups and their rules. Nothing is filtered here. */
export const securityGroupTypes: Readonly<Record<string, TypeBehaviour>> = {
    [SECURITY_GROUP]: securityGroup,
    [INGRESS_RULE]: securityGroupRule(INGRESS_RULE),
    [EGRESS_RULE]: securityGroupRule(EGRESS_RULE),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": defaultSecurityGroup,
};
