import type { Slot } from "./slotChecks";

/** How every sentence about a marker begins that has not come. */
export const LATE = "A marker that the source committed has not reached the audit side";

/** A transaction in which DMS writes, and which statement of it runs or ran last. */
export interface ApplyStep {
    readonly transaction: string;
    readonly statement: string;
}

/** What can be seen of the task at one time. */
interface TaskLook {
    /** In milliseconds. */
    readonly at: number;
    /** The task's slots. */
    readonly slots: readonly Slot[];
    readonly applying: readonly ApplyStep[];
}

/** How far the task is, for a person. */
export function lagOf(slots: readonly Slot[]): string {
    return slots.length === 0
        ? "the source has no slot of it"
        : slots
              .map(({ slot_name, lag_bytes }) => `${slot_name} is ${lag_bytes ?? "?"} bytes behind`)
              .join("; ");
}

/**
 * Decides how long a marker is waited for: as long as the task gets on towards it. It gets on when its slot was read further,
 * or when a transaction on the audit side has come to its next statement: the slot of a large transaction is confirmed only
 * at its end. Once the slot is past the marker, nothing more counts: a task that goes on without a marker will not bring it.
 */
export class MarkerWait {
    private lastMove: number;
    private before: TaskLook | undefined;
    /** Where the source's WAL ended at the first look: the marker is before it. */
    private goal: bigint | undefined;

    constructor(
        private readonly timeoutMs: number,
        startedAt: number,
        /** How many groups of tables there are, each with a slot of its own. */
        private readonly groups = 1,
    ) {
        this.lastMove = startedAt;
    }

    /** @returns one sentence once the task has stood still for the time; undefined while it is worth waiting. */
    look(now: TaskLook): string | undefined {
        this.goal ??= positionOf(now.slots[0]?.wal_end ?? null);
        if (this.before !== undefined && !this.isPast(now) && this.getsOn(this.before, now)) {
            this.lastMove = now.at;
        }
        this.before = now;
        const seconds = Math.floor((now.at - this.lastMove) / 1000);
        if (now.at - this.lastMove < this.timeoutMs) {
            return undefined;
        }
        const { length } = now.slots;
        const isMissing = length > 0 && length < this.groups;
        const few = `the source has ${length} of the slots of ${this.groups} groups`;
        const lag = isMissing ? `${lagOf(now.slots)}; ${few}` : lagOf(now.slots);
        if (!this.isPast(now)) {
            return `${LATE}, and the task has stood still for ${seconds} seconds (${lag}): see whether the task runs and what it waits for, then run this again.`;
        }
        return isMissing
            ? `${LATE}, because the slot of this group's task is gone: ${few}, and those are past the marker (${lagOf(now.slots)}); see what the task's log says, start the task anew, and reload its tables.`
            : `${LATE} although the task has confirmed what comes after it (${lag}): the marker was lost, or the task holds it back; "npm run logs -- task" or the task's log may say why.`;
    }

    private isPast({ slots }: TaskLook): boolean {
        const { goal } = this;
        return (
            goal !== undefined &&
            slots.length > 0 &&
            slots.every(({ confirmed }) => (positionOf(confirmed) ?? 0n) >= goal)
        );
    }

    private getsOn(before: TaskLook, now: TaskLook): boolean {
        const positions = new Map(before.slots.map((slot) => [slot.slot_name, slot]));
        const statements = new Map(
            before.applying.map(({ transaction, statement }) => [transaction, statement]),
        );
        return (
            now.slots.some((slot) => {
                const earlier = positions.get(slot.slot_name);
                return (
                    earlier !== undefined &&
                    (this.isNearer(earlier.confirmed, slot.confirmed) ||
                        this.isNearer(earlier.sent, slot.sent))
                );
            }) ||
            now.applying.some(({ transaction, statement }) => {
                const earlier = statements.get(transaction);
                return earlier !== undefined && earlier !== statement;
            })
        );
    }

    /** Whether a position has moved that had not come to the marker before. */
    private isNearer(before: string | null, now: string | null): boolean {
        const [from, to] = [positionOf(before), positionOf(now)];
        return (
            from !== undefined &&
            to !== undefined &&
            to > from &&
            (this.goal === undefined || from < this.goal)
        );
    }
}

function positionOf(bytes: string | null): bigint | undefined {
    return bytes === null ? undefined : BigInt(bytes);
}
