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
        `${name} is not a JSON object, or has a key twice in one object; build it with JSON.stringify.`,
    );
    return isValues(value) ? { state: "read", value } : { state: "unreadable" };
}

function parsed(text: unknown): unknown {
    if (typeof text !== "string") {
        return undefined;
    }
    try {
        const value = JSON.parse(text) as unknown;
        return repeatsKey(text) ? undefined : value;
    } catch {
        return undefined;
    }
}

/** Whether an object in a JSON text has a key twice: here the last value counts, and nobody says which one does elsewhere. */
function repeatsKey(json: string): boolean {
    const seen: Set<string>[] = [];
    for (const [token, text, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/gu)) {
        if (token === "{") {
            seen.push(new Set());
        } else if (token === "}") {
            seen.pop();
        } else if (text !== undefined && colon !== undefined) {
            const key = String(JSON.parse(text));
            if (seen.at(-1)?.has(key) === true) {
                return true;
            }
            seen.at(-1)?.add(key);
        }
    }
    return false;
}
