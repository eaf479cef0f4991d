import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { readStatements, type Statement } from "../engine/policyDocument";
import { resourceRule } from "../engine/rule";
import { isText, items, shown, Unknown } from "../engine/values";

/** Services through which the databases, their passwords or the rights to them can be had. */
const GUARDED: readonly string[] = [
    "*",
    "dms",
    "iam",
    "kms",
    "rds",
    "rds-data",
    "rds-db",
    "secretsmanager",
    "ssm",
    "sts",
];

/**
 * A resource without a wildcard, but for the six characters that Secrets Manager adds to a name.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
 */
const NAMED = /^[^*?]+(-\?{6})?$/;

/** Why a statement of an identity policy lets in too much, or undefined when it does not. */
function tooMuch({ allows, actions, resources, isOpenEnded }: Statement): string | undefined {
    if (!allows) {
        return undefined;
    }
    if (isOpenEnded) {
        return "allows all but what it names";
    }
    // IAM reads both "*" and "?" as wildcards.
    const wide = actions.find((action) => /^[^:]*[*?]|^[^:]+:(\*|\?+\*|\?+$)/.test(action));
    if (wide !== undefined) {
        return `allows ${shown(wide)}`;
    }
    const guarded = actions.filter((action) => GUARDED.includes(serviceOf(action)));
    const several = guarded.find((action) => /[*?]/.test(action));
    if (several !== undefined) {
        return `allows ${shown(several)}`;
    }
    const [one] = guarded;
    const open = resources.find((resource) => !NAMED.test(resource.trim()));
    return one !== undefined && open !== undefined
        ? `allows ${shown(one)} on ${shown(open)}`
        : undefined;
}

function serviceOf(action: string): string {
    return (action.split(":")[0] ?? "").toLowerCase();
}

function judgeIdentityPolicy(where: string, policy: unknown, findings: Findings): void {
    findings.require(
        policy,
        (text) => text === undefined || readStatements(text) !== undefined,
        `${where} is not a policy document; give one as JSON text.`,
    );
    for (const statement of readStatements(policy) ?? []) {
        const reason = tooMuch(statement);
        if (reason !== undefined) {
            findings.violation(`${where} ${reason}; name the actions and their resources.`);
        }
    }
}

const narrowPolicies = resourceRule({
    name: "iam-policies-narrow",
    displayName: "Policies name what they allow",
    description:
        "An IAM policy allows no service as a whole, and nothing by NotAction or NotResource. For services that lead to the databases or their passwords it names each action and each resource in full, but for the six characters that Secrets Manager adds to a name: whoever gets a wider policy could read the secrets and rewrite the trail.",
    severity: "critical",
    frameworks: [
        securityHub("IAM.1", "IAM policies should not allow full administrative privileges"),
        securityHub(
            "IAM.21",
            "Customer managed policies should not allow wildcard service actions",
        ),
        securityHub("KMS.1", "Customer managed policies should not decrypt with all KMS keys"),
        securityHub("KMS.2", "Inline policies should not decrypt with all KMS keys"),
        auditTrail("Only DMS and the operator get in", "Every password is readable"),
    ],
    remediationSteps: "Name the actions, and the ARNs of the resources that they are for.",
    url: pages.hubIam,
    changedIn: "components/iamPolicies.ts",
    types: [
        "aws:iam/policy:Policy",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/userPolicy:UserPolicy",
        "aws:iam/groupPolicy:GroupPolicy",
    ],
    check: (identity, findings) => {
        judgeIdentityPolicy("policy", identity.get("policy"), findings);
    },
});

/** Policies of AWS that let nobody read a database or a secret at large. */
const MANAGED: readonly string[] = [
    "AmazonSSMManagedInstanceCore",
    "service-role/AmazonDMSVPCManagementRole",
    "service-role/AmazonDMSCloudWatchLogsRole",
    "service-role/AmazonRDSEnhancedMonitoringRole",
];

const knownManagedPolicies = resourceRule({
    name: "iam-managed-policies-known",
    displayName: "Policies of AWS are known to be narrow",
    description: `A policy of AWS that is attached is one that the pack knows to be narrow: ${MANAGED.join(", ")}. Others, such as AdministratorAccess or SecretsManagerReadWrite, open the secrets and the trail.`,
    severity: "critical",
    frameworks: [
        securityHub("IAM.1", "IAM policies should not allow full administrative privileges"),
        auditTrail("Only DMS and the operator get in", "Every password is readable"),
    ],
    remediationSteps:
        "Attach a policy of your own that names its actions and resources; one of AWS that you have judged yourself goes into the rule's setting alsoAllowed, as what follows policy/ in its ARN.",
    url: pages.hubIam,
    changedIn: "components/network/psqlHost.ts or components/dms/dmsRoles.ts",
    configSchema: {
        properties: {
            alsoAllowed: {
                type: "array",
                items: { type: "string" },
                default: [],
                description: "Further policies of AWS, as what follows policy/ in their ARNs.",
            },
        },
    },
    types: [
        "aws:iam/policyAttachment:PolicyAttachment",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",
        "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    ],
    check: (attachment, findings, { config }) => {
        const arn = attachment.get("policyArn");
        findings.require(
            arn,
            (value) => isText(value) && isKnownPolicy(value, items(config.alsoAllowed)),
            `policyArn is ${shown(arn)}, which the pack does not know to be narrow; attach a policy that names its actions and resources.`,
        );
    },
});

/** True of a policy of AWS in the list, and of one of the account: a rule of its own judges that. */
function isKnownPolicy(arn: string, alsoAllowed: readonly unknown[]): boolean {
    const name = /^arn:[^:]+:iam::aws:policy\/(.+)$/.exec(arn)?.[1];
    return name === undefined ? /:policy\//.test(arn) : [...MANAGED, ...alsoAllowed].includes(name);
}

/** Services that act in a role of such a stack; DMS has a principal for each region too. */
const TRUSTED: readonly RegExp[] = [
    /^(ec2|rds|monitoring\.rds|vpc-flow-logs|dms)\.amazonaws\.com(\.cn)?$/,
    /^dms\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/,
];

/** DMS acts in its account-wide roles for whoever asks it to, unless a condition names the account. */
const ACCOUNT_WIDE = /^dms\.amazonaws\.com/;

const trustedServices = resourceRule({
    name: "iam-roles-trust-services",
    displayName: "Roles are for the services that need them",
    description:
        "Only EC2, RDS, DMS, VPC flow logs or principals that are named in full may assume a role, and the principal dms.amazonaws.com only on behalf of one account. Inline and managed policies are resources of their own. A role that reads the secrets is a way to the trail.",
    severity: "critical",
    frameworks: [
        awsDocs("IAM user guide, roles", "The trust policy says who may assume the role"),
        auditTrail("Only DMS and the operator get in", "Anybody who may assume the role"),
    ],
    remediationSteps:
        "Name the service or the ARN in assumeRolePolicy; use aws.iam.RolePolicy and RolePolicyAttachment for rights. To allow a further service, add it to the rule's setting alsoAllowed.",
    url: pages.hubIam,
    changedIn: "components/iamPolicies.ts",
    configSchema: {
        properties: {
            alsoAllowed: {
                type: "array",
                items: { type: "string" },
                default: [],
                description: "Further service principals, such as lambda.amazonaws.com.",
            },
        },
    },
    types: ["aws:iam/role:Role"],
    check: (role, findings, { config }) => {
        const text = role.get("assumeRolePolicy");
        findings.require(
            text,
            (value) => readStatements(value) !== undefined,
            `assumeRolePolicy is ${typeof text === "string" ? "not a policy document" : typeof text}; give one as JSON text.`,
        );
        for (const statement of readStatements(text) ?? []) {
            judgeTrust(statement, items(config.alsoAllowed), findings);
        }
        for (const name of ["inlinePolicies", "managedPolicyArns"] as const) {
            const value = role.get(name);
            const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
            if (!isEmpty || value instanceof Unknown) {
                findings.violation(
                    `${name} is given; use aws.iam.RolePolicy and aws.iam.RolePolicyAttachment.`,
                );
            }
        }
    },
});

function judgeTrust(
    { allows, principals, services, actions, sourceAccount, isOpenEnded }: Statement,
    alsoAllowed: readonly unknown[],
    findings: Findings,
): void {
    const wide = principals.find((principal) => principal.includes("*"));
    if (allows && (isOpenEnded || wide !== undefined || principals.length === 0)) {
        findings.violation(
            `assumeRolePolicy lets in ${wide === undefined ? "everybody that it does not name" : shown(wide)}; name who may assume the role.`,
        );
    }
    const other = actions.find((action) => action !== "sts:AssumeRole");
    if (allows && (other !== undefined || actions.length === 0)) {
        findings.violation(
            `assumeRolePolicy allows ${shown(other ?? "nothing")}; set the action "sts:AssumeRole".`,
        );
    }
    for (const service of services) {
        if (ACCOUNT_WIDE.test(service) && !/^\d{12}$/.test(sourceAccount ?? "")) {
            findings.violation(
                `assumeRolePolicy lets ${service} act for any account; add the condition StringEquals aws:SourceAccount.`,
            );
        }
        if (!TRUSTED.some((known) => known.test(service)) && !alsoAllowed.includes(service)) {
            findings.violation(
                `assumeRolePolicy lets in ${service}, which the pack does not know to need a role here; remove it.`,
            );
        }
    }
}

export const iamRules = [narrowPolicies, knownManagedPolicies, trustedServices] as const;
