import type { ClientConfig } from "pg";
import { Child } from "./children";
import type { ConnectRequest, LoadReply, LoadRequest } from "./loadClient";

/** Rows that every benchmark's table begins with. */
export const KEYS = 100_000;

/** Keys a client can insert in one run. */
const KEYS_PER_CLIENT = 1_000_000;

const CLIENTS = 8;

/** From the request to the first change, so that all clients begin at once. */
const LEAD_MS = 50;

export interface RunPlan {
    readonly database: ClientConfig;
    /** All clients together; undefined: as fast as they can. */
    readonly changesPerSecond?: number;
    /** 1 when not said. */
    readonly changesPerTransaction?: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
    /** Called at the edges of the measured time. */
    readonly atStart?: () => Promise<void>;
    readonly atEnd?: () => Promise<void>;
}

export interface RunResult {
    readonly changes: number;
    readonly perSecond: number;
    /** How long each transaction took, in milliseconds, sorted. */
    readonly latencies: readonly number[];
    /** The measured time, milliseconds since 1970. */
    readonly from: number;
    readonly until: number;
}

/** Eight client processes with one session each, the workload of {@link Workload}, prepared statements. */
export class Load {
    private readonly clients: Child<ConnectRequest | LoadRequest, LoadReply>[];
    private runs = 0;

    constructor() {
        this.clients = Array.from({ length: CLIENTS }, () => new Child("loadClient.ts"));
    }

    get pids(): readonly number[] {
        return this.clients.map(({ pid }) => pid);
    }

    async end(): Promise<void> {
        await Promise.all(this.clients.map((client) => client.end()));
    }

    async run(plan: RunPlan): Promise<RunResult> {
        const { database, changesPerTransaction = 1 } = plan;
        const connected = await Promise.all(
            this.clients.map((client) => client.ask({ kind: "connect", database })),
        );
        refuseFailure(connected);
        const start = Date.now() + LEAD_MS;
        const measureFrom = start + plan.warmUpMs;
        const until = measureFrom + plan.measureMs;
        this.runs += 1;
        const replies = this.clients.map((client, index) =>
            client.ask({
                kind: "load",
                seed: this.runs * 1000 + index * 2,
                keys: KEYS,
                firstNew: KEYS + 1 + ((this.runs * CLIENTS + index) % 2000) * KEYS_PER_CLIENT,
                ...(plan.changesPerSecond === undefined
                    ? {}
                    : { rate: plan.changesPerSecond / changesPerTransaction / CLIENTS }),
                changesPerTransaction,
                share: { index, of: CLIENTS },
                from: start,
                measureFrom,
                until,
            }),
        );
        const [answers] = await Promise.all([
            Promise.all(replies),
            at(measureFrom, plan.atStart),
            at(until, plan.atEnd),
        ]);
        refuseFailure(answers);
        const latencies = answers.flatMap((answer) => answer.latencies).sort((a, b) => a - b);
        const changes = latencies.length * changesPerTransaction;
        return {
            changes,
            perSecond: (changes / plan.measureMs) * 1000,
            latencies,
            from: measureFrom,
            until,
        };
    }
}

async function at(when: number, action: (() => Promise<void>) | undefined): Promise<void> {
    if (action !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, when - Date.now()));
        await action();
    }
}

function refuseFailure(replies: readonly LoadReply[]): void {
    const failed = replies.find(({ error }) => error !== undefined);
    if (failed !== undefined) {
        throw new Error(`A client of the load failed: ${String(failed.error)}`);
    }
}
