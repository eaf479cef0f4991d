import fc from "fast-check";
import { Runs, SECONDS } from "../../testing/pipeline/property";
import { schedules } from "../../testing/pipeline/schedule";

/** DMS may read a large column from the source when it applies a change: a later value, or none. */
describe("large columns that are looked up at the source", function () {
    this.timeout((SECONDS + 120) * 1000);
    let runs: Runs;

    before(async () => {
        runs = await Runs.start();
    });
    after(async () => {
        await runs.stop();
    });

    it("are right in staging once their row is at rest, and verify finds nothing wrong", async () => {
        const faults = fc.record({
            lobLookup: fc.constant(true),
            loadOverlap: fc.boolean(),
        });
        await runs.hold(schedules(faults), "ends", SECONDS / 2);
    });
});
