import fc from "fast-check";
import type { Faults } from "../../local/dms/task/faults";
import type { Outage } from "./server";
import type { Operation } from "./session";

/** Something that happens to the pipeline, or somebody who reads the source. */
export type Event =
    | { readonly kind: "kill" | "stop" }
    /** With the commit of this number from now on, which may be in the middle of a source transaction. */
    | { readonly kind: "die after commit"; readonly commits: number }
    | { readonly kind: "source" | "target"; readonly outage: Outage }
    | { readonly kind: "faults"; readonly faults: Partial<Faults> }
    | { readonly kind: "open reader" | "read" };

export type Step =
    { readonly session: number; readonly operation: Operation } | { readonly event: Event };

/** Keys per table: few, so that changes meet. */
const KEY_COUNT = 5;
export const SESSION_COUNT = 3;

const keys = fc.array(fc.nat(KEY_COUNT - 1), { minLength: 1, maxLength: 4 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
    {
        weight: 8,
        arbitrary: fc.record({
            kind: fc.constantFrom(
                ...(["insert", "copy", "upsert", "update", "touch", "delete", "reinsert"] as const),
            ),
            keys,
            table: fc.nat(2),
            version: fc.nat(5),
        }),
    },
    {
        weight: 4,
        arbitrary: fc.constantFrom<Operation>(
            { kind: "commit" },
            { kind: "commit" },
            { kind: "commit" },
            { kind: "rollback" },
            { kind: "savepoint" },
            { kind: "rollback to" },
        ),
    },
);

const work: fc.Arbitrary<Step> = fc.record({ session: fc.nat(SESSION_COUNT - 1), operation });

/** What may change while a task runs. The form of positions may not: no service changes it on the way. */
const shiftingFaults: fc.Arbitrary<Partial<Faults>> = fc.record(
    {
        deleteImage: fc.constantFrom("keep", "null"),
        lobTwoStep: fc.boolean(),
        replayAfterResume: fc.constantFrom(0, 3, 20),
        sessionReplicationRole: fc.constant("replica"),
    },
    { requiredKeys: [] },
);

const lastingFaults: fc.Arbitrary<Partial<Faults>> = fc.record({
    streamPosition: fc.constantFrom("change", "change-and-commit", "commit"),
    restartChangeSeq: fc.boolean(),
    // An exact history needs an exact baseline.
    loadOverlap: fc.constant(false),
});

const event: fc.Arbitrary<Event> = fc.oneof(
    fc.constantFrom<Event>(
        { kind: "kill" },
        { kind: "stop" },
        { kind: "open reader" },
        { kind: "read" },
    ),
    fc.record({ kind: fc.constant("die after commit"), commits: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
        kind: fc.constantFrom("source", "target"),
        outage: fc.constantFrom<Outage>("fast", "immediate", "SIGKILL"),
    }),
    fc.record({ kind: fc.constant("faults"), faults: shiftingFaults }),
);

/**
 * Source transactions in parts. Their changes have positions of their own: where all have the commit's, a stop between two
 * parts hides a change that leaves its row as an earlier one did, as docs/guarantees.md says.
 */
export const parts: fc.Arbitrary<Partial<Faults>> = fc.record({
    splitTransactions: fc.integer({ min: 1, max: 3 }),
    streamPosition: fc.constantFrom("change", "change-and-commit"),
});

export interface Schedule {
    readonly lasting: Partial<Faults>;
    /** Before the task starts. */
    readonly early: readonly Step[];
    /** While it loads. */
    readonly loading: readonly Step[];
    /** While it runs. */
    readonly late: readonly Step[];
}

/** @param more faults that hold for the whole run beside the usual ones */
export function schedules(
    more: fc.Arbitrary<Partial<Faults>> = fc.constant({}),
): fc.Arbitrary<Schedule> {
    return fc.record({
        lasting: fc.tuple(lastingFaults, more).map(([usual, own]) => ({ ...usual, ...own })),
        early: fc.array(work, { maxLength: 12 }),
        loading: fc.array(work, { maxLength: 12 }),
        late: fc.array(
            fc.oneof(
                { weight: 9, arbitrary: work },
                { weight: 1, arbitrary: fc.record({ event }) },
            ),
            { minLength: 5, maxLength: 60, size: "max" },
        ),
    });
}
