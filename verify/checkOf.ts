import { LockedError } from "./locks";
import { type Check, VERIFICATION } from "./report";

/** A check that holds when nothing speaks against it. */
export function checkOf(name: string, findings: readonly string[], fine: string): Check {
    return findings.length === 0
        ? { name, ok: true, detail: fine }
        : { name, ok: false, detail: findings.join("; "), findings };
}

/**
 * A check that another session can keep from being made by a lock: it then says so, and the other checks are made all the same.
 *
 * @param name what the check is called, for the sentence
 */
export async function unlessLocked(name: string, make: () => Promise<Check>): Promise<Check> {
    try {
        return await make();
    } catch (error) {
        if (error instanceof LockedError) {
            return checkOf(VERIFICATION, [`${name}: ${error.message}`], "");
        }
        throw error;
    }
}
