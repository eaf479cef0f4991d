import type { Values } from "../../../policy/engine/values";
import type { outcome } from "../support/judge";

/** A verdict in one word. */
export type Outcome = ReturnType<typeof outcome>;

/** How one rule must judge a good resource with some inputs changed; undefined removes an input. */
export interface ResourceCases {
    readonly rule: string;
    readonly type: string;
    /** The inputs to start from, where the good stack has no resource of the type. */
    readonly base?: Values;
    readonly pass: readonly Values[];
    readonly fail: readonly Values[];
    readonly absent: readonly (readonly [Values, Outcome])[];
    readonly unknown: readonly (readonly [Values, Outcome])[];
    readonly wrongType: readonly Values[];
}
