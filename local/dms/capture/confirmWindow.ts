import type { ChangeSequence } from "../task/checkpoint";

/** A transaction that is on the target. */
export interface Applied {
    readonly endLsn: bigint;
    readonly count: number;
    readonly sequence: ChangeSequence;
}

/** Applied transactions that a resume shall bring again. */
export class ConfirmWindow {
    private readonly held: Applied[] = [];
    private changes = 0;

    get isEmpty(): boolean {
        return this.held.length === 0;
    }

    push(applied: Applied): void {
        this.held.push(applied);
        this.changes += applied.count;
    }

    /** Lets go of all but the last transactions with together at least `keep` changes; returns the last let go. */
    release(keep: number): Applied | undefined {
        let released: Applied | undefined;
        for (let [oldest] = this.held; oldest !== undefined; [oldest] = this.held) {
            if (keep > 0 && this.changes - oldest.count < keep) {
                break;
            }
            released = oldest;
            this.held.shift();
            this.changes -= oldest.count;
        }
        return released;
    }
}
