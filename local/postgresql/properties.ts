import { isDeepStrictEqual } from "node:util";
import { type CheckFailure, hasUnknown, type Props, UNKNOWN } from "../provider";

/** One input of a resource, with the real provider's rules for it. */
interface Property {
    readonly kind: "text" | "flag" | "number" | "texts";
    readonly required?: boolean;
    /** What stands for it where the program says nothing. */
    readonly initial?: string | number | boolean;
    /** Set by the server where the program says nothing: then its value never counts as a difference. */
    readonly computed?: boolean;
    /** A change of it makes a new resource. */
    readonly replaces?: boolean;
    /** A refresh leaves it among the inputs as it is and changes only the outputs, as where the real provider normalizes it. */
    readonly keepsInput?: boolean;
    /** A set: the order of its items means nothing. */
    readonly unordered?: boolean;
    readonly oneOf?: readonly string[];
    readonly least?: number;
    /** Marked as a secret in the state, whatever the program says. */
    readonly secret?: boolean;
}

/** A resource's inputs by name. */
export type Properties = Readonly<Record<string, Property>>;

/** The input in which the real provider keeps the names of the inputs that it filled in. */
const DEFAULTS = "__defaults";

/** A text input, "" where there is none. */
export function text(props: Props, key: string): string {
    const value = props[key];
    return typeof value === "string" ? value : "";
}

/** A yes or no input, false where there is none. */
export function flag(props: Props, key: string): boolean {
    return props[key] === true;
}

/** A number input, 0 where there is none. */
export function number(props: Props, key: string): number {
    const value = props[key];
    return typeof value === "number" ? value : 0;
}

/** A list of texts, empty where there is none. */
export function texts(props: Props, key: string): string[] {
    const value = props[key];
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The names of the inputs that the provider filled in; undefined where nobody noted them. */
function filledIn(inputs: Props): readonly string[] | undefined {
    return Array.isArray(inputs[DEFAULTS]) ? texts(inputs, DEFAULTS) : undefined;
}

const KINDS: Readonly<Record<Property["kind"], string>> = {
    text: "a string",
    flag: "true or false",
    number: "a whole number",
    texts: "a list of strings",
};

function hasKind(kind: Property["kind"], value: unknown): boolean {
    switch (kind) {
        case "text":
            return typeof value === "string";
        case "flag":
            return typeof value === "boolean";
        case "number":
            return Number.isInteger(value);
        case "texts":
            return Array.isArray(value) && value.every((item) => typeof item === "string");
    }
}

function problem(property: Property, value: unknown): string | undefined {
    if (value === UNKNOWN) {
        return undefined;
    }
    if (!hasKind(property.kind, value)) {
        return `must be ${KINDS[property.kind]}`;
    }
    if (property.oneOf !== undefined && !property.oneOf.includes(String(value))) {
        return `is "${String(value)}" but must be one of ${property.oneOf.join(", ")}`;
    }
    if (property.least !== undefined && Number(value) < property.least) {
        return `is ${String(value)} but must be at least ${property.least}`;
    }
    return undefined;
}

/**
 * The value that is filled in. One that was filled in before stays. A new one that is false or zero is left out, as in the
 * real plugin: a policy that reads `superuser === false` does not find it.
 */
function fallback(property: Property, key: string, olds: Props): unknown {
    const before = filledIn(olds);
    if (property.initial !== undefined && (before?.includes(key) ?? key in olds)) {
        return olds[key];
    }
    return property.initial || undefined;
}

/**
 * Checks inputs against a resource's rules and fills in the defaults. Unknown values pass; an empty text is no text, as
 * in the real provider.
 *
 * @param olds the inputs of the last update, from which the defaults come.
 */
export function checkProperties(
    properties: Properties,
    olds: Props,
    raw: Props,
): { inputs: Props; failures: CheckFailure[] } {
    const inputs: Props = {};
    const defaults: string[] = [];
    const failures: CheckFailure[] = [];
    const fail = (property: string, rule: string) => {
        failures.push({ property, reason: `The input "${property}" ${rule}.` });
    };
    for (const key of Object.keys(raw)) {
        if (!(key in properties) && !key.startsWith("__")) {
            fail(key, `does not exist here; there is ${Object.keys(properties).join(", ")}`);
        }
    }
    for (const [key, property] of Object.entries(properties)) {
        const value = raw[key];
        if (value !== undefined && value !== null && value !== "") {
            inputs[key] = value;
            const wrong = problem(property, value);
            if (wrong !== undefined) {
                fail(key, wrong);
            }
            continue;
        }
        const found = fallback(property, key, olds);
        if (found !== undefined) {
            inputs[key] = found;
            defaults.push(key);
        } else if (property.required === true) {
            fail(key, "is required and must not be empty");
        }
    }
    return { inputs: { ...inputs, [DEFAULTS]: defaults.sort() }, failures };
}

function comparable(property: Property, given: unknown): unknown {
    const value = given ?? property.initial;
    if (Array.isArray(value)) {
        if (value.length === 0) {
            return undefined;
        }
        return property.unordered === true
            ? value.map((item: unknown) => JSON.stringify(item)).sort()
            : value;
    }
    // What is unset and what is zero are the same where there is no default.
    return value === property.initial || (value !== "" && value !== 0) ? value : undefined;
}

/** The names of the inputs whose values differ from what the state holds, which is what the server had. */
export function differences(properties: Properties, state: Props, news: Props): string[] {
    return Object.entries(properties)
        .filter(([key, property]) => {
            const after = comparable(property, news[key]);
            if (after === undefined && property.computed === true) {
                return false;
            }
            return hasUnknown(after) || !isDeepStrictEqual(comparable(property, state[key]), after);
        })
        .map(([key]) => key);
}

/** The key and mark by which Pulumi wraps a secret on the wire (its protocol for plugins). */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270";

/** Values with the secret ones wrapped; `everywhere` also where there is none, as the real provider's outputs have it. */
export function withSecrets(properties: Properties, values: Props, everywhere: boolean): Props {
    const wrapped = Object.entries(properties)
        .filter(([key, { secret }]) => secret === true && (everywhere || key in values))
        .map(([key]) => [key, { [SECRET_KEY]: SECRET_MARK, value: values[key] ?? null }]);
    return { ...values, ...(Object.fromEntries(wrapped) as Props) };
}

/**
 * The inputs after a refresh: those that were there, with what the server has now. Of the names that were filled in,
 * those whose value is still the same stay. Without inputs (an import) all that differ from the defaults.
 */
export function refreshedInputs(properties: Properties, olds: Props, outputs: Props): Props {
    const known = Object.keys(olds).filter((key) => key in properties);
    const keys =
        known.length > 0
            ? known
            : differences(properties, {}, outputs).filter((key) => key in outputs);
    const inputs = Object.fromEntries(
        keys
            .map((key) => [key, (properties[key]?.keepsInput && olds[key]) ?? outputs[key]])
            .filter(([, value]) => value !== null),
    ) as Props;
    const defaults = filledIn(olds)?.filter((key) => isDeepStrictEqual(inputs[key], olds[key]));
    return defaults === undefined || defaults.length === 0
        ? inputs
        : { ...inputs, [DEFAULTS]: defaults };
}
