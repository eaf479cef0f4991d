import type { Client } from "pg";
import { Applier } from "./apply/applier";
import { applyTableByTable } from "./apply/cachedChanges";
import type { ApplyCounts } from "./apply/conflicts";
import { ControlTables } from "./apply/controlTables";
import { commitTimestamp } from "./apply/headerValues";
import { Tables } from "./apply/taskTables";
import { ConfirmWindow } from "./capture/confirmWindow";
import { requireSlot } from "./capture/slot";
import { ReplicationStream } from "./capture/stream";
import { TransactionQueue } from "./capture/transactionQueue";
import { type Transaction, TransactionAssembler } from "./capture/transactions";
import { clientConfig, disconnect } from "./connection";
import { type GroupOptions, groupOptions, type TaskContext, valueRules } from "./context";
import { connectSource, connectTarget } from "./endpoints";
import { initialise } from "./load/initialise";
import { formatLsn, formatLsns, parseLsn, parseLsns } from "./lsn";
import { Monitor } from "./monitor";
import { ReloadRequested } from "./signals";
import { type Checkpoint, writeCheckpoint } from "./task/checkpoint";
import type { Faults } from "./task/faults";
import type { TaskStatus } from "./task/status";

/** A transaction larger than this is spilled, whatever MemoryLimitTotal allows. */
const SPILL_BYTES = 16 << 20;
const QUEUE_BYTES = 32 << 20;
const IDLE_INTERVAL_MS = 200;

/** One connected life of the task: ends by an error, by StopRequested or by ReloadRequested. */
export class Session {
    private readonly window = new ConfirmWindow();
    private readonly control: ControlTables;
    private readonly cleanups: (() => Promise<void> | void)[] = [];
    private stream: ReplicationStream | undefined;
    private seen = 0n;
    private isApplying = false;
    /** Whether this life has brought anything to the target. */
    hasCommitted = false;

    constructor(private readonly context: TaskContext) {
        const { task } = context;
        this.control = new ControlTables(task.identifier, task.settings.ControlTablesSettings);
    }

    /** Runs until something breaks; a full-load task resolves when it is loaded. */
    async run(): Promise<void> {
        try {
            await this.runConnected();
        } finally {
            for (const cleanup of this.cleanups.reverse()) {
                await cleanup();
            }
        }
    }

    private async runConnected(): Promise<void> {
        const { task, signal, log, status } = this.context;
        const queue = new TransactionQueue(
            QUEUE_BYTES,
            () => this.stream?.pause(),
            () => this.stream?.resume(),
        );
        const onAbort = (): void => {
            queue.stop();
        };
        signal.addEventListener("abort", onAbort);
        this.cleanups.push(() => {
            signal.removeEventListener("abort", onAbort);
            queue.stop();
        });
        const lost = (error: Error): void => {
            queue.fail(error);
        };
        const target = await this.connected(connectTarget(this.context, lost));
        const source = await this.connected(connectSource(this.context, lost));
        await this.control.create(target);
        const tables = new Tables(task, source, target, log);
        const checkpoint = await initialise({
            ...this.context,
            source,
            target,
            tables,
            rules: valueRules(this.context),
        });
        this.context.checkpoint = checkpoint;
        if (task.migrationType === "full-load") {
            return;
        }
        await requireSlot(source, checkpoint.slot);
        const assembler = new TransactionAssembler(
            (table) => tables.isSelected(table),
            this.context.files.spool,
            Math.min(SPILL_BYTES, task.settings.ChangeProcessingTuning.MemoryLimitTotal << 20),
        );
        this.cleanups.push(() => {
            assembler.dispose();
        });
        const stream = await ReplicationStream.open(
            clientConfig(task.source, task.identifier),
            checkpoint.slot,
            parseLsn(checkpoint.position),
            {
                onMessage: (lsn, text) => {
                    const taken = assembler.take(lsn, text);
                    if (taken === "empty") {
                        this.seen = lsn;
                    } else if (taken !== undefined) {
                        queue.push(taken);
                    }
                },
                onKeepalive: (lsn) => {
                    this.seen = lsn > this.seen ? lsn : this.seen;
                    queue.poke();
                },
                onLost: lost,
            },
        );
        this.stream = stream;
        this.cleanups.push(async () => {
            await stream.close();
        });
        const applier = new Applier(
            task,
            target,
            tables,
            this.control,
            log,
            signal,
            checkpoint.changeSequence,
            new Set(checkpoint.suspended),
            parseLsns(checkpoint.tables),
            parseLsns(checkpoint.overlaps),
            countsOf(status.current),
        );
        const idle = setInterval(() => {
            if (this.context.reload.pending().length > 0) {
                queue.fail(new ReloadRequested());
            }
            this.confirmIdle(queue, stream, applier);
        }, IDLE_INTERVAL_MS);
        this.cleanups.push(() => {
            clearInterval(idle);
        });
        log("I", "TASK_MANAGER", `Ongoing replication from ${checkpoint.position}.`);
        await this.applyCached(queue, applier, stream);
        status.enter("running");
        const monitor = await Monitor.start(this.context, this.control, queue, source);
        this.cleanups.push(() => monitor.stop());
        await this.applyLoop(queue, applier, stream);
    }

    private async applyCached(
        queue: TransactionQueue,
        applier: Applier,
        stream: ReplicationStream,
    ): Promise<void> {
        if (applier.overlaps.size === 0) {
            return;
        }
        this.isApplying = true;
        const end = [...applier.overlaps.values()].reduce((last, lsn) => (lsn > last ? lsn : last));
        const cached = await queue.upTo(end, () => this.seen);
        const options = groupOptions(this.context);
        await applyTableByTable(cached, applier, options);
        this.isApplying = false;
        for (const transaction of cached) {
            transaction.dispose();
            this.finish(transaction, applier);
        }
        const last = cached.at(-1);
        if (last !== undefined) {
            this.confirmGroup(last, stream, applier, options.faults);
        }
    }

    private async applyLoop(
        queue: TransactionQueue,
        applier: Applier,
        stream: ReplicationStream,
    ): Promise<never> {
        const tuning = this.context.task.settings.ChangeProcessingTuning;
        for (;;) {
            const first = await queue.next();
            this.isApplying = true;
            const options = groupOptions(this.context);
            const deadline = Date.now() + tuning.CommitTimeout * 1000;
            let changes = 0;
            let last = first;
            for (let next: Transaction | undefined = first; next !== undefined;) {
                last = next;
                await this.applyOne(last, applier, options);
                changes += last.count;
                // A quiet stream commits at once, so that the target is close behind.
                const isOpen = changes < tuning.MinTransactionSize && Date.now() < deadline;
                next = isOpen ? queue.take() : undefined;
            }
            await applier.commit(options);
            this.isApplying = false;
            this.confirmGroup(last, stream, applier, options.faults);
        }
    }

    private async connected(connecting: Promise<Client>): Promise<Client> {
        const client = await connecting;
        this.cleanups.push(() => disconnect(client));
        return client;
    }

    private async applyOne(
        transaction: Transaction,
        applier: Applier,
        options: GroupOptions,
    ): Promise<void> {
        try {
            await applier.apply(transaction, options);
        } finally {
            transaction.dispose();
        }
        this.finish(transaction, applier);
    }

    private finish(transaction: Transaction, applier: Applier): void {
        const { endLsn, count } = transaction;
        this.window.push({ endLsn, count, sequence: applier.sequence });
        this.countTransaction(transaction);
    }

    private confirmGroup(
        last: Transaction,
        stream: ReplicationStream,
        applier: Applier,
        faults: Faults,
    ): void {
        this.hasCommitted = true;
        const timestamp = commitTimestamp(last.commitTimestamp);
        this.context.status.update({
            appliedTimestamp: timestamp,
            lagMs: Date.now() - Date.parse(`${timestamp.replace(" ", "T")}Z`),
            ...applier.counts,
        });
        const released = this.window.release(faults.replayAfterResume);
        if (released !== undefined) {
            this.remember(released.endLsn, released.sequence, applier);
            stream.confirm(released.endLsn);
        }
    }

    /** With nothing left to apply, the slot may forget what other tables wrote. */
    private confirmIdle(
        queue: TransactionQueue,
        stream: ReplicationStream,
        applier: Applier,
    ): void {
        const position = parseLsn(this.context.checkpoint?.position ?? "0/0");
        if (queue.isDrained && !this.isApplying && this.window.isEmpty && this.seen > position) {
            this.remember(this.seen, applier.sequence, applier);
            stream.confirm(this.seen);
        }
    }

    private remember(lsn: bigint, sequence: Checkpoint["changeSequence"], applier: Applier): void {
        const { checkpoint, files, status } = this.context;
        if (checkpoint !== undefined) {
            const suspended = [...applier.suspended];
            this.context.checkpoint = {
                ...checkpoint,
                position: formatLsn(lsn),
                changeSequence: sequence,
                suspended,
                overlaps: formatLsns([...applier.overlaps].filter(([, end]) => end > lsn)),
                tables: formatLsns(applier.starts),
            };
            writeCheckpoint(files.checkpoint, this.context.checkpoint);
            status.update({ position: formatLsn(lsn), suspendedTables: suspended });
        }
    }

    private countTransaction(transaction: Transaction): void {
        const { transactions, spilledTransactions } = this.context.status.current;
        this.context.status.update({
            transactions: transactions + 1,
            spilledTransactions: spilledTransactions + (transaction.isSpilled ? 1 : 0),
        });
    }
}

function countsOf({ applied, dropped, conflicts }: TaskStatus): ApplyCounts {
    return { applied, dropped, conflicts };
}
