/** A reproducible source of random numbers (mulberry32). */
export class Random {
    constructor(private state: number) {}

    /** From 0 up to, not including, `end`. */
    below(end: number): number {
        this.state = (this.state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
    }

    of<T>(choices: readonly [T, ...T[]]): T {
        return choices[this.below(choices.length)] ?? choices[0];
    }
}
