import type { Client } from "pg";
import { Applier } from "./apply/applier";
import { applyTableByTable } from "./apply/cachedChanges";
import type { ApplyCounts } from "./apply/conflicts";
import { ControlTables } from "./apply/controlTables";
import { Tables } from "./apply/taskTables";
import { requireSlot } from "./capture/slot";
import { ReplicationStream } from "./capture/stream";
import { TransactionQueue } from "./capture/transactionQueue";
import { type Transaction, TransactionAssembler } from "./capture/transactions";
import { Confirmation } from "./confirmation";
import { clientConfig, disconnect } from "./connection";
import { type GroupOptions, groupOptions, type TaskContext, valueRules } from "./context";
import { connectSource, connectTarget } from "./endpoints";
import { initialise } from "./load/initialise";
import { parseLsn, parseLsns } from "./lsn";
import { Monitor } from "./monitor";
import { ReloadRequested } from "./signals";
import type { Checkpoint } from "./task/checkpoint";
import type { TaskStatus } from "./task/status";

/** A transaction larger than this is spilled, whatever MemoryLimitTotal allows. */
const SPILL_BYTES = 16 << 20;
const QUEUE_BYTES = 32 << 20;
const IDLE_INTERVAL_MS = 200;

/** What applies changes, once the tables are loaded and the slot is read. */
interface Replication {
    readonly queue: TransactionQueue;
    readonly applier: Applier;
    readonly confirmation: Confirmation;
}

/** One connected life of the task: ends by an error, by StopRequested or by ReloadRequested. */
export class Session {
    private readonly control: ControlTables;
    private readonly cleanups: (() => Promise<void> | void)[] = [];
    private stream: ReplicationStream | undefined;
    private confirmation: Confirmation | undefined;
    private seen = 0n;
    private isApplying = false;

    constructor(private readonly context: TaskContext) {
        const { task } = context;
        this.control = new ControlTables(task.identifier, task.settings.ControlTablesSettings);
    }

    /** Whether this life has brought anything to the target. */
    get hasCommitted(): boolean {
        return this.confirmation?.hasCommitted ?? false;
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
        const { task, log, status, definitions } = this.context;
        const queue = this.openQueue();
        const lost = (error: Error): void => {
            queue.fail(error);
        };
        const target = await this.connected(connectTarget(this.context, lost));
        const source = await this.connected(connectSource(this.context, lost));
        await this.control.create(target);
        const tables = new Tables(task, source, target, log, definitions);
        const rules = valueRules(this.context);
        const checkpoint = await initialise({ ...this.context, source, target, tables, rules });
        this.context.checkpoint = checkpoint;
        if (task.migrationType === "full-load") {
            return;
        }
        await requireSlot(source, checkpoint.slot);
        const stream = await this.openStream(checkpoint, queue, this.openAssembler(tables));
        const applier = this.makeApplier(checkpoint, target, tables);
        this.confirmation = new Confirmation(this.context, stream, applier);
        const replication = { queue, applier, confirmation: this.confirmation };
        this.watchIdle(replication);
        log("I", "TASK_MANAGER", `Ongoing replication from ${checkpoint.position}.`);
        await this.applyCached(replication);
        status.enter("running");
        const monitor = await Monitor.start(this.context, this.control, queue, source);
        this.cleanups.push(() => monitor.stop());
        await this.applyLoop(replication);
    }

    private openQueue(): TransactionQueue {
        const { signal } = this.context;
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
        return queue;
    }

    private openAssembler(tables: Tables): TransactionAssembler {
        const { task, files } = this.context;
        const assembler = new TransactionAssembler(
            (table) => tables.isSelected(table),
            files.spool,
            Math.min(SPILL_BYTES, task.settings.ChangeProcessingTuning.MemoryLimitTotal << 20),
        );
        this.cleanups.push(() => {
            assembler.dispose();
        });
        return assembler;
    }

    private async openStream(
        { slot, position }: Checkpoint,
        queue: TransactionQueue,
        assembler: TransactionAssembler,
    ): Promise<ReplicationStream> {
        const { task } = this.context;
        const config = clientConfig(task.source, task.identifier);
        const stream = await ReplicationStream.open(config, slot, parseLsn(position), {
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
            onLost: (error) => {
                queue.fail(error);
            },
        });
        this.stream = stream;
        this.cleanups.push(async () => {
            await stream.close();
        });
        return stream;
    }

    private makeApplier(checkpoint: Checkpoint, target: Client, tables: Tables): Applier {
        const { task, log, signal, status } = this.context;
        return new Applier(
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
    }

    private watchIdle({ queue, confirmation }: Replication): void {
        const idle = setInterval(() => {
            if (this.context.reload.pending().length > 0) {
                queue.fail(new ReloadRequested());
            }
            if (queue.isDrained && !this.isApplying) {
                confirmation.confirmIdle(this.seen);
            }
        }, IDLE_INTERVAL_MS);
        this.cleanups.push(() => {
            clearInterval(idle);
        });
    }

    private async applyCached({ queue, applier, confirmation }: Replication): Promise<void> {
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
            confirmation.finish(transaction);
        }
        const last = cached.at(-1);
        if (last !== undefined) {
            confirmation.confirmGroup(last, options.faults);
        }
    }

    private async applyLoop(replication: Replication): Promise<never> {
        const { queue, applier, confirmation } = replication;
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
                await this.applyOne(last, replication, options);
                changes += last.count;
                // A quiet stream commits at once, so that the target is close behind.
                const isOpen = changes < tuning.MinTransactionSize && Date.now() < deadline;
                next = isOpen ? queue.take() : undefined;
            }
            await applier.commit(options);
            this.isApplying = false;
            confirmation.confirmGroup(last, options.faults);
        }
    }

    private async applyOne(
        transaction: Transaction,
        { applier, confirmation }: Replication,
        options: GroupOptions,
    ): Promise<void> {
        try {
            await applier.apply(transaction, options);
        } finally {
            transaction.dispose();
        }
        confirmation.finish(transaction);
    }

    private async connected(connecting: Promise<Client>): Promise<Client> {
        const client = await connecting;
        this.cleanups.push(() => disconnect(client));
        return client;
    }
}

function countsOf({ applied, dropped, conflicts }: TaskStatus): ApplyCounts {
    return { applied, dropped, conflicts };
}
