import type {
    Policy,
    ReportViolation,
    ResourceValidation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationPolicy,
} from "@pulumi/policy";
import { Findings } from "./findings";
import type { ResourceType } from "./resourceTypes";
import type { ResourceRule, Rule, RuleDescription } from "./rule";
import { StackView } from "./stackView";
import type { Values } from "./values";

/** The rule as the policy SDK wants it. */
export function toPolicy(rule: Rule): ResourceValidationPolicy | StackValidationPolicy {
    if (rule.scope === "resource") {
        return { ...metadata(rule), validateResource: resourceValidation(rule) };
    }
    return {
        ...metadata(rule),
        validateStack: (args, reportViolation) => {
            const findings = new Findings(inWords(rule, reportViolation));
            const config: Values = args.getConfig<Record<string, unknown>>();
            rule.judge(new StackView(args.resources), findings, config);
            findings.settle();
        },
    };
}

function resourceValidation(rule: ResourceRule): ResourceValidation {
    const validate: ResourceValidation = (args: ResourceValidationArgs, reportViolation) => {
        const type = rule.types.find((candidate: ResourceType) => candidate === args.type);
        if (type === undefined) {
            return args.notApplicable(`The rule is about ${rule.types.join(", ")}.`);
        }
        const findings = new Findings(inWords(rule, reportViolation));
        const config: Values = args.getConfig<Record<string, unknown>>();
        rule.judge(args.props, findings, { type, config });
        findings.settle();
    };
    const [type, ...others] = rule.types;
    // With this mark the SDK skips a resource of another type before it copies the resource's inputs.
    return others.length === 0 ? Object.assign(validate, { __pulumiType: type }) : validate;
}

/** What the SDK's function takes too, though its type does not say so: a message that nothing is put before. */
type ReportWhole = (violation: { readonly message: string; readonly urn?: string }) => void;

/**
 * Reports with the finding first: the SDK would print the rule's demand above it, where it reads like a fact about the
 * resource.
 */
function inWords(
    { changedIn, description }: RuleDescription,
    report: ReportViolation,
): (finding: string, urn?: string) => void {
    const reportWhole = report as unknown as ReportWhole;
    return (finding, urn) => {
        const message = `${finding} Change it in ${changedIn}. Demanded: ${description}`;
        reportWhole({ message, ...(urn === undefined ? {} : { urn }) });
    };
}

function metadata(rule: RuleDescription): Policy {
    const [framework, ...others] = rule.frameworks;
    return {
        name: rule.name,
        displayName: rule.displayName,
        description: rule.description,
        severity: rule.severity,
        framework,
        tags: others.map((other) => `${other.name}: ${other.reference}`),
        remediationSteps: rule.remediationSteps,
        url: rule.url,
        enforcementLevel: "mandatory",
        ...(rule.configSchema === undefined ? {} : { configSchema: rule.configSchema }),
    };
}
