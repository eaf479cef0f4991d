import type { Props } from "../provider";
import { isKnown, jsonProblem } from "./validate";

/** What a policy is for: who may take a role on, or what its taker may do. */
export type PolicyKind = "trust" | "rights";

/** IAM's limits in characters without white space, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. */
const LONGEST: Readonly<Record<PolicyKind, number>> = { trust: 2048, rights: 10_240 };

/**
 * Why IAM refuses a policy document, as one sentence, or undefined.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function policyProblem(value: unknown, kind: PolicyKind): string | undefined {
    const problem = jsonProblem(value);
    if (problem !== undefined || !isKnown(value)) {
        return problem;
    }
    const { Version: version, Statement: given } = JSON.parse(String(value)) as Props;
    if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17") {
        return "MalformedPolicyDocument: its Version is 2012-10-17.";
    }
    const statements: unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
    if (given === undefined || !statements.every((one) => isStatement(one, kind))) {
        return kind === "trust"
            ? "MalformedPolicyDocument: each Statement has an Effect, an Action and a Principal, and no Resource."
            : "MalformedPolicyDocument: each Statement has an Effect, an Action and a Resource, and no Principal.";
    }
    return String(value).replace(/\s/g, "").length > LONGEST[kind]
        ? `LimitExceeded: it has at most ${LONGEST[kind]} characters.`
        : undefined;
}

function isStatement(value: unknown, kind: PolicyKind): boolean {
    const statement = (value ?? {}) as Props;
    const has = (key: string): boolean =>
        statement[key] !== undefined || statement[`Not${key}`] !== undefined;
    return (
        (statement.Effect === "Allow" || statement.Effect === "Deny") &&
        has("Action") &&
        has("Principal") === (kind === "trust") &&
        has("Resource") === (kind === "rights")
    );
}
