import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { Run, type RunMode } from "./run";
import type { Schedule } from "./schedule";
import { MortalServer } from "./server";
import { randomTables } from "./tables";

/** Longer with PIPELINE_SECONDS, for nightly runs and for shrinking. */
export const SECONDS = Number(process.env.PIPELINE_SECONDS ?? "60");

/** A run takes some seconds. */
const RUN_MS = 120_000;

/** How long the run that the time limit interrupted may go on. */
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

    /** Holds a property for as long as SECONDS says. */
    async hold(schedules: fc.Arbitrary<Schedule>, mode: RunMode, seconds = SECONDS): Promise<void> {
        await fc.assert(
            fc.asyncProperty(randomTables, schedules, async (tables, schedule) => {
                this.count += 1;
                this.current = Run.check(this.servers, `run_${this.count}`, tables, schedule, mode);
                await this.current;
            }),
            { interruptAfterTimeLimit: seconds * 1000, numRuns: 1_000, timeout: RUN_MS },
        );
        // The time limit does not wait for the run that it interrupts; it has a say too, and may take the servers away.
        await this.current;
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
