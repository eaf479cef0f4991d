import { TaskError } from "../errors";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses JSON text; the error names `where` but never quotes the text. */
export function parseJson(text: string, where: string): unknown {
    try {
        return JSON.parse(text);
    } catch (cause) {
        throw new TaskError(`${where} is not valid JSON.`, { cause });
    }
}

/** Parses JSON text that must be an object; the error names `where` but never quotes the text. */
export function parseObject(text: string, where: string): JsonObject {
    return asObject(parseJson(text, where), where);
}

/** Whether an error of the functions above may come from a file that is half written. */
export function isUnfinishedJson(error: unknown): boolean {
    return error instanceof TaskError && error.cause instanceof SyntaxError;
}

export function asObject(value: unknown, where: string): JsonObject {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new TaskError(`${where} must be a JSON object.`);
    }
    return value as JsonObject;
}

export function asArray(value: unknown, where: string): readonly unknown[] {
    if (!Array.isArray(value)) {
        throw new TaskError(`${where} must be a JSON array.`);
    }
    return value;
}

export function textAt(object: JsonObject, key: string, where: string): string {
    const value = object[key];
    if (typeof value !== "string" || value === "") {
        throw new TaskError(`${where}: "${key}" must be a text that is not empty.`);
    }
    return value;
}

export function optionalTextAt(object: JsonObject, key: string, where: string): string | undefined {
    return object[key] === undefined || object[key] === null
        ? undefined
        : textAt(object, key, where);
}

export function refuseUnknownKeys(
    object: JsonObject,
    known: readonly string[],
    where: string,
): void {
    const unknown = Object.keys(object).find((key) => !known.includes(key));
    if (unknown !== undefined) {
        throw new TaskError(
            `${where}: "${unknown}" is not a documented key; known are ${known.join(", ")}.`,
        );
    }
}
