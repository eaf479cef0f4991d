import fc from "fast-check";
import { Runs, SECONDS } from "../../testing/pipeline/property";
import { parts, schedules } from "../../testing/pipeline/schedule";

/** DMS reads a table after its capture began, and then applies what was captured meanwhile, ignoring conflicts. */
describe("tables that change while they are loaded", function () {
    this.timeout((SECONDS + 120) * 1000);
    let runs: Runs;

    before(async () => {
        runs = await Runs.start();
    });
    after(async () => {
        await runs.stop();
    });

    it("have a true baseline, a true log from then on, and say where an old image may be invented", async () => {
        const faults = fc.record({ loadOverlap: fc.constant(true) });
        await runs.hold(schedules(faults), "overlap", SECONDS / 2);
    });

    it("have them as well when source transactions come in parts", async () => {
        const faults = parts.map((part) => ({ ...part, loadOverlap: true }));
        await runs.hold(schedules(faults), "overlap", SECONDS / 2);
    });
});
