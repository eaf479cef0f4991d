import type { PolicyResource } from "@pulumi/policy";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { stackRule } from "../engine/rule";
import { dependencies, type StackView } from "../engine/stackView";

const SECRET = "aws:secretsmanager/secret:Secret";
const ENDPOINT = "aws:dms/endpoint:Endpoint";
const ROLE = "aws:iam/role:Role";

/** Types whose `policy` gives rights to a role, with the input that names the role. */
const POLICIES = [
    ["aws:iam/rolePolicy:RolePolicy", "role"],
    ["aws:iam/policy:Policy", undefined],
    ["aws:iam/userPolicy:UserPolicy", undefined],
    ["aws:iam/groupPolicy:GroupPolicy", undefined],
] as const;

const secretReaders = stackRule({
    name: "stack-secret-readers",
    displayName: "Only DMS reads the databases' secrets",
    description:
        "A policy about secrets of the stack belongs to the role with which DMS reads its endpoints' secrets, and covers only those secrets: the master passwords are for people, and whoever reads one can rewrite the log.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, using secrets to access endpoints", "A role for the two secrets"),
        auditTrail("Only DMS and the operator get in", "Another role reads the passwords"),
    ],
    remediationSteps:
        "Remove the policy, or leave the secret out of it; people read the master secrets with rights of their own.",
    url: pages.dmsSecrets,
    changedIn: programFiles.replication,
    check: (stack, findings) => {
        const endpoints = stack.ofType(ENDPOINT);
        const shared = new Set(endpoints.flatMap((one) => secretsBehind(stack, one)));
        const readers = new Set(
            endpoints.flatMap((one) =>
                stack.behind(one, "secretsManagerAccessRoleArn", ROLE, ["arn"]),
            ),
        );
        for (const [type, property] of POLICIES) {
            for (const policy of stack.ofType(type)) {
                const secrets = dependencies(policy, "policy").filter(
                    (made) => made.type === SECRET,
                );
                const roles =
                    property === undefined
                        ? []
                        : stack.behind(policy, property, ROLE, ["id", "name"]);
                const isReader = roles.length > 0 && roles.every((role) => readers.has(role));
                const stray = secrets.find((secret) => !isReader || !shared.has(secret));
                if (stray !== undefined) {
                    findings.violation(
                        `${policy.name} is about the secret ${stray.name}, which is not for DMS or not for this role; remove it.`,
                        policy.urn,
                    );
                }
            }
        }
    },
});

function secretsBehind(stack: StackView, endpoint: PolicyResource): readonly PolicyResource[] {
    return stack.behind(endpoint, "secretsManagerArn", SECRET, ["arn"]);
}

export const secretReaderRules = [secretReaders] as const;
