import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import fc from "fast-check";

import { Spool } from "../../../local/dms/spool";

describe("local/dms/spool", function () {
    this.timeout(60_000);
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(path.join(tmpdir(), "audit-trail-spool-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true, force: true });
    });

    it("gives back what was put in, spilled or not, and removes its file", () => {
        const changes = fc.array(
            fc.record(
                {
                    lsn: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
                    text: fc.string({ unit: "grapheme", maxLength: 50 }),
                },
                { noNullPrototype: true },
            ),
        );
        fc.assert(
            fc.property(changes, fc.nat(500), (given, limit) => {
                const spool = new Spool(folder, 1, limit);
                try {
                    for (const change of given) {
                        spool.append(change);
                    }
                    assert.deepEqual([...spool.read()], given);
                    assert.deepEqual([...spool.read()], given);
                    assert.equal(spool.count, given.length);
                    assert.ok(spool.isSpilled || spool.memoryBytes <= limit);
                } finally {
                    spool.dispose();
                }
                assert.deepEqual(readdirSync(folder), []);
            }),
        );
    });

    it("holds a transaction of a million changes in little memory", () => {
        const spool = new Spool(folder, 1, 1 << 20);
        const text = `table public.items: INSERT: item_id[integer]:1 name[text]:'${"x".repeat(200)}'`;
        let peak = 0;
        for (let n = 0; n < 1_000_000; n += 1) {
            spool.append({ lsn: BigInt(n), text });
            if (n % 10_000 === 0) {
                peak = Math.max(peak, spool.memoryBytes, process.memoryUsage().heapUsed);
            }
        }
        let expected = 0n;
        for (const { lsn } of spool.read()) {
            assert.equal(lsn, expected);
            expected += 1n;
        }
        assert.equal(expected, 1_000_000n);
        // Its text alone would take 250 MB.
        assert.ok(peak < 150_000_000, `${peak} bytes`);
        spool.dispose();
    });
});
