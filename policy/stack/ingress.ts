import type { PolicyResource } from "@pulumi/policy";
import type { Findings } from "../engine/findings";
import { auditTrail, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { Inputs } from "../engine/resourceInputs";
import { stackRule } from "../engine/rule";
import { dependencies, type StackView } from "../engine/stackView";
import { isText, items, shown, Unknown, type Values } from "../engine/values";

const ingressFromGroups = stackRule({
    name: "stack-database-ingress-from-groups",
    displayName: "Databases are entered from security groups only",
    description:
        "Every ingress rule of a security group that a database uses names a security group of this stack as its source and one TCP port, and the database uses no other group: an address range lets in every machine that gets an address in it, and a database needs only its own port.",
    severity: "high",
    frameworks: [
        securityHub(
            "EC2.19",
            "Security groups should not allow unrestricted access to ports with high risk",
        ),
        auditTrail("Nobody but DMS and the operator reaches the trail", "A whole network may"),
    ],
    remediationSteps:
        "Set referencedSecurityGroupId instead of cidrIpv4, cidrIpv6 or prefixListId; set ipProtocol to tcp, fromPort and toPort to the database's port.",
    url: pages.ingressRule,
    changedIn: programFiles.securityGroups,
    configSchema: {
        properties: {
            alsoAllowed: {
                type: "array",
                items: { type: "string" },
                default: [],
                description: "Ids of security groups of other stacks that may enter or be used.",
            },
        },
    },
    check: (stack, findings, config) => {
        const databases = [
            ...stack.ofType("aws:rds/cluster:Cluster"),
            ...stack.ofType("aws:rds/instance:Instance"),
        ];
        const type = "aws:ec2/securityGroup:SecurityGroup";
        const strangers = items(config.alsoAllowed);
        for (const database of databases) {
            requireKnownGroups(stack, database, "vpcSecurityGroupIds", strangers, findings);
        }
        const groups = new Set(
            databases.flatMap((database) =>
                stack.behind(database, "vpcSecurityGroupIds", type, ["id"]),
            ),
        );
        for (const rule of stack.ofType(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        )) {
            const guarded = stack.behind(rule, "securityGroupId", type, ["id"]);
            if (guarded.some((group) => groups.has(group))) {
                requireGroupSource(stack, rule, findings);
                requireKnownGroups(stack, rule, "referencedSecurityGroupId", strangers, findings);
            }
        }
    },
});

/** Refuses ids of groups that this stack does not make: nobody here sees who is in them, or whom they let in. */
function requireKnownGroups(
    stack: StackView,
    resource: PolicyResource,
    property: "vpcSecurityGroupIds" | "referencedSecurityGroupId",
    strangers: readonly unknown[],
    findings: Findings,
): void {
    const type = "aws:ec2/securityGroup:SecurityGroup";
    const idOf = (group: PolicyResource): unknown => new Inputs<Values>(group.props).get("id");
    const value = new Inputs<Values>(resource.props).get(property);
    const named: readonly unknown[] = Array.isArray(value) ? value : [value];
    const ids = stack.ofType(type).map(idOf);
    const others = named
        .filter(isText)
        .filter((id) => !ids.includes(id) && !strangers.includes(id));
    // Groups whose ids nobody shows stand for as many of the entries, known or not.
    const hidden = dependencies(resource, property).filter(
        (made) => made.type === type && !isText(idOf(made)),
    ).length;
    const unknown = named.filter((entry) => entry instanceof Unknown).length;
    const [stranger] = others.slice(Math.max(0, hidden - unknown));
    if (stranger !== undefined) {
        findings.violation(
            `${property} of ${resource.name} names ${stranger}, which is not a security group of this stack; name one that is.`,
            resource.urn,
        );
    }
}

function requireGroupSource(stack: StackView, rule: PolicyResource, findings: Findings): void {
    const type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    const inputs = stack.inputs(rule, type);
    const source = inputs.get("referencedSecurityGroupId");
    const named =
        isText(source) ||
        source instanceof Unknown ||
        dependencies(rule, "referencedSecurityGroupId").length > 0;
    const wide = (["cidrIpv4", "cidrIpv6", "prefixListId"] as const).filter((name) => {
        const value = inputs.get(name);
        // Outputs of a provider may be empty text where the program gives nothing.
        return value !== undefined && value !== "" && !(value instanceof Unknown);
    });
    if (!named || wide.length > 0) {
        findings.violation(
            `${rule.name} lets ${wide.join(" and ") || "nobody in particular"} into a database; set referencedSecurityGroupId only.`,
            rule.urn,
        );
    }
    const [protocol, from, to] = [
        inputs.get("ipProtocol"),
        inputs.get("fromPort"),
        inputs.get("toPort"),
    ];
    const isUnknown = [protocol, from, to].find((value) => value instanceof Unknown);
    findings.require(
        isUnknown ?? protocol,
        () => protocol === "tcp" && typeof from === "number" && from === to,
        `${rule.name} lets ${shown(protocol)} ports ${shown(from)} to ${shown(to)} into a database; set ipProtocol "tcp" and the database's port only.`,
        rule.urn,
    );
}

export const ingressRules = [ingressFromGroups] as const;
