import { isName, isText, isValues, Unknown } from "../engine/values";

/** What one input of a resource may be. */
export interface InputKind {
    /** True of a safe value that is there; values may hold unknown ones. */
    readonly safe: (value: unknown) => boolean;
    /** The safe values in words, as they follow "set". */
    readonly words: string;
    /** Whether the default is not safe, or there is none. */
    readonly required: boolean;
    /** Whether a value that is not known yet leaves the question open: the kind looks at more than the type. */
    readonly decides: boolean;
    /** Set where a rule of its own judges the input. */
    readonly rule?: string;
}

/** The inputs of one type by name; an input that is not among them has to be off. */
export type InputTable = Readonly<Record<string, InputKind>>;

const kind = (
    safe: InputKind["safe"],
    words: string,
    more: Partial<InputKind> = {},
): InputKind => ({ safe, words, required: false, decides: false, ...more });

const isUnknown = (value: unknown): boolean => value instanceof Unknown;

/** Any text that is not empty. */
export const text = kind(isText, "a text");
/** What a user has named in a database. */
export const databaseName = kind(isName, "a name");
/** Any text; the empty one means none. */
export const anyText = kind((value) => typeof value === "string", "a text");
export const flag = kind((value) => typeof value === "boolean", "true or false");
export const texts = kind(
    (value) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.every((item) => isUnknown(item) || isText(item)),
    "a list of texts",
);
export const tags = kind(
    (value) =>
        isValues(value) &&
        Object.values(value).every((item) => isUnknown(item) || typeof item === "string"),
    "an object of texts",
);

/** The empty list, given explicitly. */
export const none = kind((value) => Array.isArray(value) && value.length === 0, "[]", {
    required: true,
    decides: true,
});

/** One position of a switch. */
export const only = (value: boolean): InputKind =>
    kind((given) => given === value, String(value), { decides: true });

export const number = (least: number, most: number): InputKind =>
    kind(
        (value) =>
            typeof value === "number" && Number.isInteger(value) && value >= least && value <= most,
        `a whole number from ${least} to ${most}`,
        { decides: true },
    );

/** How far a serverless cluster shrinks and grows, in capacity units. */
export const scaling = (least: number, most: number): InputKind => {
    const isUnits = (value: unknown): boolean =>
        isUnknown(value) ||
        (typeof value === "number" &&
            value >= least &&
            value <= most &&
            Number.isInteger(value * 2));
    return kind(
        (value) =>
            isValues(value) &&
            Object.keys(value).every((name) => ["minCapacity", "maxCapacity"].includes(name)) &&
            isUnits(value.minCapacity) &&
            isUnits(value.maxCapacity),
        `minCapacity and maxCapacity, each from ${least} to ${most} in steps of 0.5`,
        { decides: true },
    );
};

export const oneOf = (...words: readonly string[]): InputKind =>
    kind(
        (value) => typeof value === "string" && words.includes(value),
        words.map((word) => JSON.stringify(word)).join(" or "),
        { decides: true },
    );

export const oneOfNumbers = (...numbers: readonly number[]): InputKind =>
    kind((value) => typeof value === "number" && numbers.includes(value), numbers.join(" or "), {
        decides: true,
    });

export const matching = (pattern: RegExp, words: string): InputKind =>
    kind((value) => typeof value === "string" && pattern.test(value), words, { decides: true });

/** An input that a rule of its own judges, its absence too. */
export const judged = (rule: string): InputKind => kind(() => true, "see the rule", { rule });

/** The same kind of input where the program has to give it. */
export const must = (of: InputKind): InputKind => ({ ...of, required: true });
