import type { ReplacementGuard } from "../../../components/replacementGuard";

/** A guard that lets everything pass, for what is not about it. */
export const UNGUARDED: Pick<ReplacementGuard, "optionsFor" | "lastingOptionsFor"> = {
    optionsFor: () => ({ protect: false, hooks: {} }),
    lastingOptionsFor: () => ({ protect: false, hooks: {} }),
};
