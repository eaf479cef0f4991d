import { setTimeout as pause } from "node:timers/promises";
import { disconnect } from "../../../local/dms/connection";
import type { Faults } from "../../../local/dms/task/faults";
import type { VerifyReport } from "../../../verify/report";
import { verifyTrail } from "../../../verify/verifyTrail";
import { Pipeline } from "../pipeline";
import { MortalServer } from "../server";
import { readComplaints } from "../trailReader";
import { compareTable, type Comparison } from "./compare";
import { LoadClient } from "./load";
import { Mischief } from "./mischief";
import { Random } from "./random";
import { SOAK_DDL, SOAK_TABLES } from "./tables";

export interface SoakOptions {
    readonly seed: number;
    readonly durationMs: number;
    readonly clients: number;
    readonly thinkMs: number;
    /** Longest time between two bad things. */
    readonly calmMs: number;
    /** Told from time to time. */
    readonly report: (line: string) => void;
}

export interface SoakResult {
    readonly transactions: number;
    readonly mischief: ReadonlyMap<string, number>;
    readonly tables: readonly Comparison[];
    readonly complaints: readonly unknown[];
    readonly verify: VerifyReport;
}

const CATCH_UP_MS = 300_000;

/** Load on several tables while every process is killed at random; then the trail against the source's own record. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
    const undo: (() => Promise<void>)[] = [];
    try {
        const source = await MortalServer.start({ track_commit_timestamp: "on" });
        undo.push(() => source.stop());
        const audit = await MortalServer.start();
        undo.push(() => audit.stop());
        const pipeline = await Pipeline.deploy(source, audit, {
            name: "soak",
            tables: SOAK_TABLES,
            ddl: SOAK_DDL,
            guards: { truncate: "refuse", keyUpdate: "refuse" },
        });
        undo.push(() => pipeline.close());
        return await soakPipeline(pipeline, options);
    } finally {
        for (const step of undo.reverse()) {
            await step();
        }
    }
}

async function soakPipeline(pipeline: Pipeline, options: SoakOptions): Promise<SoakResult> {
    const { seed, clients: count, durationMs, thinkMs, calmMs, report } = options;
    const random = new Random(seed);
    const lasting: Partial<Faults> = {
        streamPosition: random.of(["change", "change-and-commit", "commit"]),
    };
    const mischief = new Mischief(pipeline, random, lasting);
    await pipeline.start();
    const clients = Array.from(
        { length: count },
        (_, at) =>
            new LoadClient(() => pipeline.sourceSession(), new Random(seed + at + 1), thinkMs),
    );
    const load = Promise.all(clients.map((client) => client.run()));
    // Heard of below, after the load has been stopped.
    load.catch(() => undefined);
    const transactions = (): number => clients.reduce((sum, one) => sum + one.transactions, 0);
    const end = Date.now() + durationMs;
    let told = Date.now();
    try {
        while (Date.now() < end) {
            await pause(Math.min(random.below(calmMs), end - Date.now()));
            await mischief.once();
            if (Date.now() - told > 30_000) {
                told = Date.now();
                report(`${transactions()} transactions, ${text(mischief.done)}`);
            }
        }
    } finally {
        for (const client of clients) {
            client.stop();
        }
    }
    await load;
    await mischief.revive();
    const reader = await pipeline.sourceSession();
    const trail = await pipeline.auditSession();
    const master = await pipeline.audit.administrator("soak_audit");
    try {
        await pipeline.caughtUp(reader, trail, CATCH_UP_MS);
        const tables: Comparison[] = [];
        for (const table of SOAK_TABLES) {
            tables.push(await compareTable(reader, trail, table));
        }
        return {
            transactions: transactions(),
            mischief: mischief.done,
            tables,
            // A column that comes or goes is in the ledger, and hides no change.
            complaints: (await readComplaints(trail)).filter(({ kind }) => kind !== "shape change"),
            verify: await verifyTrail(reader, master, pipeline.definitions),
        };
    } finally {
        await disconnect(master);
    }
}

export function text(counts: ReadonlyMap<string, number>): string {
    return [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
}
