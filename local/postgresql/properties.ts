import { isDeepStrictEqual } from "node:util";
import { CheckFailure, hasUnknown, Props, UNKNOWN } from "../provider";

/** One input of a resource, with the real provider's rules for it. */
export interface Property {
    readonly kind: "text" | "flag" | "number" | "texts" | "records";
    readonly required?: boolean;
    /** What the provider fills in where the program says nothing. */
    readonly initial?: string | number | boolean;
    /** Set by the server where the program says nothing: then its value never counts as a difference. */
    readonly computed?: boolean;
    /** A change of it makes a new resource. */
    readonly replaces?: boolean;
    /** A set: the order of its items means nothing. */
    readonly unordered?: boolean;
    readonly oneOf?: readonly string[];
    readonly least?: number;
    /** Never compared and never kept in the outputs. */
    readonly writeOnly?: boolean;
    /** The inputs of each item of a "records" property. */
    readonly item?: Properties;
}

/** A resource's inputs by name. */
export type Properties = Readonly<Record<string, Property>>;

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

function isRecord(value: unknown): value is Props {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of nested inputs, empty where there is none. */
export function records(props: Props, key: string): Props[] {
    const value = props[key];
    return Array.isArray(value) ? value.filter(isRecord) : [];
}

const KINDS: Readonly<Record<Property["kind"], string>> = {
    text: "a string",
    flag: "true or false",
    number: "a whole number",
    texts: "a list of strings",
    records: "a list of objects",
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
        case "records":
            return (
                Array.isArray(value) && value.every((item) => item === UNKNOWN || isRecord(item))
            );
    }
}

function problem(property: Property, value: unknown): string | undefined {
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
 * Checks inputs against a resource's rules and fills in the defaults. Unknown values pass; an empty text is no text, as
 * in the real provider.
 */
export function checkProperties(
    properties: Properties,
    raw: Props,
    path = "",
): { inputs: Props; failures: CheckFailure[] } {
    const inputs: Props = {};
    const failures: CheckFailure[] = [];
    const fail = (key: string, rule: string) => {
        failures.push({ property: path + key, reason: `The input "${path}${key}" ${rule}.` });
    };
    for (const key of Object.keys(raw)) {
        if (!(key in properties) && !key.startsWith("__")) {
            fail(key, `does not exist here; there is ${Object.keys(properties).join(", ")}`);
        }
    }
    for (const [key, property] of Object.entries(properties)) {
        const value = raw[key];
        if (value === undefined || value === null || value === "") {
            if (property.initial !== undefined) {
                inputs[key] = property.initial;
            } else if (property.required === true) {
                fail(key, "is required and must not be empty");
            }
            continue;
        }
        inputs[key] = value;
        if (value === UNKNOWN) {
            continue;
        }
        const wrong = problem(property, value);
        if (wrong !== undefined) {
            fail(key, wrong);
        } else if (property.item !== undefined && Array.isArray(value)) {
            const { item } = property;
            inputs[key] = value.map((entry: unknown, index) => {
                if (!isRecord(entry)) {
                    return entry;
                }
                const nested = checkProperties(item, entry, `${path}${key}[${index}].`);
                failures.push(...nested.failures);
                return nested.inputs;
            });
        }
    }
    return { inputs, failures };
}

function comparable(property: Property, value: unknown): unknown {
    if (!Array.isArray(value)) {
        return value ?? undefined;
    }
    if (value.length === 0) {
        return undefined;
    }
    return property.unordered === true
        ? value.map((item: unknown) => JSON.stringify(item)).sort()
        : value;
}

/** The names of the inputs whose values differ. */
export function differences(properties: Properties, olds: Props, news: Props): string[] {
    return Object.entries(properties)
        .filter(([key, property]) => {
            if (property.writeOnly === true) {
                return false;
            }
            const after = comparable(property, news[key]);
            if (after === undefined && property.computed === true) {
                return false;
            }
            return hasUnknown(after) || !isDeepStrictEqual(comparable(property, olds[key]), after);
        })
        .map(([key]) => key);
}
