import { Runs, SECONDS } from "../../testing/pipeline/property";
import { schedules } from "../../testing/pipeline/schedule";

describe("the whole pipeline, whatever is done to it", function () {
    this.timeout((SECONDS + 120) * 1000);
    let runs: Runs;

    before(async () => {
        runs = await Runs.start();
    });
    after(async () => {
        await runs.stop();
    });

    it("logs each committed change once, in commit order, and nothing else", async () => {
        await runs.hold(schedules(), "exact");
    });
});
