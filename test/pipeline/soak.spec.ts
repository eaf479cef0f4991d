import assert from "node:assert/strict";
import { soak } from "../../testing/pipeline/soak/soak";

/** The short form of `npm run soak`. */
describe("load while everything is killed", function () {
    this.timeout(180_000);

    it("leaves a trail that equals the source's own record", async () => {
        const seed = Date.now() % 1_000_000;
        const { tables, complaints, verify, transactions } = await soak({
            seed,
            durationMs: 25_000,
            clients: 4,
            thinkMs: 10,
            calmMs: 1_500,
            report: () => undefined,
        });
        const at = `seed ${seed}`;
        assert.deepEqual(
            tables.flatMap(({ problems }) => problems),
            [],
            at,
        );
        assert.ok(transactions > 100, `${transactions} transactions, ${at}`);
        assert.ok(
            tables.every(({ changes }) => changes > 0),
            at,
        );
        assert.deepEqual(complaints, [], at);
        assert.ok(verify.complete, `${at}: ${JSON.stringify(verify)}`);
    });
});
