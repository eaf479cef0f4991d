import assert from "node:assert/strict";

import fc from "fast-check";

import { parseOptions } from "../../local/commands/command";
import { urlOf } from "../../local/commands/stackAccess";
import { judgeGaps } from "../../verify/auditChecks";
import { Differences } from "../../verify/differences";
import { tableReport } from "../../verify/report";
import { suspects } from "../../verify/rows";
import { judgeGuards, judgeSlots } from "../../verify/sourceChecks";
import { reportLines } from "../../verify/text";
import { differenceKind, isExplained, type RowHash, type Version } from "../../verify/versions";

/** A key's states one after the other, null for a deleted row. */
const HISTORY = fc.array(fc.option(fc.integer().map(String)), { maxLength: 8 });

/** What the log says about a window that begins after `before` changes. */
function versionsFrom(history: readonly RowHash[], before: number): Version[] {
    return history
        .map((hash, at) => ({ hash, isBefore: at < before }))
        .slice(Math.max(0, before - 1));
}

/** The row after the first `count` changes. */
function stateAfter(history: readonly RowHash[], count: number): RowHash {
    return count === 0 ? null : (history[count - 1] ?? null);
}

describe("verify: a row and the trail's versions of it", () => {
    it("agree for whatever moment of the window the row was read at", () => {
        fc.assert(
            fc.property(HISTORY, fc.nat(), fc.nat(), (history, a, b) => {
                const [start, read] = [a, b]
                    .map((n) => n % (history.length + 1))
                    .sort((x, y) => x - y) as [number, number];
                assert.ok(isExplained(stateAfter(history, read), versionsFrom(history, start)));
            }),
        );
    });

    it("do not agree when the row is in no state of the window", () => {
        fc.assert(
            fc.property(HISTORY, fc.nat(), (history, a) => {
                const start = a % (history.length + 1);
                const versions = versionsFrom(history, start);
                assert.equal(isExplained("never", versions), false);
                const isThroughout =
                    start > 0 && history.slice(start - 1).every((hash) => hash !== null);
                assert.equal(isExplained(null, versions), !isThroughout);
            }),
        );
    });

    it("are named by what is missing on which side", () => {
        const live = [{ isBefore: true, hash: "1" }];
        const gone = [{ isBefore: true, hash: null }];
        assert.equal(differenceKind("2", live), "different row");
        assert.equal(differenceKind(null, live), "missing at source");
        assert.equal(differenceKind("2", gone), "missing in trail");
        assert.equal(differenceKind("2", []), "missing in trail");
    });

    it("are looked at exactly when their hashes differ or one has none", () => {
        const side = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("1", "2"));
        fc.assert(
            fc.property(side, side, (left, right) => {
                const expected = ["a", "b", "c", "d"].filter((key) => left[key] !== right[key]);
                const found = suspects(
                    new Map(Object.entries(left)),
                    new Map(Object.entries(right)),
                );
                assert.deepEqual(found.sort(), expected);
            }),
        );
    });
});

describe("verify: checks", () => {
    const slot = { slot_name: "s", active: true, wal_status: "reserved", lag_bytes: "10" };

    it("want a slot that is in use and has its WAL", () => {
        assert.ok(judgeSlots([slot]).ok);
        assert.match(judgeSlots([]).detail, /no slot/u);
        assert.match(judgeSlots([slot, { ...slot, active: false }]).detail, /not in use/u);
        assert.match(judgeSlots([{ ...slot, wal_status: "lost" }]).detail, /"lost"/u);
    });

    it("want both guards where they are expected, and never a disabled one", () => {
        const guard = (name: string, always = true): { name: string; always: boolean } => ({
            name,
            always,
        });
        const both = [guard("audit_trail_refuse_truncate"), guard("audit_trail_record_key_update")];
        assert.ok(judgeGuards(both, true).ok);
        assert.match(judgeGuards(both.slice(1), true).detail, /truncate/u);
        assert.ok(judgeGuards([], false).ok);
        assert.equal(judgeGuards([guard("audit_trail_refuse_truncate", false)], false).ok, false);
    });

    it("fail for recent gaps that hide changes and tell of the others", () => {
        const gap = {
            kind: "reload",
            count: "2",
            last: "2026-01-01T00:00:00Z",
            is_recent: true,
            hides_changes: true,
        };
        assert.equal(judgeGaps([gap]).ok, false);
        assert.ok(judgeGaps([{ ...gap, is_recent: false }]).ok);
        assert.ok(judgeGaps([{ ...gap, hides_changes: false }]).ok);
        assert.match(judgeGaps([{ ...gap, is_recent: false }]).detail, /2 x reload/u);
    });
});

describe("verify: the report", () => {
    const parts = {
        table: "public.items",
        completeUpTo: "2026-01-01T00:00:00.000000Z",
        rows: 3,
        logRows: 5,
        differences: [],
        differenceCount: 0,
        checks: [],
    };

    it("is one line for a complete table", () => {
        const report = { complete: true, checks: [], tables: [tableReport(parts)] };
        assert.deepEqual(reportLines(report), [
            "public.items: complete up to 2026-01-01T00:00:00.000000Z (3 rows, 5 log rows)",
        ]);
    });

    it("names keys and kinds, how many more there are, and failed checks", () => {
        const differences = new Differences(1);
        differences.add({ key: '{"id": 1}', kind: "different row", detail: "columns: price" });
        differences.add({ key: '{"id": 2}', kind: "missing in trail", detail: "" });
        const table = tableReport({
            ...parts,
            differences: differences.listed,
            differenceCount: differences.count,
            checks: [{ name: "triggers", ok: false, detail: "log_change is disabled" }],
        });
        assert.deepEqual(reportLines({ complete: false, checks: [], tables: [table] }), [
            "public.items: NOT complete, compared up to 2026-01-01T00:00:00.000000Z (3 rows, 5 log rows)",
            "  FAILED triggers: log_change is disabled",
            '  {"id": 1}  different row (columns: price)',
            "  and 1 more differences",
        ]);
    });

    it("calls no table complete whose rows were not compared", () => {
        const table = tableReport({ ...parts, completeUpTo: null });
        assert.equal(table.complete, false);
        assert.doesNotMatch(
            reportLines({ complete: false, checks: [], tables: [table] }).join(),
            /complete up to/u,
        );
    });
});

describe("verify: the command line", () => {
    const known = ["--stack", "--table", "--since", "--json"];

    it("takes a stack, tables, a time and --json", () => {
        const args = [
            "--stack",
            "dev",
            "--table=public.a=b",
            "--table",
            "s.t",
            "--json",
            "--since",
            "2026-01-31",
        ];
        assert.deepEqual(parseOptions(args, known), {
            stack: "dev",
            verbose: false,
            json: true,
            tables: ["public.a=b", "s.t"],
            since: "2026-01-31",
        });
    });

    it("refuses what it does not know and values that are none", () => {
        for (const args of [
            ["--jsno"],
            ["--json=1"],
            ["--stack"],
            ["--stack", "a b"],
            ["--since", "soon"],
            ["x"],
        ]) {
            assert.throws(() => parseOptions(args, known), /Unknown option|wants/u, args.join(" "));
        }
        assert.throws(() => parseOptions(["--json"], ["--stack"]), /Unknown option/u);
    });

    it("finds a cluster by the stack's own psql output", () => {
        const psql =
            'psql "host=h.example port=5433 dbname=app user=u sslmode=verify-full sslrootcert=certs/ca.pem"';
        const url = new URL(urlOf(psql, '{"username":"u@x","password":"p/w:?#"}'));
        assert.equal(url.host, "h.example:5433");
        assert.equal(decodeURIComponent(url.password), "p/w:?#");
        assert.equal(decodeURIComponent(url.username), "u@x");
        assert.equal(url.pathname, "/app");
        assert.equal(url.searchParams.get("sslmode"), "verify-full");
    });
});
