import type { Client } from "pg";
import { messageOf } from "../../text/errors";
import type { ControlTables } from "./apply/controlTables";
import type { TransactionQueue } from "./capture/transactionQueue";
import { clientConfig, connect, disconnect } from "./connection";
import type { TaskContext } from "./context";
import { sqlFile } from "./sqlFile";

const STATUS_INTERVAL_MS = 5_000;

/** Writes awsdms_status, awsdms_history and the heartbeat from time to time; its errors only warn. */
export class Monitor {
    private readonly timers: NodeJS.Timeout[] = [];
    private readonly running = new Set<Promise<void>>();
    private slotStart = new Date();
    private slotApplied: number;

    private constructor(
        private readonly context: TaskContext,
        private readonly control: ControlTables,
        private readonly queue: TransactionQueue,
        private readonly client: Client | undefined,
        private readonly source: Client,
        private readonly link: { readonly isLost: boolean },
    ) {
        this.slotApplied = context.status.current.applied;
    }

    static async start(
        context: TaskContext,
        control: ControlTables,
        queue: TransactionQueue,
        source: Client,
    ): Promise<Monitor> {
        const { task } = context;
        const link = { isLost: false };
        const client =
            control.hasStatus || control.hasHistory
                ? await connect(clientConfig(task.target, task.identifier), () => {
                      link.isLost = true;
                  })
                : undefined;
        const monitor = new Monitor(context, control, queue, client, source, link);
        monitor.schedule();
        return monitor;
    }

    async stop(): Promise<void> {
        for (const timer of this.timers) {
            clearInterval(timer);
        }
        if (!this.link.isLost) {
            this.do(() => this.writeStatus());
            await Promise.race([Promise.all(this.running), deadline(1_000)]);
        }
        if (this.client !== undefined) {
            await disconnect(this.client);
        }
    }

    private schedule(): void {
        const { settings } = this.context.task.source;
        const { ControlTablesSettings } = this.context.task.settings;
        this.every(STATUS_INTERVAL_MS, () => this.writeStatus());
        if (this.control.hasHistory) {
            const minutes = ControlTablesSettings.HistoryTimeslotInMinutes;
            this.every(minutes * 60_000, () => this.writeHistory(minutes));
        }
        if (settings.heartbeatEnable) {
            this.every(settings.heartbeatFrequency * 60_000, () => this.beat());
        }
    }

    private every(ms: number, action: () => Promise<void>): void {
        this.timers.push(
            setInterval(() => {
                this.do(action);
            }, ms),
        );
        this.do(action);
    }

    private do(action: () => Promise<void>): void {
        const done: Promise<void> = action()
            .catch((error: unknown) => {
                this.context.log("W", "TASK_MANAGER", `A control table: ${messageOf(error)}`);
            })
            .finally(() => this.running.delete(done));
        this.running.add(done);
    }

    private async writeStatus(): Promise<void> {
        if (this.client === undefined || !this.control.hasStatus) {
            return;
        }
        const { state, position, appliedTimestamp } = this.context.status.current;
        await this.control.writeStatus(this.client, {
            state: state === "running" ? "CHANGE PROCESSING" : state.toUpperCase(),
            pendingChanges: this.queue.pendingChanges,
            position,
            appliedTimestamp,
        });
    }

    private async writeHistory(minutes: number): Promise<void> {
        const { applied, lagMs } = this.context.status.current;
        const start = this.slotStart;
        const records = applied - this.slotApplied;
        this.slotStart = new Date();
        this.slotApplied = applied;
        if (this.client !== undefined) {
            const latencySeconds = Math.max(0, Math.round((lagMs ?? 0) / 1000));
            await this.control.addHistory(this.client, {
                start,
                minutes,
                latencySeconds,
                records,
                bytes: 0,
            });
        }
    }

    /** DMS's heartbeat: one row that changes, so that the slot of a quiet database moves on. */
    private async beat(): Promise<void> {
        const { heartbeatSchema } = this.context.task.source.settings;
        await this.source.query(sqlFile("heartbeat_table.sql", heartbeatSchema));
        await this.source.query(sqlFile("heartbeat.sql", heartbeatSchema), [
            this.context.task.identifier,
        ]);
    }
}

async function deadline(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
        setTimeout(resolve, ms).unref();
    });
}
