import type { Applier } from "./apply/applier";
import { commitTimestamp } from "./apply/headerValues";
import { ConfirmWindow } from "./capture/confirmWindow";
import type { ReplicationStream } from "./capture/stream";
import type { Transaction } from "./capture/transactions";
import type { TaskContext } from "./context";
import { formatLsn, formatLsns, parseLsn } from "./lsn";
import { type Checkpoint, writeCheckpoint } from "./task/checkpoint";
import type { Faults } from "./task/faults";

/** Tells the checkpoint, the status and the slot how far the target has come. */
export class Confirmation {
    private readonly window = new ConfirmWindow();
    /** Whether this life has brought anything to the target. */
    hasCommitted = false;

    constructor(
        private readonly context: TaskContext,
        private readonly stream: ReplicationStream,
        private readonly applier: Applier,
    ) {}

    /** A transaction's changes are applied; they are confirmed with their group. */
    finish({ endLsn, count, isSpilled }: Transaction): void {
        this.window.push({ endLsn, count, sequence: this.applier.sequence });
        const { transactions, spilledTransactions } = this.context.status.current;
        this.context.status.update({
            transactions: transactions + 1,
            spilledTransactions: spilledTransactions + (isSpilled ? 1 : 0),
        });
    }

    /** The target has committed everything up to a transaction. */
    confirmGroup(last: Transaction, faults: Faults): void {
        this.hasCommitted = true;
        const timestamp = commitTimestamp(last.commitTimestamp);
        this.context.status.update({
            appliedTimestamp: timestamp,
            lagMs: Date.now() - Date.parse(`${timestamp.replace(" ", "T")}Z`),
            ...this.applier.counts,
        });
        const released = this.window.release(faults.replayAfterResume);
        if (released !== undefined) {
            this.confirm(released.endLsn, released.sequence);
        }
    }

    /** With nothing left to apply, the slot may forget what other tables wrote. */
    confirmIdle(seen: bigint): void {
        const position = parseLsn(this.context.checkpoint?.position ?? "0/0");
        if (this.window.isEmpty && seen > position) {
            this.confirm(seen, this.applier.sequence);
        }
    }

    /** The checkpoint is written first: the slot cannot give again what it has forgotten. */
    private confirm(lsn: bigint, sequence: Checkpoint["changeSequence"]): void {
        const { checkpoint, files, status } = this.context;
        if (checkpoint !== undefined) {
            const suspended = [...this.applier.suspended];
            this.context.checkpoint = {
                ...checkpoint,
                position: formatLsn(lsn),
                changeSequence: sequence,
                suspended,
                overlaps: formatLsns([...this.applier.overlaps].filter(([, end]) => end > lsn)),
                tables: formatLsns(this.applier.starts),
            };
            writeCheckpoint(files.checkpoint, this.context.checkpoint);
            status.update({ position: formatLsn(lsn), suspendedTables: suspended });
        }
        this.stream.confirm(lsn);
    }
}
