/** Numbers from 0 up to 1, the same for the same seed (mulberry32), so that every variant gets the same work. */
export function randomSource(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** One change of the workload that all benchmarks share. */
export type Change =
    | { readonly kind: "update"; readonly id: number }
    | { readonly kind: "insert"; readonly id: number }
    | { readonly kind: "delete"; readonly id: number };

/**
 * Update 70 %, insert 20 %, delete 10 %: updates of any of the rows 1 to `keys`, inserts from `firstNew` on, deletes of
 * the own oldest inserted row, so that none misses.
 */
export class Workload {
    private next: number;
    private oldest: number;

    constructor(
        private readonly random: () => number,
        private readonly keys: number,
        firstNew: number,
    ) {
        this.next = firstNew;
        this.oldest = firstNew;
    }

    change(): Change {
        const dice = this.random();
        if (dice < 0.7) {
            return { kind: "update", id: 1 + Math.floor(this.random() * this.keys) };
        }
        if (dice >= 0.9 && this.oldest < this.next) {
            this.oldest += 1;
            return { kind: "delete", id: this.oldest - 1 };
        }
        this.next += 1;
        return { kind: "insert", id: this.next - 1 };
    }
}
