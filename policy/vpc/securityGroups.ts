import type { Findings } from "../engine/findings";
import { awsDocs, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isValues, items, shown, Unknown } from "../engine/values";
import { tooOpen } from "./cidr";

function requireNarrow(property: string, network: unknown, findings: Findings): void {
    findings.require(
        network,
        (value) => value === undefined || tooOpen(value) === undefined,
        `${property} ${shown(network)} ${tooOpen(network) ?? ""}; name a security group or a narrow network.`,
    );
}

function requireNarrowList(property: string, networks: unknown, findings: Findings): void {
    findings.require(
        networks,
        (value) => value === undefined || Array.isArray(value),
        `${property} is not a list; give a list of narrow networks.`,
    );
    for (const network of items(networks)) {
        requireNarrow(property, network, findings);
    }
}

/** A list of networks that only its owner knows; empty text and list are what a provider shows for none. */
function refusePrefixList(property: string, value: unknown, findings: Findings): void {
    const isNone =
        value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
    if (!isNone && !(value instanceof Unknown)) {
        findings.violation(
            `${property} is ${shown(value)}, whose networks somebody else may change; name a security group or a narrow network.`,
        );
    }
    if (value instanceof Unknown) {
        findings.undecided(value);
    }
}

function requireOnePort(from: unknown, to: unknown, findings: Findings): void {
    const unknown = [from, to].find((port) => port instanceof Unknown);
    findings.require(
        unknown ?? from,
        () => typeof from === "number" && from === to,
        `fromPort is ${shown(from)} and toPort ${shown(to)}; set both to the one port that is needed.`,
    );
}

const noIngressFromAnywhere = resourceRule({
    name: "vpc-no-ingress-from-anywhere",
    displayName: "Nothing is open to the internet",
    description:
        "No security group rule lets in 0.0.0.0/0, ::/0 or a network nearly as wide (IPv4 below /8, IPv6 below /16), on any port. A rule lets in no prefix list either, because somebody else may change its networks. Each rule opens one port.",
    severity: "critical",
    frameworks: [
        securityHub(
            "EC2.18",
            "Security groups should only allow unrestricted incoming traffic for authorized ports",
        ),
        securityHub("EC2.13", "Security groups should not allow ingress from 0.0.0.0/0 to port 22"),
        securityHub(
            "EC2.19",
            "Security groups should not allow unrestricted access to ports with high risk",
        ),
    ],
    remediationSteps:
        "Let in a security group (referencedSecurityGroupId) or the network of the people who need it.",
    url: pages.hubEc2,
    changedIn: `${programFiles.securityGroups}, and for SSH in the config key audit-trail:sshCidr`,
    types: [
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    ],
    check: (inputs, findings, { type }) => {
        switch (type) {
            case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
                requireNarrow("cidrIpv4", inputs.get("cidrIpv4"), findings);
                requireNarrow("cidrIpv6", inputs.get("cidrIpv6"), findings);
                refusePrefixList("prefixListId", inputs.get("prefixListId"), findings);
                requireOnePort(inputs.get("fromPort"), inputs.get("toPort"), findings);
                return;
            case "aws:ec2/securityGroupRule:SecurityGroupRule":
                if (inputs.get("type") !== "egress") {
                    requireNarrowList("cidrBlocks", inputs.get("cidrBlocks"), findings);
                    requireNarrowList("ipv6CidrBlocks", inputs.get("ipv6CidrBlocks"), findings);
                    refusePrefixList("prefixListIds", inputs.get("prefixListIds"), findings);
                }
                return;
            default:
                requireNarrowInline(inputs.get("ingress"), findings);
        }
    },
});

function requireNarrowInline(ingress: unknown, findings: Findings): void {
    findings.require(
        ingress,
        (rules) => rules === undefined || Array.isArray(rules),
        "ingress is not a list; use aws.vpc.SecurityGroupIngressRule instead.",
    );
    for (const rule of items(ingress)) {
        findings.require(
            rule,
            isValues,
            "ingress holds a rule that is not an object; use aws.vpc.SecurityGroupIngressRule instead.",
        );
        if (isValues(rule)) {
            requireNarrowList("ingress[].cidrBlocks", rule.cidrBlocks, findings);
            requireNarrowList("ingress[].ipv6CidrBlocks", rule.ipv6CidrBlocks, findings);
            refusePrefixList("ingress[].prefixListIds", rule.prefixListIds, findings);
        }
    }
}

const standaloneRules = resourceRule({
    name: "vpc-standalone-rules-only",
    displayName: "Security group rules are resources of their own",
    description:
        "Rules are aws.vpc.SecurityGroupIngressRule and EgressRule only: inline rules and the older SecurityGroupRule overwrite them, so that rules come and go unnoticed.",
    severity: "medium",
    frameworks: [
        awsDocs(
            "Pulumi registry, aws.vpc.SecurityGroupIngressRule",
            "Do not mix these rules with inline rules or aws.ec2.SecurityGroupRule",
        ),
    ],
    remediationSteps:
        "Replace inline ingress and egress, and aws.ec2.SecurityGroupRule, by aws.vpc.SecurityGroupIngressRule and aws.vpc.SecurityGroupEgressRule.",
    url: pages.ingressRule,
    changedIn: programFiles.securityGroups,
    types: ["aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"],
    check: (inputs, findings, { type }) => {
        if (type === "aws:ec2/securityGroupRule:SecurityGroupRule") {
            findings.violation(
                "aws.ec2.SecurityGroupRule overwrites other rules; use aws.vpc.SecurityGroupIngressRule or EgressRule.",
            );
            return;
        }
        for (const property of ["ingress", "egress"] as const) {
            findings.require(
                inputs.get(property),
                (rules) => rules === undefined || (Array.isArray(rules) && rules.length === 0),
                `${property} is given inline; use aws.vpc.SecurityGroupIngressRule or EgressRule.`,
            );
        }
    },
});

export const securityGroupRules = [noIngressFromAnywhere, standaloneRules] as const;
