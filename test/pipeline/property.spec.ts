import { setTimeout as pause } from "node:timers/promises";

import fc from "fast-check";

import { Run } from "./support/run";
import { schedules } from "./support/schedule";
import { MortalServer } from "./support/server";
import { randomTables } from "./support/tables";

/** Longer with PIPELINE_SECONDS, for nightly runs and for shrinking. */
const SECONDS = Number(process.env.PIPELINE_SECONDS ?? "60");

/** A run takes some seconds. */
const RUN_MS = 120_000;

/** How long the run that the time limit interrupted may go on. */
const INTERRUPTED_MS = 60_000;

describe("the whole pipeline, whatever is done to it", function () {
    this.timeout((SECONDS + 120) * 1000);
    let servers: readonly [MortalServer, MortalServer];
    let runs = 0;
    let current: Promise<void> = Promise.resolve();

    before(async () => {
        servers = [
            await MortalServer.start({ track_commit_timestamp: "on", deadlock_timeout: "20ms" }),
            await MortalServer.start(),
        ];
    });

    after(async () => {
        // The time limit does not wait for the run that it interrupts. One that takes too long ends with its servers.
        const ended = current.catch(() => undefined);
        await Promise.race([ended, pause(INTERRUPTED_MS, undefined, { ref: false })]);
        for (const server of servers) {
            await server.stop();
        }
        await Promise.race([ended, pause(INTERRUPTED_MS, undefined, { ref: false })]);
    });

    it("logs each committed change once, in commit order, and nothing else", async () => {
        await fc.assert(
            fc.asyncProperty(randomTables, schedules(), async (tables, schedule) => {
                runs += 1;
                current = Run.check(servers, `run_${runs}`, tables, schedule);
                await current;
            }),
            { interruptAfterTimeLimit: SECONDS * 1000, numRuns: 1_000, timeout: RUN_MS },
        );
    });
});
