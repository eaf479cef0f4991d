import assert from "node:assert/strict";
import fc from "fast-check";
import { median, roundRatios, spread, table } from "../../bench/report";

const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });

describe("benchmark figures", () => {
    it("have as many values below the median as above it", () => {
        fc.assert(
            fc.property(values, (list) => {
                const middle = median(list);
                const below = list.filter((value) => value < middle).length;
                const above = list.filter((value) => value > middle).length;
                assert.ok(below <= list.length / 2 && above <= list.length / 2);
            }),
        );
    });

    it("compare measurements of the same round only", () => {
        assert.deepEqual(roundRatios([2, 6], [4, 3]), [0.5, 2]);
        assert.deepEqual(roundRatios([2, 6], [4]), [0.5]);
    });

    it("show the spread, and what could not be measured", () => {
        assert.equal(spread([3, 1, 2]), "2 (1-3)");
        assert.equal(spread([1.234], 1), "1.2");
        assert.equal(spread([NaN]), "n/a");
    });

    it("stand in a Markdown table", () => {
        assert.equal(table(["a", "b"], [["x", "1"]]), "| a | b |\n| --- | ---: |\n| x | 1 |");
    });
});
