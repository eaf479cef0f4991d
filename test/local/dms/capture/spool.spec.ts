import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { Spool } from "../../../../local/dms/capture/spool";

describe("local/dms/capture/spool", function () {
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

    it("gives back changes around the size of a block, and larger ones", () => {
        const MIB = 1 << 20;
        const length = fc.constantFrom(0, 1, MIB / 3, MIB - 14, MIB - 13, MIB - 12, MIB, 3 * MIB);
        const lengths = fc.array(length, { maxLength: 8 });
        fc.assert(
            fc.property(lengths, fc.constantFrom("x", "ä"), (given, letter) => {
                const changes = given.map((count, at) => ({
                    lsn: BigInt(at),
                    text: letter.repeat(count / Buffer.byteLength(letter)),
                }));
                const spool = new Spool(folder, 1, 0);
                try {
                    for (const change of changes) {
                        spool.append(change);
                    }
                    assert.ok([...spool.read()].every((one, at) => one.text === changes[at]?.text));
                    assert.equal([...spool.read()].length, changes.length);
                } finally {
                    spool.dispose();
                }
            }),
            { numRuns: 60 },
        );
    });

    it("holds a transaction of a million changes, 250 MB of text, in a heap of 80 MB", async () => {
        const script = path.join(__dirname, "spoolMillion.ts");
        const child = spawn(
            process.execPath,
            ["--max-old-space-size=80", "--import", "tsx", script, folder],
            { stdio: ["ignore", "inherit", "inherit"] },
        );
        const [code] = (await once(child, "close")) as [number | null];
        assert.equal(code, 0);
    });
});
