import { nearest } from "../text/nearest";

/** What a key of type object holds. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object that a key's text is, or undefined where it is none. */
export function objectIn(text: string): JsonObject | undefined {
    try {
        const value: unknown = JSON.parse(text);
        return isObject(value) ? value : undefined;
    } catch {
        return undefined;
    }
}

/** What is wrong with one field of a key's object. */
export class FieldError extends Error {
    override readonly name = "FieldError";

    /**
     * @param message Completes "The config key x is y, but ...".
     * @param path The field, or a place in it, as `pulumi config set --path` names it below the key.
     * @param example A value that it could have.
     */
    constructor(
        message: string,
        private readonly verb: "set" | "rm",
        private readonly path: string,
        private readonly example?: string,
    ) {
        super(message);
    }

    /** The command that mends it, as the rest of a sentence. */
    mendOf(key: string): string {
        const place = this.path.startsWith("[") ? `${key}${this.path}` : `${key}.${this.path}`;
        const quoted = `'${place.replaceAll("'", "'\\''")}'`;
        const words = ["pulumi config", this.verb, `--path ${quoted}`, this.example];
        const what = this.verb === "set" ? "set it" : "remove it";
        return `${what} with "${words.filter((word) => word !== undefined).join(" ")}"`;
    }
}

/**
 * The fields of a key's object.
 * @param known The names that it may have.
 * @throws Error that completes "... but": it is not an object, or has another field. Names only, no values: one may be a secret.
 */
export function fieldsOf(text: string, known: readonly string[]): JsonObject {
    const fields = objectIn(text);
    if (fields === undefined) {
        throw new Error(`it must be an object with ${known.join(", ")}`);
    }
    refuseOthers(fields, known);
    return fields;
}

/** @throws FieldError when the object has a field that means nothing. */
function refuseOthers(fields: JsonObject, known: readonly string[]): void {
    const other = Object.keys(fields).find((name) => !known.includes(name));
    if (other !== undefined) {
        throw new FieldError(
            `its field ${JSON.stringify(other)} is unknown, the nearest known one is ${nearest(other, known) ?? ""}`,
            "rm",
            other,
        );
    }
}
