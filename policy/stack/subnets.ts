import type { PolicyResource } from "@pulumi/policy";
import { auditTrail, pages, securityHub } from "../engine/frameworks";
import type { ResourceType } from "../engine/resourceTypes";
import { stackRule } from "../engine/rule";
import type { StackView } from "../engine/stackView";

/** Subnet groups of databases and of DMS. */
const GROUPS = [
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
] as const satisfies readonly ResourceType[];

const privateSubnets = stackRule({
    name: "stack-private-subnets",
    displayName: "Databases and DMS have no way to the internet",
    description:
        "No subnet of a database or of the replication instance has a route table with a route out: without a way out nobody can carry rows out of the network.",
    severity: "high",
    frameworks: [
        securityHub("RDS.46", "RDS DB instances should not be deployed in public subnets"),
        auditTrail("Nobody but DMS and the operator reaches the trail", "A way out for the rows"),
    ],
    remediationSteps:
        "Associate the subnet with a route table without routes of its own; DMS reaches AWS services through VPC endpoints.",
    url: pages.hubRds,
    changedIn: "components/network/network.ts",
    check: (stack, findings) => {
        const groups = GROUPS.flatMap((type) => stack.ofType(type));
        const subnets = new Set(
            groups.flatMap((group) =>
                stack.behind(group, "subnetIds", "aws:ec2/subnet:Subnet", ["id"]),
            ),
        );
        for (const association of stack.ofType(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
        )) {
            const inside = stack
                .behind(association, "subnetId", "aws:ec2/subnet:Subnet", ["id"])
                .find((subnet) => subnets.has(subnet));
            const route = inside === undefined ? undefined : routeOf(stack, association);
            if (route !== undefined) {
                findings.violation(
                    `${route.name} leads out of ${inside?.name ?? ""}, in which databases or DMS are; associate it with a route table without routes.`,
                    route.urn,
                );
            }
        }
    },
});

/** A route of the route table that an association names. */
function routeOf(stack: StackView, association: PolicyResource): PolicyResource | undefined {
    const type = "aws:ec2/routeTable:RouteTable";
    const tables = stack.behind(association, "routeTableId", type, ["id"]);
    return stack
        .ofType("aws:ec2/route:Route")
        .find((route) =>
            stack.behind(route, "routeTableId", type, ["id"]).some((one) => tables.includes(one)),
        );
}

export const subnetRules = [privateSubnets] as const;
