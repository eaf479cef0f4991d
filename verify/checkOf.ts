import { LockedError, lockedSentence } from "./locks";
import { type Check, VERIFICATION } from "./report";

/** A check that holds when nothing speaks against it. */
export function checkOf(name: string, findings: readonly string[], fine: string): Check {
    return findings.length === 0
        ? { name, ok: true, detail: fine }
        : { name, ok: false, detail: findings.join("; "), findings };
}

/** What a check is called, and how it is made: undefined where it says nothing for itself. */
export type WantedCheck = readonly [name: string, make: () => Promise<Check | undefined>];

/**
 * Makes checks, one after the other, because they share the two sessions. Where somebody has locked what some of them read, the others
 * are made all the same; for each who has, the last check names those that were not made.
 */
export async function makeChecks(wanted: readonly WantedCheck[]): Promise<Check[]> {
    const checks: Check[] = [];
    const halfMade: string[] = [];
    const unmade = new Map<string, { readonly error: LockedError; readonly names: string[] }>();
    for (const [name, make] of wanted) {
        try {
            const check = await make();
            if (check?.name === VERIFICATION && !check.ok) {
                halfMade.push(...(check.findings ?? [check.detail]));
            } else if (check !== undefined) {
                checks.push(check);
            }
        } catch (error) {
            if (!(error instanceof LockedError)) {
                throw error;
            }
            const { database, locks } = error;
            const lock = lockedSentence(database, locks, "they");
            const others = unmade.get(lock)?.names ?? [];
            unmade.set(lock, { error, names: [...others, name] });
        }
    }
    const sentences = [...unmade].map(([lock, { error, names }]) =>
        names.length === 1 ? `${names.join()}: ${error.message}` : `${names.join(", ")}: ${lock}`,
    );
    const findings = [...sentences, ...halfMade];
    return findings.length === 0 ? checks : [...checks, checkOf(VERIFICATION, findings, "")];
}
