import type { Difference } from "./report";

/** Beyond these a table is beyond repair row by row, and looking for more only costs time. */
const ENOUGH = 10_000;

/** Collects a table's differences: all are counted, the first are kept. */
export class Differences {
    readonly listed: Difference[] = [];
    private total = 0;

    constructor(private readonly maxListed: number) {}

    get count(): number {
        return this.total;
    }

    /** Whether to stop looking. */
    get isEnough(): boolean {
        return this.total >= ENOUGH;
    }

    /** Whether the next one will be listed, so that its details are worth finding out. */
    get hasRoom(): boolean {
        return this.listed.length < this.maxListed;
    }

    add(difference: Difference): void {
        if (this.hasRoom) {
            this.listed.push(difference);
        }
        this.total += 1;
    }
}
