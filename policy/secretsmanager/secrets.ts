import { auditTrail, awsDocs } from "../engine/frameworks";
import { readStatements } from "../engine/policyDocument";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { holdsSecret } from "../engine/secretText";

const notPublic = resourceRule({
    name: "secrets-not-public",
    displayName: "Secrets are not open to everybody",
    description:
        'A secret\'s resource policy names everybody that it lets in, without a "*" and whatever its conditions: a condition such as StringLike aws:PrincipalArn "*" keeps nobody out, and the secret holds a database password.',
    severity: "critical",
    frameworks: [
        awsDocs("Secrets Manager user guide, resource policies", "Block broad access to secrets"),
        auditTrail("Only DMS and the operator get in", "A password open to other accounts"),
    ],
    remediationSteps: "Name the roles that read the secret, or remove the policy.",
    url: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html",
    changedIn: "components/cluster/databaseCredentials.ts",
    types: ["aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretPolicy:SecretPolicy"],
    check: (secret, findings) => {
        const text = secret.get("policy");
        findings.require(
            text,
            (policy) => policy === undefined || isClosed(policy),
            'policy is not a policy document or lets in principals by "*"; name the roles that read the secret.',
        );
    },
});

/** True of a policy document that nobody is let in by without being named. */
function isClosed(text: unknown): boolean {
    const statements = readStatements(text);
    return (
        statements?.every(
            ({ allows, principals, isOpenEnded }) =>
                !allows ||
                (!isOpenEnded &&
                    principals.length > 0 &&
                    !principals.some((principal) => principal.includes("*"))),
        ) === true
    );
}

const parametersEncrypted = resourceRule({
    name: "secrets-parameter-encrypted",
    displayName: "Parameters with secrets are encrypted",
    description:
        "A Systems Manager parameter that holds what looks like a secret is a SecureString: every reader of the account can read other parameters.",
    severity: "high",
    frameworks: [
        awsDocs("Systems Manager user guide, Parameter Store", "Use SecureString for secrets"),
    ],
    remediationSteps: "Set type to SecureString, or use Secrets Manager.",
    url: "https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
    changedIn: programFiles.elsewhere,
    types: ["aws:ssm/parameter:Parameter"],
    check: (parameter, findings) => {
        if (parameter.get("type") === "SecureString") {
            return;
        }
        for (const name of ["value", "insecureValue"] as const) {
            findings.require(
                parameter.get(name),
                (value) =>
                    value === undefined || (typeof value === "string" && !holdsSecret(value)),
                `${name} is not text or holds what looks like a secret; set type to "SecureString".`,
            );
        }
    },
});

export const secretRules = [notPublic, parametersEncrypted] as const;
