import type { PolicyComplianceFramework, PolicyConfigSchema, Severity } from "@pulumi/policy";
import type { Findings } from "./findings";
import { Inputs } from "./resourceInputs";
import type { ResourceArgs, ResourceType } from "./resourceTypes";
import type { StackView } from "./stackView";
import type { Values } from "./values";

/** What people read about a rule: in a violation, in the docs table, in Pulumi Cloud. */
export interface RuleDescription {
    /** Kebab case, starts with the service; never renamed, since stacks switch and configure a rule by it. */
    readonly name: string;
    readonly displayName: string;
    /** One sentence: what is demanded, and what goes wrong otherwise. */
    readonly description: string;
    readonly severity: Severity;
    /** Where the demand comes from; the first one is what Pulumi shows. */
    readonly frameworks: readonly [PolicyComplianceFramework, ...PolicyComplianceFramework[]];
    readonly remediationSteps: string;
    readonly url: string;
    /** Where the setting that it refuses is changed in this project; completes "Change it in ...". */
    readonly changedIn: string;
    readonly configSchema?: PolicyConfigSchema;
}

/** Surroundings of one judgement. */
export interface RuleContext {
    readonly type: ResourceType;
    /** The rule's configuration as the user wrote it; validated by the engine against the schema. */
    readonly config: Values;
}

/** A rule about the inputs of single resources of the given types. */
export interface ResourceRule extends RuleDescription {
    readonly scope: "resource";
    readonly types: readonly ResourceType[];
    readonly judge: (properties: Values, findings: Findings, context: RuleContext) => void;
}

/** A rule about how the resources of a stack belong together. */
export interface StackRule extends RuleDescription {
    readonly scope: "stack";
    /** @param config the rule's configuration as the user wrote it. */
    readonly judge: (stack: StackView, findings: Findings, config: Values) => void;
}

export type Rule = ResourceRule | StackRule;

/** Makes a rule about single resources; the types give the names that `check` may read. */
export function resourceRule<Type extends ResourceType>(
    rule: RuleDescription & {
        readonly types: readonly Type[];
        readonly check: (
            inputs: Inputs<ResourceArgs[Type]>,
            findings: Findings,
            context: RuleContext,
        ) => void;
    },
): ResourceRule {
    const { check, ...description } = rule;
    return {
        ...description,
        scope: "resource",
        judge: (properties, findings, context) => {
            check(new Inputs(properties), findings, context);
        },
    };
}

/** Makes a rule about a whole stack. */
export function stackRule(
    rule: RuleDescription & {
        readonly check: (stack: StackView, findings: Findings, config: Values) => void;
    },
): StackRule {
    const { check, ...description } = rule;
    return { ...description, scope: "stack", judge: check };
}
