import type { Values } from "../../../policy/engine/values";
import type { outcome } from "../support/judge";

/** A verdict in one word. */
export type Outcome = ReturnType<typeof outcome>;

/** How one rule must judge a good resource with some inputs changed; undefined removes an input. */
export interface ResourceCases {
    readonly rule: string;
    readonly type: string;
    /** The inputs to start from; without them, those of the good stack's first resource of the type. */
    readonly base?: Values;
    readonly pass: readonly Values[];
    /** Where test/policy/support/brokenSettings.ts has none for the rule, the program is broken with the first one. */
    readonly fail: readonly Values[];
    readonly absent: readonly (readonly [Values, Outcome])[];
    readonly unknown: readonly (readonly [Values, Outcome])[];
    readonly wrongType: readonly Values[];
}
