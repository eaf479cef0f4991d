import assert from "node:assert/strict";
import { Spool } from "../../../../local/dms/capture/spool";

/** Run in a process whose heap is much smaller than the transaction; a spool that kept it would end the process. */
const [FOLDER = ""] = process.argv.slice(2);
const CHANGES = 1_000_000;
const spool = new Spool(FOLDER, 1, 1 << 20);
// 250 MB in all.
const TEXT = `table public.items: INSERT: item_id[integer]:1 name[text]:'${"x".repeat(200)}'`;
for (let n = 0; n < CHANGES; n += 1) {
    spool.append({ lsn: BigInt(n), text: `${TEXT}${n}` });
}
let expected = 0n;
for (const { lsn } of spool.read()) {
    assert.equal(lsn, expected);
    expected += 1n;
}
assert.equal(expected, BigInt(CHANGES));
spool.dispose();
