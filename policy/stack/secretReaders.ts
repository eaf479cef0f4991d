import type { PolicyResource } from "@pulumi/policy";
import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { stackRule } from "../engine/rule";
import { dependencies, type StackView } from "../engine/stackView";

const SECRET = "aws:secretsmanager/secret:Secret";
const ENDPOINT = "aws:dms/endpoint:Endpoint";
const ROLE = "aws:iam/role:Role";
const VERSION = "aws:secretsmanager/secretVersion:SecretVersion";
const LOGIN = "postgresql:index/role:Role";

/** Types whose `policy` gives rights to a role, with the input that names the role. */
const POLICIES = [
    ["aws:iam/rolePolicy:RolePolicy", "role"],
    ["aws:iam/policy:Policy", undefined],
    ["aws:iam/userPolicy:UserPolicy", undefined],
    ["aws:iam/groupPolicy:GroupPolicy", undefined],
] as const;

const secretReaders = stackRule({
    name: "stack-secret-readers",
    displayName: "Only DMS reads the databases' secrets, and the psql host where it may",
    description:
        "A policy about secrets of the stack belongs to the role with which DMS reads its endpoints' secrets, and covers only those. Where the setting hostReads is master, one may belong to the role of the psql host and cover master secrets only, none of DMS or of another login of the stack: whoever reads a master password can rewrite the log.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, using secrets to access endpoints", "A role for the two secrets"),
        auditTrail("Only DMS and the operator get in", "Another role reads the passwords"),
    ],
    remediationSteps:
        'Remove the policy, or leave the secret out of it: people read the master secrets with rights of their own. With the config key hostSecrets "master" say so in the rule\'s setting hostReads too.',
    url: pages.dmsSecrets,
    changedIn: `${programFiles.replication}, components/network/hostDatabases.ts`,
    configSchema: {
        properties: {
            hostReads: {
                type: "string",
                enum: ["none", "master"],
                default: "none",
                description: "The secrets that the role of the psql host may read.",
            },
        },
    },
    check: (stack, findings, config) => {
        const ofDms = dmsReaders(stack);
        const ofHost = config.hostReads === "master" ? hostReaders(stack) : undefined;
        for (const [type, property] of POLICIES) {
            for (const policy of stack.ofType(type)) {
                const secrets = dependencies(policy, "policy").filter(
                    (made) => made.type === SECRET,
                );
                const roles =
                    property === undefined
                        ? []
                        : stack.behind(policy, property, ROLE, ["id", "name"]);
                const reader = [ofDms, ofHost].find(
                    (one) => roles.length > 0 && roles.every((role) => one?.roles.has(role)),
                );
                const stray = secrets.find((secret) => reader?.secrets.has(secret) !== true);
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

/** Roles, and the secrets that they may read. */
interface Readers {
    readonly roles: ReadonlySet<PolicyResource>;
    readonly secrets: ReadonlySet<PolicyResource>;
}

function dmsReaders(stack: StackView): Readers {
    const endpoints = stack.ofType(ENDPOINT);
    const roles = endpoints.flatMap((one) =>
        stack.behind(one, "secretsManagerAccessRoleArn", ROLE, ["arn"]),
    );
    return {
        roles: new Set(roles),
        secrets: new Set(endpoints.flatMap((one) => secretsBehind(stack, one))),
    };
}

/** The roles of hosts, and the secrets that hold the password of no login that the stack makes in a database. */
function hostReaders(stack: StackView): Readers {
    const roles = stack
        .ofType("aws:ec2/instance:Instance")
        .flatMap((host) =>
            stack.behind(host, "iamInstanceProfile", "aws:iam/instanceProfile:InstanceProfile", [
                "name",
                "id",
            ]),
        )
        .flatMap((profile) => stack.behind(profile, "role", ROLE, ["name", "id"]));
    const passwords = new Set(
        stack.ofType(LOGIN).flatMap((login) => dependencies(login, "password")),
    );
    const ofLogins = stack
        .ofType(VERSION)
        .filter((version) =>
            dependencies(version, "secretString").some((made) => passwords.has(made)),
        )
        .flatMap((version) => stack.behind(version, "secretId", SECRET, ["id", "arn"]));
    const ofOthers = new Set([...dmsReaders(stack).secrets, ...ofLogins]);
    return {
        roles: new Set(roles),
        secrets: new Set(stack.ofType(SECRET).filter((secret) => !ofOthers.has(secret))),
    };
}

function secretsBehind(stack: StackView, endpoint: PolicyResource): readonly PolicyResource[] {
    return stack.behind(endpoint, "secretsManagerArn", SECRET, ["arn"]);
}

export const secretReaderRules = [secretReaders] as const;
