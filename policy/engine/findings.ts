import { Unknown } from "./values";

/** What a rule found out about a resource or a stack: violations, and questions that a preview cannot answer. */
export class Findings {
    private violated = false;
    private unanswered: Unknown | undefined;

    constructor(private readonly report: (message: string, urn?: string) => void) {}

    /**
     * Reports a violation.
     * @param message one sentence: what is wrong, where, and how to mend it; without any secret.
     */
    violation(message: string, urn?: string): void {
        this.violated = true;
        this.report(message, urn);
    }

    /** Reports a violation unless the value passes; an unknown value leaves the question open. */
    require(
        value: unknown,
        passes: (value: unknown) => boolean,
        message: string,
        urn?: string,
    ): void {
        if (value instanceof Unknown) {
            this.undecided(value);
        } else if (!passes(value)) {
            this.violation(message, urn);
        }
    }

    /** Remembers that a value which matters is not known yet. */
    undecided(value: Unknown): void {
        this.unanswered ??= value;
    }

    /**
     * Ends the examination. A question that stayed open is handed to the SDK, which says so in an advisory; beside a
     * violation it would only be noise.
     * @throws the SDK's error for the unknown value.
     */
    settle(): void {
        if (!this.violated && this.unanswered !== undefined) {
            throw this.unanswered.error;
        }
    }
}
