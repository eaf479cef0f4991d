import type { Findings } from "./findings";
import { isValues, type Values } from "./values";

/** A JSON document in an input, as far as it could be read. */
export type JsonDocument =
    | { readonly state: "read"; readonly value: Values }
    | { readonly state: "absent" }
    /** Unknown or malformed; the findings know already. */
    | { readonly state: "unreadable" };

/** Reads an input that holds a JSON object as text; anything else is a violation. */
export function readJson(name: string, text: unknown, findings: Findings): JsonDocument {
    if (text === undefined) {
        return { state: "absent" };
    }
    const value = parsed(text);
    findings.require(
        text,
        () => isValues(value),
        `${name} is not a JSON object; build it with JSON.stringify.`,
    );
    return isValues(value) ? { state: "read", value } : { state: "unreadable" };
}

function parsed(text: unknown): unknown {
    if (typeof text !== "string") {
        return undefined;
    }
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}
