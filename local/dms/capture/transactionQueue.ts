import { StopRequested } from "../signals";
import type { Transaction } from "./transactions";

/** Complete transactions on their way to the target; tells the source to wait when too much has piled up. */
export class TransactionQueue {
    private readonly waiting: Transaction[] = [];
    private bytes = 0;
    private changes = 0;
    private failure: Error | undefined;
    private wake: (() => void) | undefined;
    private isFull = false;

    constructor(
        private readonly limitBytes: number,
        private readonly onFull: () => void,
        private readonly onDrained: () => void,
    ) {}

    /** Whether all that ever came was taken: a queue that has failed threw away what waited in it. */
    get isDrained(): boolean {
        return this.failure === undefined && this.waiting.length === 0;
    }

    get pendingChanges(): number {
        return this.changes;
    }

    push(transaction: Transaction): void {
        this.waiting.push(transaction);
        this.bytes += transaction.memoryBytes;
        this.changes += transaction.count;
        if (!this.isFull && this.bytes > this.limitBytes) {
            this.isFull = true;
            this.onFull();
        }
        this.wake?.();
    }

    /** The next transaction; rejects once the queue has failed. */
    async next(): Promise<Transaction> {
        for (;;) {
            const transaction = this.take();
            if (transaction !== undefined) {
                return transaction;
            }
            await this.news();
        }
    }

    /** The transactions up to a position, once the stream has come that far; rejects once the queue has failed. */
    async upTo(lsn: bigint, seen: () => bigint): Promise<Transaction[]> {
        const taken: Transaction[] = [];
        for (;;) {
            const [first] = this.waiting;
            if (first !== undefined && first.endLsn > lsn) {
                return taken;
            }
            const transaction = this.take();
            if (transaction !== undefined) {
                taken.push(transaction);
            } else if (this.failure === undefined && seen() >= lsn) {
                return taken;
            } else {
                await this.news();
            }
        }
    }

    /** Tells that the stream has come further, though with nothing to take. */
    poke(): void {
        this.wake?.();
    }

    private async news(): Promise<void> {
        if (this.failure !== undefined) {
            throw this.failure;
        }
        await new Promise<void>((resolve) => {
            this.wake = resolve;
        });
        this.wake = undefined;
    }

    /** The next transaction if it is already here. */
    take(): Transaction | undefined {
        const transaction = this.failure === undefined ? this.waiting.shift() : undefined;
        if (transaction !== undefined) {
            this.bytes -= transaction.memoryBytes;
            this.changes -= transaction.count;
            if (this.isFull && this.bytes <= this.limitBytes / 2) {
                this.isFull = false;
                this.onDrained();
            }
        }
        return transaction;
    }

    /** Ends the queue: what waits in it will come again from the slot. */
    fail(error: Error): void {
        this.failure ??= error;
        for (const transaction of this.waiting.splice(0)) {
            transaction.dispose();
        }
        this.wake?.();
    }

    stop(): void {
        this.fail(new StopRequested());
    }
}
