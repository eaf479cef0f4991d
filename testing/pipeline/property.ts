import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { Run, type RunMode } from "./run";
import type { Schedule } from "./schedule";
import { MortalServer } from "./server";
import { randomTables } from "./tables";

/** Longer with PIPELINE_SECONDS, for nightly runs and for shrinking. */
export const SECONDS = Number(process.env.PIPELINE_SECONDS ?? "40");

/** A run takes some seconds. */
const RUN_MS = 120_000;

/** How long a run that a test's own time limit interrupted may go on. */
const INTERRUPTED_MS = 60_000;

/** Two servers on which random runs follow each other. */
export class Runs {
    private count = 0;
    private current: Promise<void> = Promise.resolve();

    private constructor(private readonly servers: readonly [MortalServer, MortalServer]) {}

    static async start(): Promise<Runs> {
        return new Runs([
            await MortalServer.start({ track_commit_timestamp: "on", deadlock_timeout: "20ms" }),
            await MortalServer.start(),
        ]);
    }

    /**
     * Holds a property for as long as SECONDS says, and for one run at least: where a first run takes longer than that, fast-check's
     * own time limit would call the property failed. After the time nothing is shrunk any more.
     */
    async hold(schedules: fc.Arbitrary<Schedule>, mode: RunMode, seconds = SECONDS): Promise<void> {
        const first = this.count + 1;
        const end = performance.now() + seconds * 1000;
        await fc.assert(
            fc.asyncProperty(randomTables, schedules, async (tables, schedule) => {
                if (this.count >= first && performance.now() > end) {
                    return;
                }
                this.count += 1;
                this.current = Run.check(this.servers, `run_${this.count}`, tables, schedule, mode);
                await this.current;
            }),
            { numRuns: 1_000, timeout: RUN_MS },
        );
    }

    /** A run that takes too long ends with its servers. */
    async stop(): Promise<void> {
        const ended = this.current.catch(() => undefined);
        await Promise.race([ended, pause(INTERRUPTED_MS, undefined, { ref: false })]);
        for (const server of this.servers) {
            await server.stop();
        }
        await Promise.race([ended, pause(INTERRUPTED_MS, undefined, { ref: false })]);
    }
}
