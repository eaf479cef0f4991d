import fc from "fast-check";
import { Runs, SECONDS } from "../../testing/pipeline/property";
import { parts, schedules } from "../../testing/pipeline/schedule";

/** Nothing promises that DMS keeps a source transaction, or the two steps of a large column, in one transaction. */
describe("source transactions that come in parts", function () {
    this.timeout((SECONDS + 120) * 1000);
    let runs: Runs;

    before(async () => {
        runs = await Runs.start();
    });
    after(async () => {
        await runs.stop();
    });

    it("are logged like whole ones, over kills between their parts", async () => {
        await runs.hold(schedules(parts), "exact", SECONDS / 2);
    });

    it("leave staging as the source is when large columns follow in a transaction of their own", async () => {
        const faults = fc.constant({ lobTwoStep: "own transaction" as const });
        await runs.hold(schedules(faults), "ends", SECONDS / 2);
    });
});
