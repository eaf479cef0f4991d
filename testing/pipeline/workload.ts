import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import type { TableState } from "./oracle";
import { type Commit, type Operation, rowKeySql, WorkSession } from "./session";
import { qualified, type RandomTable } from "./tables";

const POLL_MS = 4;
const SETTLE_MS = 20_000;

/** What a reader of the source saw, and after which commit. */
export interface Reading {
    readonly commits: number;
    readonly states: TableState[];
}

/** A session, and the step that it is in. */
interface Seat {
    readonly work: WorkSession;
    pid: number;
    pending: Promise<void> | undefined;
    failure: Error | undefined;
}

/**
 * Several sessions on the source, driven step by step so that a run can be repeated: a step that waits for a lock is left
 * behind, and its session rests until the lock is free.
 */
export class Workload {
    readonly commits: Commit[] = [];
    readonly readings: Reading[] = [];
    private readonly seats: Seat[] = [];
    private reader: Client | undefined;
    private openReading: Reading | undefined;

    private constructor(
        private readonly tables: readonly RandomTable[],
        private readonly connect: () => Promise<Client>,
        private admin: Client,
    ) {}

    static async open(
        tables: readonly RandomTable[],
        count: number,
        connect: () => Promise<Client>,
    ): Promise<Workload> {
        const workload = new Workload(tables, connect, await connect());
        for (let n = 0; n < count; n += 1) {
            const work = new WorkSession(await connect(), tables, (commit) => {
                workload.commits.push(commit);
            });
            workload.seats.push({
                work,
                pid: await work.pid(),
                pending: undefined,
                failure: undefined,
            });
        }
        return workload;
    }

    async step(session: number, operation: Operation): Promise<void> {
        const seat = this.seats[session];
        if (seat === undefined || seat.pending !== undefined) {
            return;
        }
        seat.pending = seat.work
            .run(operation)
            .catch((error: unknown) => {
                seat.failure = error instanceof Error ? error : new Error(String(error));
            })
            .finally(() => {
                seat.pending = undefined;
            });
        await this.settle();
        this.throwFailure();
    }

    /** Commits every session, again and again until nobody waits: a commit may let another session go on. */
    async commitAll(): Promise<void> {
        const deadline = Date.now() + SETTLE_MS;
        for (let isFree = false; !isFree;) {
            await this.settle();
            isFree = this.waiting().length === 0;
            for (const at of this.seats.keys()) {
                await this.step(at, { kind: "commit" });
            }
            if (Date.now() > deadline) {
                throw new Error(`The sessions wait for each other: ${await this.diagnosis()}`);
            }
        }
    }

    /** After the source's server came back: what was not committed is gone. */
    async reconnect(): Promise<void> {
        this.reader = undefined;
        this.openReading = undefined;
        this.admin = await this.connect();
        for (const seat of this.seats) {
            await seat.pending;
            seat.failure = undefined;
            seat.work.reconnect(await this.connect());
            seat.pid = await seat.work.pid();
        }
    }

    /** Begins to read in a snapshot of this moment: the first table now, the others when `read` comes. */
    async openReader(): Promise<void> {
        await this.read();
        const reader = (this.reader ??= await this.connect());
        await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        const [first] = this.tables;
        const states = first === undefined ? [] : [await tableState(reader, first)];
        this.openReading = { commits: this.commits.length, states };
    }

    async read(): Promise<void> {
        const { openReading: reading, reader } = this;
        if (reading === undefined || reader === undefined) {
            return;
        }
        for (const table of this.tables.slice(1)) {
            reading.states.push(await tableState(reader, table));
        }
        await reader.query("COMMIT");
        this.readings.push(reading);
        this.openReading = undefined;
    }

    private async diagnosis(): Promise<string> {
        const { rows } = await this.admin.query(
            "SELECT pid, state, wait_event, pg_blocking_pids(pid) AS behind, left(query, 200) AS query FROM pg_stat_activity WHERE datname = current_database()",
        );
        const seats = this.seats.map(({ pid, pending }) => ({ pid, busy: pending !== undefined }));
        return JSON.stringify({ seats, rows });
    }

    private waiting(): Seat[] {
        return this.seats.filter(({ pending }) => pending !== undefined);
    }

    private throwFailure(): void {
        const failure = this.seats.find((seat) => seat.failure !== undefined)?.failure;
        if (failure !== undefined) {
            throw failure;
        }
    }

    /** Waits until every session has finished its step or waits for a lock of another. */
    private async settle(): Promise<void> {
        const deadline = Date.now() + SETTLE_MS;
        for (;;) {
            const running = this.waiting();
            if (running.length === 0) {
                return;
            }
            const all = Promise.all(running.map(({ pending }) => pending ?? Promise.resolve()));
            await Promise.race([all, pause(POLL_MS)]);
            const pids = this.waiting();
            const { rows } = await this.admin.query<{ n: number }>(
                "SELECT count(*)::int AS n FROM pg_stat_activity WHERE pid = ANY ($1) AND wait_event_type = 'Lock'",
                [pids.map(({ pid }) => pid)],
            );
            if (rows[0]?.n === pids.length) {
                return;
            }
            if (Date.now() > deadline) {
                throw new Error(`A session neither ends nor waits: ${await this.diagnosis()}`);
            }
        }
    }
}

/** A source table's rows, by the keys that its log uses. */
export async function tableState(client: Client, table: RandomTable): Promise<TableState> {
    const { rows } = await client.query<{ row: string; image: string }>(
        `SELECT ${rowKeySql(table)} AS row, to_jsonb(t.*)::text AS image FROM ${qualified(table)} AS t`,
    );
    return new Map(rows.map(({ row, image }) => [row, image]));
}
