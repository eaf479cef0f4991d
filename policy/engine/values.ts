/**
 * A value that a preview cannot know yet. The SDK throws when a rule touches such a value, and then reports the whole
 * rule as advisory; holding the error instead lets a rule judge everything that is known first.
 */
export class Unknown {
    constructor(readonly error: unknown) {}
}

/** A plain object of values whose types nobody has checked yet. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * Reads one value and everything in it as plain data.
 * @returns undefined for an absent value (null counts as absent), an {@link Unknown} in place of each unknown one.
 */
export function readValue(get: () => unknown): unknown {
    let value: unknown;
    try {
        value = get();
    } catch (error) {
        return new Unknown(error);
    }
    if (value === null || value === undefined) {
        return undefined;
    }
    if (Array.isArray(value)) {
        const list: readonly unknown[] = value;
        return Array.from({ length: list.length }, (_, index) => readValue(() => list[index]));
    }
    if (isValues(value)) {
        const object = value;
        return Object.fromEntries(
            Object.keys(object).map((key) => [key, readValue(() => object[key])]),
        );
    }
    return value;
}

/** True of an object that is neither a list nor unknown. */
export function isValues(value: unknown): value is Values {
    return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        !(value instanceof Unknown)
    );
}

/** True of a string with at least one character that is not a blank. */
export function isText(value: unknown): value is string {
    return typeof value === "string" && value.trim() !== "";
}

/** True of a name as a database has it, quoted: any text that is not empty, blanks included. */
export function isName(value: unknown): value is string {
    return typeof value === "string" && value !== "";
}

/** The items of a list; of anything else, none. */
export function items(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** How a message shows a value that is not a secret. */
export function shown(value: unknown): string {
    return value === undefined ? "absent" : JSON.stringify(value);
}
