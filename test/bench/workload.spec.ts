import assert from "node:assert/strict";
import fc from "fast-check";
import { randomSource, Workload } from "../../bench/random";

const KEYS = 50;

describe("the benchmarks' workload", () => {
    it("never inserts a key twice nor deletes or updates a row that is not there", () => {
        fc.assert(
            fc.property(fc.integer(), fc.integer({ min: 1, max: 500 }), (seed, count) => {
                const workload = new Workload(randomSource(seed), KEYS, KEYS + 1);
                const rows = new Set(Array.from({ length: KEYS }, (_, index) => index + 1));
                for (let step = 0; step < count; step += 1) {
                    const { kind, id } = workload.change();
                    assert.equal(rows.has(id), kind !== "insert", `${kind} of ${id}`);
                    if (kind === "delete") {
                        rows.delete(id);
                    } else {
                        rows.add(id);
                    }
                }
            }),
        );
    });

    it("updates 70 %, inserts 20 % and deletes 10 %", () => {
        const workload = new Workload(randomSource(7), KEYS, KEYS + 1);
        const counts = { update: 0, insert: 0, delete: 0 };
        for (let step = 0; step < 100_000; step += 1) {
            counts[workload.change().kind] += 1;
        }
        const shares = Object.values(counts).map((count) => Math.round(count / 1000));
        assert.deepEqual(shares, [70, 20, 10]);
    });

    it("is the same for the same seed", () => {
        const [one, other] = [randomSource(42), randomSource(42)];
        assert.deepEqual(
            Array.from({ length: 20 }, () => one()),
            Array.from({ length: 20 }, () => other()),
        );
    });
});
