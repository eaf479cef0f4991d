import { createRequire } from "node:module";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { toPolicy } from "../../../policy/engine/pulumiPolicy";
import type { Rule } from "../../../policy/engine/rule";
import type { Values } from "../../../policy/engine/values";

/** What the engine sends in the place of a text that a preview cannot know. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A resource as the engine describes it to a policy pack. */
export interface JudgedResource {
    readonly type: string;
    readonly name: string;
    readonly properties: Values;
    /** Property name to the names of the resources that it was made from. */
    readonly dependencies?: Readonly<Record<string, readonly string[]>>;
}

/** What the engine is told. Only mandatory messages stop an update. */
export interface Verdict {
    readonly mandatory: readonly string[];
    readonly advisory: readonly string[];
    readonly notApplicable: boolean;
}

interface Diagnostic {
    getMessage(): string;
    getEnforcementlevel(): number;
}

interface AnalyzeResponse {
    getDiagnosticsList(): readonly Diagnostic[];
    getNotApplicableList(): readonly unknown[];
}

type Analyze = (
    call: { readonly request: unknown },
    callback: (error: unknown, response?: AnalyzeResponse) => void,
) => void;

type MakeAnalyze = (
    pack: string,
    version: string,
    level: "mandatory",
    policies: readonly (ResourceValidationPolicy | StackValidationPolicy)[],
) => Analyze;

/**
 * The SDK's own request handlers. They deserialize, stop at unknown values, compare types and set enforcement levels
 * as they do under the engine; a double could be kinder.
 */
const sdk = createRequire(__filename)("@pulumi/policy/server") as {
    readonly makeAnalyzeRpcFun: MakeAnalyze;
    readonly makeAnalyzeStackRpcFun: MakeAnalyze;
};

/** `EnforcementLevel.MANDATORY` of the engine's protocol. */
const MANDATORY = 1;

function urn(name: string, type: string): string {
    return `urn:pulumi:test::audit-trail::${type}::${name}`;
}

function message(resource: JudgedResource, all: readonly JudgedResource[]): unknown {
    const urns = (names: readonly string[]): string[] =>
        names.map((name) => {
            const found = all.find((candidate) => candidate.name === name);
            if (found === undefined) {
                throw new Error(
                    `The fixture ${resource.name} depends on ${name}, which is absent.`,
                );
            }
            return urn(found.name, found.type);
        });
    const dependencies = Object.entries(resource.dependencies ?? {});
    return {
        getType: () => resource.type,
        getName: () => resource.name,
        getUrn: () => urn(resource.name, resource.type),
        getProperties: () => ({ toJavaScript: () => resource.properties }),
        getProvider: () => undefined,
        getParent: () => "",
        getDependenciesList: () => dependencies.flatMap(([, names]) => urns(names)),
        getPropertydependenciesMap: () =>
            new Map(dependencies.map(([key, names]) => [key, { getUrnsList: () => urns(names) }])),
        getOptions: () => ({
            getProtect: () => false,
            getIgnorechangesList: () => [],
            getAliasesList: () => [],
            getAdditionalsecretoutputsList: () => [],
            getDeletebeforereplacedefined: () => false,
            getParent: () => "",
            getCustomtimeouts: () => undefined,
        }),
    };
}

async function ask(analyze: Analyze, request: unknown): Promise<Verdict> {
    const response = await new Promise<AnalyzeResponse>((resolve, reject) => {
        analyze({ request }, (error, answer) => {
            if (answer === undefined) {
                reject(error instanceof Error ? error : new Error(String(error)));
            } else {
                resolve(answer);
            }
        });
    });
    const messages = (mandatory: boolean): string[] =>
        response
            .getDiagnosticsList()
            .filter((diagnostic) => (diagnostic.getEnforcementlevel() === MANDATORY) === mandatory)
            .map((diagnostic) => diagnostic.getMessage());
    return {
        mandatory: messages(true),
        advisory: messages(false),
        notApplicable: response.getNotApplicableList().length > 0,
    };
}

/** Lets one rule about single resources judge a resource. */
export function judgeResource(rule: Rule, resource: JudgedResource): Promise<Verdict> {
    const analyze = sdk.makeAnalyzeRpcFun("test", "0.0.0", "mandatory", [toPolicy(rule)]);
    return ask(analyze, message(resource, [resource]));
}

/** Lets one rule about stacks judge a whole stack. */
export function judgeStack(rule: Rule, resources: readonly JudgedResource[]): Promise<Verdict> {
    const analyze = sdk.makeAnalyzeStackRpcFun("test", "0.0.0", "mandatory", [toPolicy(rule)]);
    return ask(analyze, {
        getResourcesList: () => resources.map((resource) => message(resource, resources)),
    });
}

/** The word for a verdict: refused by a mandatory message, undecided in an advisory one, or passed. */
export function outcome(verdict: Verdict): "refused" | "undecided" | "passed" | "not applicable" {
    if (verdict.mandatory.length > 0) {
        return "refused";
    }
    if (verdict.advisory.length > 0) {
        return "undecided";
    }
    return verdict.notApplicable ? "not applicable" : "passed";
}
