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
    /** True of NotPrincipal, NotAction and NotResource, which say who is left out and let in all others. */
    readonly isOpenEnded: boolean;
}

function texts(value: unknown): readonly string[] {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    return list.filter((item) => typeof item === "string");
}

function statement(value: Values): Statement {
    const { Principal: principal } = value;
    const named = isValues(principal) ? Object.values(principal).flatMap(texts) : texts(principal);
    return {
        allows: value.Effect !== "Deny",
        principals: named,
        services: isValues(principal) ? texts(principal.Service) : [],
        actions: texts(value.Action),
        resources: texts(value.Resource),
        isOpenEnded: ["NotPrincipal", "NotAction", "NotResource"].some((key) => key in value),
    };
}

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
    const { Statement: given } = document;
    const statements: readonly unknown[] = Array.isArray(given)
        ? given
        : given === undefined
          ? []
          : [given];
    return statements.every(isValues) ? statements.map(statement) : undefined;
}
