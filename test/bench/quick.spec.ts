import assert from "node:assert/strict";
import { chmod, readdir } from "node:fs/promises";
import { npmRun } from "../../testing/command";
import { withTempDir } from "../../testing/tempDir";

const SECTIONS = [
    "Source side",
    "Guards at the source",
    "Audit side",
    "Lag",
    "Verify",
    "Partitions",
];

/** The short form of `npm run bench`. Its figures mean little on a busy machine, so that none is judged here. */
describe("the benchmarks", function () {
    this.timeout(300_000);

    it("run through, give every figure and leave nothing behind", async () => {
        await withTempDir(async (temporary) => {
            // The servers, which are another user's, have their folders in it.
            await chmod(temporary, 0o711);
            const bench = npmRun("bench", { TMPDIR: temporary }, ["--quick", "--rows", "0.05"]);
            const { code, stdout, output } = await bench.ended;
            assert.equal(code, 0, output);
            const headings = [...stdout.matchAll(/^## (.+)$/gmu)].map(([, heading]) => heading);
            assert.deepEqual(headings, SECTIONS);
            assert.doesNotMatch(stdout, /NaN|undefined|Infinity/u);
            assert.match(stdout, /^- no writer waits for a lock: 0 did: ok$/mu);
            assert.match(stdout, /^- complete, with no false alarm: yes: ok$/mu);
            const left = await readdir(temporary);
            assert.deepEqual(
                left.filter((name) => name.startsWith("audit-trail-")),
                [],
            );
        });
    });
});
