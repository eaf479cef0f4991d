import assert from "node:assert/strict";
import fc from "fast-check";
import { convert, roundDecimal, type ValueRules } from "../../../../local/dms/apply/columnValues";
import {
    commitTimestamp,
    formatSequence,
    headerValue,
    nextSequence,
    streamPosition,
} from "../../../../local/dms/apply/headerValues";
import { ConfirmWindow } from "../../../../local/dms/capture/confirmWindow";
import { slotName } from "../../../../local/dms/capture/slot";
import { copyField } from "../../../../local/dms/load/copyIn";
import { formatLsn, formatPosition, parseLsn } from "../../../../local/dms/lsn";

const rules: ValueRules = { supportLobs: true, numericRounding: false, booleanAsText: false };

describe("local/dms: values and headers", () => {
    it("cuts LOBs on a character boundary and never beyond the limit", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary" }), fc.nat(20), (text, lobLimit) => {
                const { value, truncated } = convert(text, "text", { ...rules, lobLimit });
                assert.ok(value !== null && text.startsWith(value));
                assert.ok(Buffer.byteLength(value) <= Math.max(lobLimit, 0));
                assert.equal(truncated, value !== text);
                assert.ok(Buffer.byteLength(value) > lobLimit - 4 || !truncated);
            }),
        );
        assert.deepEqual(convert("\\x010203", "bytea", { ...rules, lobLimit: 2 }), {
            value: "\\x0102",
            truncated: true,
        });
        assert.equal(
            convert("x".repeat(99), "character varying(100)", { ...rules, lobLimit: 1 }).value
                ?.length,
            99,
        );
    });

    it("rounds as NUMERIC(28,6)", () => {
        fc.assert(
            fc.property(
                fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
                fc.nat(9),
                (digits, scale) => {
                    const text = decimal(digits, scale);
                    const rounded = roundDecimal(text, 6);
                    const error = scaled(rounded, 9) - scaled(text, 9);
                    assert.ok((error < 0n ? -error : error) <= 500n, `${text} ${rounded}`);
                    assert.ok((rounded.split(".")[1] ?? "").length <= 6);
                },
            ),
        );
        assert.equal(roundDecimal("NaN", 6), "NaN");
        assert.equal(roundDecimal("0.9999995", 6), "1.000000");
    });

    it("cuts what DMS keeps a part of, without a word", () => {
        const cut = (value: string, type: string): string | null =>
            convert(value, type, rules).value;
        assert.equal(cut("x".repeat(9000), "character varying")?.length, 8000);
        assert.equal(cut("😀".repeat(2001), "character varying"), "😀".repeat(2000));
        assert.equal(cut("x".repeat(9000), "character varying(9000)")?.length, 9000);
        assert.equal(cut(`[${"9".repeat(300)},)`, "numrange")?.length, 255);
    });

    it("writes infinite times as the ends of DMS's calendar", () => {
        assert.equal(
            convert("infinity", "timestamp with time zone", rules).value,
            "9999-12-31 23:59:59+00",
        );
        assert.equal(convert("-infinity", "date", rules).value, "4713-01-01 00:00:00 BC");
    });

    it("numbers changes with a stamp that never goes back", () => {
        const first = nextSequence({ stamp: "", counter: 0 }, "2026-01-02 03:04:05.678901");
        assert.equal(formatSequence(first), "20260102030405670000000000000000001");
        const second = nextSequence(first, "2025-01-01 00:00:00.000000");
        assert.equal(formatSequence(second), "20260102030405670000000000000000002");
    });

    it("prints positions and times as DMS does", () => {
        const lsn = parseLsn("2/7C007178");
        assert.equal(formatPosition(lsn), "00000002/7C007178");
        assert.equal(formatLsn(lsn), "2/7C007178");
        assert.equal(
            streamPosition("change-and-commit", "insert", lsn, 9n),
            "00000002/7C007178.3.00000002/7C007178",
        );
        assert.equal(streamPosition("commit", "insert", lsn, 9n), "00000000/00000009");
        assert.equal(commitTimestamp("2026-01-02 03:04:05+00"), "2026-01-02 03:04:05.000000");
        assert.throws(() => commitTimestamp("2026-01-02 03:04:05+02"), /not a commit time in UTC/);
        const expression = { kind: "header", header: "AR_H_COMMIT_TIMESTAMP" } as const;
        const from = {
            operation: "insert",
            timestamp: "2026-01-02 03:04:05.678901",
            position: "",
            changeSeq: "",
        } as const;
        assert.equal(headerValue({ name: "t", expression }, from), "2026-01-02 03:04:05.6789010");
        const dataType = { type: "datetime", precision: 3 };
        assert.equal(
            headerValue({ name: "t", expression, dataType }, from),
            "2026-01-02 03:04:05.678",
        );
        assert.equal(headerValue({ name: "t" }, from), undefined);
    });

    it("escapes COPY fields so that they read back", () => {
        assert.equal(copyField(null), "\\N");
        fc.assert(
            fc.property(fc.string(), (text) => {
                const field = copyField(text);
                assert.ok(!/[\n\r\t]/.test(field));
                const back = field.replaceAll(
                    /\\(.)/g,
                    (_, c: string) => ({ n: "\n", r: "\r", t: "\t" })[c] ?? c,
                );
                assert.equal(back, text);
            }),
        );
    });

    it("holds back whole transactions with at least the wanted number of changes", () => {
        fc.assert(
            fc.property(fc.array(fc.integer({ min: 1, max: 9 })), fc.nat(20), (counts, keep) => {
                const window = new ConfirmWindow();
                let released = 0n;
                for (const [at, count] of counts.entries()) {
                    window.push({
                        endLsn: BigInt(at + 1),
                        count,
                        sequence: { stamp: "", counter: 0 },
                    });
                    released = window.release(keep)?.endLsn ?? released;
                }
                const held = counts.slice(Number(released));
                const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0);
                assert.ok(sum(held) >= Math.min(keep, sum(counts)));
                assert.ok(held.length === 0 || sum(held.slice(1)) < keep);
            }),
        );
    });

    it("names slots within PostgreSQL's rules, each task its own", () => {
        const long = slotName("My-Task.".repeat(20));
        assert.match(long, /^[a-z0-9_]{1,63}$/);
        assert.notEqual(slotName("a-b"), slotName("a_b"));
    });
});

function decimal(digits: bigint, scale: number): string {
    const sign = digits < 0n ? "-" : "";
    const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
    return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

function scaled(text: string, scale: number): bigint {
    const [whole = "", fraction = ""] = text.split(".");
    return BigInt(whole + fraction.padEnd(scale, "0"));
}
