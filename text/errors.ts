/** What is wrong, in words, from anything that was thrown. Node.js throws an error without words where all of several attempts failed. */
export function messageOf(thrown: unknown): string {
    if (thrown instanceof AggregateError && thrown.message === "") {
        return [...new Set(thrown.errors.map(messageOf))].join("; ");
    }
    return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The SQLSTATE or the system's error code of what was thrown; of several errors the first one's; "" where there is none. */
export function codeOf(thrown: unknown): string {
    const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (typeof code === "string") {
        return code;
    }
    return thrown instanceof AggregateError ? codeOf(thrown.errors[0]) : "";
}

/**
 * A failure in plain words: its message is all that a person has to read, what is wrong, where and how to mend it. Its kinds
 * are classes only where somebody does something else for them.
 */
export class PlainError extends Error {}
