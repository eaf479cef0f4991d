import type { Check } from "./report";

/** A check that holds when nothing speaks against it. */
export function checkOf(name: string, findings: readonly string[], fine: string): Check {
    return findings.length === 0
        ? { name, ok: true, detail: fine }
        : { name, ok: false, detail: findings.join("; "), findings };
}
