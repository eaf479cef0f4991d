import { isValues, type Values } from "./values";

/** One statement of an IAM policy document, with everything in lists. */
export interface Statement {
    /** True of everything that does not deny. */
    readonly allows: boolean;
    /** Every principal as text, of whatever kind; "*" among them is everybody. */
    readonly principals: readonly string[];
    /** Services among the principals. */
    readonly services: readonly string[];
    readonly actions: readonly string[];
    readonly resources: readonly string[];
    /** The account on whose behalf alone a service may act; undefined where the statement names none. */
    readonly sourceAccount: string | undefined;
    /** As it is written; undefined where there is none. */
    readonly condition: unknown;
    /** True of NotPrincipal, NotAction and NotResource, which say who is left out and let in all others. */
    readonly isOpenEnded: boolean;
}

/** Every key that a statement may have. */
const KEYS: readonly string[] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

function texts(value: unknown): readonly string[] {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    return list.filter((item) => typeof item === "string");
}

/** True of an absent value, a text and a list of texts. */
function isTexts(value: unknown): boolean {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    return value === undefined || list.every((item) => typeof item === "string");
}

/** True of a statement that IAM would understand: what it does not understand nobody can judge. */
function isStatement(value: unknown): value is Values {
    if (!isValues(value) || !Object.keys(value).every((key) => KEYS.includes(key))) {
        return false;
    }
    const { Effect: effect, Action: action, Resource: resource, Principal: principal } = value;
    const named = isValues(principal) ? Object.values(principal) : [principal];
    return (
        (effect === "Allow" || effect === "Deny") &&
        isTexts(action) &&
        isTexts(resource) &&
        (isValues(principal) || principal === undefined || principal === "*") &&
        named.every(isTexts)
    );
}

function statement(value: Values): Statement {
    const { Principal: principal, Condition: condition } = value;
    const named = isValues(principal) ? Object.values(principal).flatMap(texts) : texts(principal);
    const equal = isValues(condition) ? condition.StringEquals : undefined;
    const account = isValues(equal) ? equal["aws:SourceAccount"] : undefined;
    return {
        allows: value.Effect !== "Deny",
        principals: named,
        services: isValues(principal) ? texts(principal.Service) : [],
        actions: texts(value.Action),
        resources: texts(value.Resource),
        condition,
        sourceAccount: typeof account === "string" ? account : undefined,
        isOpenEnded: ["NotPrincipal", "NotAction", "NotResource"].some((key) => key in value),
    };
}

/** The version of the language of policies; without it a document is read as one of 2008. */
const VERSION = "2012-10-17";

/** The statements of a policy document; undefined when the text is none. The empty text and the empty object hold none. */
export function readStatements(text: unknown): readonly Statement[] | undefined {
    if (typeof text !== "string") {
        return undefined;
    }
    if (text.trim() === "") {
        return [];
    }
    let document: unknown;
    try {
        document = JSON.parse(text);
    } catch {
        return undefined;
    }
    if (!isValues(document)) {
        return undefined;
    }
    const { Statement: given, Version: version, ...others } = document;
    const statements: readonly unknown[] = Array.isArray(given)
        ? given
        : given === undefined
          ? []
          : [given];
    const isKnown =
        Object.keys(others).every((key) => key === "Id") &&
        (version === VERSION || statements.length === 0);
    return isKnown && statements.every(isStatement) ? statements.map(statement) : undefined;
}
