import { PlainError } from "../text/errors";

/** Why there is no way: it is not there now, or somebody or something forbids it. */
export type ReachCode = "EROUTE" | "EROUTEREFUSED";

/** The way to a database cannot be opened, or was cut; one sentence says what, where and how to mend it. */
export class ReachError extends PlainError {
    /** As in errors of Node.js, so that whoever has the error only as a value can tell it. */
    readonly code: ReachCode;

    constructor(message: string, code: ReachCode, options?: ErrorOptions) {
        super(message, options);
        this.code = code;
    }
}

/** Something on the way broke that may work with a new tunnel; never leaves this folder. */
export class CutError extends Error {}

/** What was cut twice in a row is not tried a third time. */
const ATTEMPTS = 2;

/**
 * Does what needs a tunnel; after a cut once more, with a new one.
 * @param where what the tunnel leads through, and where to
 */
export async function reconnecting<T>(where: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
        try {
            return await work();
        } catch (error) {
            if (!(error instanceof CutError)) {
                throw error;
            }
            if (attempt === ATTEMPTS) {
                throw new ReachError(
                    `The tunnel ${where} was cut twice (${error.message}); check the network between this machine and the host, and run the command again.`,
                    "EROUTE",
                    { cause: error },
                );
            }
        }
    }
}
