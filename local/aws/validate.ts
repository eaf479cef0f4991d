import { isIPv4, isIPv6 } from "node:net";
import { messageOf } from "../../text/errors";
import { type CheckFailure, type Props, UNKNOWN } from "../provider";
import type { TypeBehaviour } from "./behaviour";

/** Everything about the inputs that AWS, or the plugin before it, would refuse without looking at other resources. */
export function refusedInputs(behaviour: TypeBehaviour, inputs: Props): CheckFailure[] {
    const missing = (behaviour.required ?? [])
        .filter((name) => inputs[name] === undefined || inputs[name] === null)
        .map((property) => ({
            property,
            reason: `Missing required argument "${property}": give it.`,
        }));
    const unknownWords = Object.entries(behaviour.oneOf ?? {}).flatMap(([property, words]) => {
        const value = inputs[property];
        return typeof value !== "string" || value === UNKNOWN || words.includes(value)
            ? []
            : [{ property, reason: `Expected one of ${words.join(", ")}, got "${value}".` }];
    });
    const badCidrs = (behaviour.cidrs ?? []).flatMap((property) => {
        const value = inputs[property];
        const reason =
            typeof value === "string" && value !== UNKNOWN ? cidrProblem(value) : undefined;
        return reason === undefined ? [] : [{ property, reason }];
    });
    return [
        ...missing,
        ...unknownWords,
        ...badCidrs,
        ...badTexts(behaviour, inputs),
        ...badNumbers(behaviour, inputs),
        ...badTags(inputs.tags),
        ...(behaviour.check?.(inputs) ?? []),
    ];
}

function badTexts({ texts = {} }: TypeBehaviour, inputs: Props): CheckFailure[] {
    return Object.entries(texts)
        .filter(([property, { pattern }]) => {
            const value = inputs[property];
            return typeof value === "string" && value !== UNKNOWN && !pattern.test(value);
        })
        .map(([property, { reason }]) => ({ property, reason }));
}

function badNumbers({ ranges = {} }: TypeBehaviour, inputs: Props): CheckFailure[] {
    return Object.entries(ranges).flatMap(([property, [least, greatest]]) => {
        const value = inputs[property];
        return typeof value === "number" && !(least <= value && value <= greatest)
            ? [{ property, reason: `It is between ${least} and ${greatest}, not ${value}.` }]
            : [];
    });
}

/** Most of them can be had everywhere: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html. */
const MOST_TAGS = 50;

function badTags(tags: unknown): CheckFailure[] {
    if (typeof tags !== "object" || tags === null) {
        return [];
    }
    const wrong = Object.entries(tags).some(
        ([key, value]) =>
            !/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/iu.test(key) ||
            (typeof value === "string" &&
                value !== UNKNOWN &&
                !/^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u.test(value)),
    );
    return wrong || Object.keys(tags).length > MOST_TAGS
        ? [
              {
                  property: "tags",
                  reason: `There are at most ${MOST_TAGS}, with up to 128 characters in a key and 256 in a value: letters, digits, spaces and _.:/=+-@, and no key begins with aws:.`,
              },
          ]
        : [];
}

interface Ipv4Network {
    readonly first: number;
    readonly last: number;
}

/** Why a text is no network in CIDR notation, as one sentence, or undefined when it is one. */
export function cidrProblem(cidr: string): string | undefined {
    const [address = "", length = "", ...rest] = cidr.split("/");
    const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined;
    const prefix = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
    if (bits === undefined || rest.length > 0 || !(prefix <= bits)) {
        return `"${cidr}" is not a valid CIDR block: write it like 10.0.0.0/16.`;
    }
    if (bits === 32 && ipv4Number(address) % 2 ** (32 - prefix) !== 0) {
        return `"${cidr}" has bits set behind its prefix length: use the network's first address.`;
    }
    return undefined;
}

function ipv4Number(address: string): number {
    return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The addresses of a valid IPv4 network. */
function ipv4Network(cidr: string): Ipv4Network {
    const [address = "", length = ""] = cidr.split("/");
    const first = ipv4Number(address);
    return { first, last: first + 2 ** (32 - Number(length)) - 1 };
}

export function contains(outer: string, inner: string): boolean {
    const [a, b] = [ipv4Network(outer), ipv4Network(inner)];
    return a.first <= b.first && b.last <= a.last;
}

export function overlaps(one: string, other: string): boolean {
    const [a, b] = [ipv4Network(one), ipv4Network(other)];
    return a.first <= b.last && b.first <= a.last;
}

/** Why a text is no JSON object, as one sentence, or undefined. */
export function jsonProblem(value: unknown): string | undefined {
    if (value === UNKNOWN || value === undefined) {
        return undefined;
    }
    if (typeof value !== "string") {
        return "It is not JSON text.";
    }
    try {
        const parsed: unknown = JSON.parse(value);
        return typeof parsed === "object" && parsed !== null
            ? undefined
            : "It is not a JSON object.";
    } catch (error) {
        return `It is not valid JSON: ${messageOf(error)}.`;
    }
}

/** True when a value is given and known. */
export function isKnown(value: unknown): boolean {
    return value !== undefined && value !== null && value !== UNKNOWN;
}
