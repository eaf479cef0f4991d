import assert from "node:assert/strict";
import fc from "fast-check";
import { parseOptions } from "../../commands/shared/options";
import { givenUrls, requireVerifiedServer } from "../../commands/shared/secureUrl";
import { urlOf } from "../../commands/shared/stackAccess";
import { judgeGaps } from "../../verify/auditChecks";
import { suspects } from "../../verify/compareRows";
import { Differences, findingOf } from "../../verify/differences";
import { differenceKind, isExplained, type RowHash, type Version } from "../../verify/keyVersions";
import { type Lock, lockWords } from "../../verify/locks";
import { type Bucket, judgeCounts, type KnownCount } from "../../verify/logCounts";
import { type ApplyStep, MarkerWait } from "../../verify/markerWait";
import { type TableReport, tableReport } from "../../verify/report";
import { reportLines } from "../../verify/reportText";
import { judgeSlots, type Slot, taskSlots } from "../../verify/slotChecks";
import { judgeGuards } from "../../verify/sourceChecks";
import { judgeDeletes } from "../../verify/statistics";

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
    const slot: Slot = {
        slot_name: "s",
        active: true,
        is_read_by_dms: true,
        wal_status: "reserved",
        lag_bytes: "10",
        wal_end: "100",
        confirmed: "90",
        sent: "90",
    };

    describe("wait for a marker", () => {
        const idle: readonly ApplyStep[] = [];
        /** Looks at a task once a second; says at which look it was given up, and with which words. */
        const given = (
            looks: readonly { slots?: readonly Slot[]; applying?: readonly ApplyStep[] }[],
        ): [number, string] | undefined => {
            const wait = new MarkerWait(3_000, 0);
            for (const [at, { slots = [slot], applying = idle }] of looks.entries()) {
                const words = wait.look({ at: (at + 1) * 1_000, slots, applying });
                if (words !== undefined) {
                    return [at + 1, words];
                }
            }
            return undefined;
        };
        const times = <T>(count: number, one: (at: number) => T): T[] =>
            Array.from({ length: count }, (_, at) => one(at));

        it("of a group without a slot no longer than the others read, and says so", () => {
            const wait = new MarkerWait(1_000, 0, 2);
            const others = [{ ...slot, confirmed: "100" }];
            const words = wait.look({ at: 1_000, slots: others, applying: idle }) ?? "";
            assert.match(words, /the slot of this group's task is gone: the source has 1 of/u);
            const behind = new MarkerWait(1_000, 0, 2).look({
                ...{ at: 1_000, slots: [slot], applying: idle },
            });
            assert.match(
                behind ?? "",
                /has stood still for 1 seconds \(s is 10 bytes behind; the source has 1 of the slots of 2 groups\)/u,
            );
        });

        it("as long as the slot is read on", () => {
            const at = (confirmed: number, sent: number | null): Slot => ({
                ...slot,
                wal_end: "100",
                confirmed: String(confirmed),
                sent: sent === null ? null : String(sent),
            });
            assert.equal(given(times(50, (n) => ({ slots: [at(n, null)] }))), undefined);
            assert.equal(given(times(50, (n) => ({ slots: [at(1, n)] }))), undefined);
            // A position beyond what a number can hold.
            const far = (n: number): Slot => ({
                ...at(0, null),
                confirmed: `90071992547409930${String(n + 10)}`,
                wal_end: "90071992547409939999",
            });
            assert.equal(given(times(50, (n) => ({ slots: [far(n)] }))), undefined);
        });

        it("as long as a large transaction comes to its next statement", () => {
            const step = (transaction: string, statement: number): ApplyStep => ({
                transaction,
                statement: String(statement),
            });
            const large = times(50, (n) => ({ applying: [step("1 800", n)] }));
            assert.equal(given(large), undefined);
            // One statement that waits for a lock.
            assert.equal(given(times(50, () => ({ applying: [step("1 800", 1)] })))?.[0], 3);
            // Small ones of their own, as DMS writes its status.
            assert.equal(given(times(50, (n) => ({ applying: [step(`1 ${n}`, n)] })))?.[0], 3);
        });

        it("and no longer than the time once it stands still or is past the marker", () => {
            const still = given(times(50, () => ({})));
            assert.equal(still?.[0], 3);
            assert.match(still[1], /stood still for 3 seconds \(s is 10 bytes behind\): /u);
            assert.match(given(times(50, () => ({ slots: [] })))?.[1] ?? "", /has no slot/u);
            // It goes on without the marker, which was committed before position 100.
            const past = given(
                times(50, (n) => ({
                    slots: [{ ...slot, confirmed: String(95 + n * 10), sent: String(95 + n * 10) }],
                })),
            );
            assert.equal(past?.[0], 3);
            assert.match(past[1], /the marker was lost, or the task holds it back/u);
            // It was slow at first.
            const slow = times(9, (n) => ({ slots: [{ ...slot, confirmed: String(80 + n) }] }));
            assert.equal(given([...slow, ...times(50, () => ({ slots: [slot] }))])?.[0], 13);
        });
    });

    it("name who has locked what, each session once", () => {
        const lock = (pid: string, relation: string, more: Partial<Lock> = {}): Lock => ({
            ...{
                oid: relation,
                relation,
                part_of: null,
                pid,
                application: "psql",
                since: null,
                granted: true,
            },
            ...more,
        });
        const leaves = [1, 2, 3].map((n) => lock("7", `a_${n}`, { part_of: "a" }));
        assert.equal(lockWords([]), "somebody had locked a table");
        assert.equal(
            lockWords([lock("7", "a"), ...leaves, lock("8", "a", { granted: false })]),
            'process 7 (application "psql") has locked a, process 8 (application "psql") waits to lock a',
        );
        // One partition of a table that is not locked itself.
        assert.match(lockWords(leaves.slice(0, 1)), / has locked a_1$/u);
        assert.equal(
            lockWords(
                ["a", "b", "c", "d", "e"].map((name) => lock("7", name, { application: "" })),
            ),
            "process 7 has locked a, b, c, and 2 more",
        );
        assert.match(lockWords([lock("7", "a", { application: "x\ny" })]), /"x\?y"/u);
        const since = "2026-11-26T21:03:12Z";
        assert.equal(
            lockWords([lock("7", "a", { since })]),
            `process 7 (application "psql", transaction since ${since}) has locked a`,
        );
        assert.equal(
            lockWords([lock("7", "a", { application: "", since })]),
            `process 7 (transaction since ${since}) has locked a`,
        );
    });

    it("tell the task's slot from those of others", () => {
        const idle = { ...slot, active: false, is_read_by_dms: false };
        const developer = { ...idle, slot_name: "developer" };
        const second = { ...slot, slot_name: "second", is_read_by_dms: false };
        const remembered = (
            all: readonly Slot[],
            known?: readonly string[],
        ): readonly string[] | undefined => taskSlots(all, known).remember;
        // In use by the trail's user, whatever else there is and was.
        assert.deepEqual(remembered([slot, developer, second]), ["s"]);
        assert.deepEqual(remembered([{ ...slot, slot_name: "new" }, idle], ["s"]), ["new"]);
        // The task is stopped: the one that it had, and nothing of others that come and go.
        assert.deepEqual(remembered([idle, developer, second], ["s"]), ["s"]);
        assert.deepEqual(remembered([idle], ["s"]), ["s"]);
        // It is gone.
        assert.deepEqual(remembered([developer], ["s"]), []);
        assert.deepEqual(remembered([], ["s"]), []);
        // Nobody has looked before, and nothing shows whose they are.
        assert.equal(remembered([idle, developer]), undefined);
        assert.deepEqual(taskSlots([idle], undefined).slots, [idle]);
    });

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
            acknowledged: "0",
            open: "2",
            last: "2026-01-01T00:00:00Z",
            open_ids: ["8", "7"],
            hides_changes: true,
        };
        assert.equal(judgeGaps([gap]).ok, false);
        assert.ok(judgeGaps([{ ...gap, open: "0" }]).ok);
        assert.ok(judgeGaps([{ ...gap, hides_changes: false }]).ok);
        assert.match(judgeGaps([{ ...gap, open: "0" }]).detail, /2 x reload/u);
        assert.deepEqual(judgeGaps([{ ...gap, kind: "not audited" }]).findings, [
            "2 x not audited, the last at 2026-01-01T00:00:00Z (gap 8, 7): reload the table, docs/tables.md",
        ]);
    });
});

describe("verify: the report", () => {
    const parts = {
        table: "public.items",
        comparedUpTo: "2026-01-01T00:00:00.000000Z",
        rows: 3,
        logRows: 1,
        differences: [],
        differenceCount: 0,
        acknowledged: { differences: [], gaps: [] },
        notes: [],
        checks: [],
    };
    const TABLE = { schema: "public", table: "items" };
    const lines = (...tables: TableReport[]): string[] =>
        reportLines({ complete: false, checks: [], tables });

    it("is one line for a complete table", () => {
        assert.deepEqual(lines(tableReport(parts), tableReport({ ...parts, table: "s.t" })), [
            "public.items  complete up to 2026-01-01T00:00:00Z (3 rows)",
            "s.t           complete up to 2026-01-01T00:00:00Z (3 rows)",
        ]);
    });

    it("names keys by kind, how many more there are, and failed checks", () => {
        const differences = new Differences(TABLE, 1);
        const first = { key: '{"id": 1}', kind: "different row", detail: "columns: price" };
        differences.add({ ...first, evidence: "1 2" });
        differences.add({ key: '{"id": 2}', kind: "missing in trail", detail: "" });
        const table = tableReport({
            ...parts,
            differences: differences.listed,
            differenceCount: differences.count,
            checks: [{ name: "triggers", ok: false, detail: "log_change is disabled" }],
        });
        const finding = findingOf(TABLE, { ...first, evidence: "1 2" });
        assert.match(finding, /^[0-9a-f]{16}$/u);
        assert.deepEqual(lines(table), [
            "public.items  NOT complete: 2 differences, 1 failed check",
            "",
            "public.items, compared up to 2026-01-01T00:00:00Z (3 rows, 1 log row)",
            "  FAILED triggers",
            "    log_change is disabled",
            "  different row",
            `    {"id": 1}  columns: price  [${finding}]`,
            "  and 1 more differences",
            "",
            "docs/verify.md says how to acknowledge what has an explanation.",
        ]);
    });

    it("says where differences were not counted to their end", () => {
        const differences = new Differences(TABLE, 1);
        for (let at = 0; !differences.isEnough; at += 1) {
            differences.add({ key: `{"id": ${at}}`, kind: "missing in trail", detail: "" });
        }
        const table = tableReport({
            ...parts,
            differences: differences.listed,
            differenceCount: differences.count,
        });
        const text = lines(table);
        assert.equal(text[0], "public.items  NOT complete: at least 10000 differences");
        assert.ok(text.includes("  and at least 9999 more differences"), text.join("\n"));
    });

    it("folds long lists, and wraps between words at 80 columns", () => {
        const findings = Array.from({ length: 55 }, (_, at) => `${"word ".repeat(20)}${at}`);
        const table = tableReport({
            ...parts,
            checks: [{ name: "partitions", ok: false, detail: findings.join("; "), findings }],
        });
        const text = lines(table);
        assert.equal(text.filter((line) => line.trim() === "and 50 more").length, 1);
        assert.ok(text.length < 20, text.join("\n"));
        assert.ok(text.every((line) => line.length <= 80));
    });

    it("says who has explained what, and counts it as complete", () => {
        const found = { key: '{"id": 1}', kind: "broken chain", detail: "", evidence: "7" };
        const by = { by: "op", at: "2026-01-02T00:00:00Z", reason: "restored by hand" };
        const differences = new Differences(TABLE, 10, [
            { gap_id: null, finding: findingOf(TABLE, found), kind: found.kind, ...by },
        ]);
        differences.add(found);
        assert.equal(differences.count, 0);
        const report = (): TableReport =>
            tableReport({
                ...parts,
                differences: differences.listed,
                differenceCount: differences.count,
                acknowledged: {
                    differences: differences.acknowledged,
                    gaps: [{ gap: "4", kind: "reload", ...by }],
                },
            });
        assert.ok(report().complete);
        assert.deepEqual(lines(report()), [
            "public.items  complete up to 2026-01-01T00:00:00Z, 2 acknowledged (3 rows)",
            "",
            "public.items",
            '  acknowledged by op at 2026-01-02T00:00:00Z: {"id": 1} broken chain: restored',
            "    by hand",
            "  acknowledged by op at 2026-01-02T00:00:00Z: gap 4, reload: restored by hand",
        ]);
        // Another log row, another difference.
        differences.add({ ...found, evidence: "8" });
        assert.equal(report().complete, false);
    });

    it("calls no table complete whose rows were not compared", () => {
        const table = tableReport({ ...parts, comparedUpTo: null });
        assert.equal(table.complete, false);
        assert.doesNotMatch(lines(table).join(), /complete up to/u);
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
            "2026-01-31T12:00:00+01:00",
        ];
        assert.deepEqual(parseOptions(args, known), {
            stack: "dev",
            verbose: false,
            force: false,
            json: true,
            walkthrough: true,
            words: [],
            tables: ["public.a=b", "s.t"],
            groups: [],
            since: "2026-01-31T12:00:00+01:00",
        });
    });

    it("refuses what it does not know and values that are none", () => {
        for (const args of [
            ["--jsno"],
            ["--json=1"],
            ["--stack"],
            ["--stack", "a b"],
            ["--since", "soon"],
            // No zone, no such day, no such hour, not yet.
            ["--since", "2026-01-31"],
            ["--since", "2026-10-25T02:30"],
            ["--since", "2026-02-31T00:00:00Z"],
            ["--since", "2026-01-31T25:00:00Z"],
            ["--since", "2026-01-31T10:00:00+25:00"],
            ["--since", "2099-01-01T00:00:00Z"],
            ["x"],
        ]) {
            assert.throws(() => parseOptions(args, known), /Unknown option|wants/u, args.join(" "));
        }
        assert.throws(() => parseOptions(["--json"], ["--stack"]), /Unknown option/u);
    });

    it("are both the environment's or both the stack's, and never one of each", () => {
        const [source, audit] = ["AUDIT_TRAIL_SOURCE_URL", "AUDIT_TRAIL_AUDIT_URL"] as const;
        for (const environment of [{}, { [source]: "" }, { [source]: "", [audit]: "" }]) {
            assert.equal(givenUrls(environment), undefined);
        }
        assert.deepEqual(givenUrls({ [source]: "a", [audit]: "b" }), {
            sourceUrl: "a",
            auditUrl: "b",
        });
        for (const [given, missing] of [
            [source, audit],
            [audit, source],
        ] as const) {
            for (const more of [{}, { [missing]: "" }]) {
                assert.throws(() => givenUrls({ [given]: "postgresql://u:secret@h/d", ...more }), {
                    message: `${given} is set and ${missing} is not; set both, or neither to take the addresses of the stack.`,
                });
            }
        }
    });

    it("refuses an address whose server nobody would know, without telling its password", () => {
        const check = (url: string): void => {
            requireVerifiedServer("AUDIT_TRAIL_SOURCE_URL", url);
        };
        const remote = "postgresql://u:secret@db.example:5432/app";
        for (const parameters of [
            "",
            "?sslmode=require",
            "?sslmode=disable",
            "?sslmode=no-verify",
            "?sslmode=verify-ca",
            "?ssl=true",
            "?sslmode=verify-full&sslmode=disable",
            "?sslmode=disable&sslmode=verify-full",
        ]) {
            assert.throws(
                () => {
                    check(remote + parameters);
                },
                (error: Error) =>
                    /^AUDIT_TRAIL_SOURCE_URL leads to db\.example .*verify-full/u.test(
                        error.message,
                    ) && !error.message.includes("secret"),
                parameters,
            );
        }
        assert.throws(() => {
            check("postgresql://u:secret@localhost/app?host=db.example");
        }, /leads to db\.example/u);
        assert.throws(
            () => {
                check("postgresql://u:p/w@h:1/secret");
            },
            (error: Error) =>
                /is not the address/u.test(error.message) && !/secret/u.test(error.message),
        );
        check(`${remote}?sslmode=verify-full`);
        for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
            check(`postgresql://u:secret@${host}:5432/app`);
        }
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

describe("verify: what was counted of a log", () => {
    const counted = (count_id: string, from_xid: string, below_xid: string): KnownCount => ({
        ...{ count_id, from_xid, below_xid, counted_at: `T${count_id}` },
        ...{ log_rows: "2", hash_sum: "5" },
    });
    const bucket = (at: number | null, counted_rows: string, hash_sum: string): Bucket => ({
        ...{ below_xid: "40", counted_at: "T", bucket: at, log_rows: "9", first_change: null },
        ...{ counted_rows, hash_sum, waits_since: null },
    });
    const known = [counted("1", "0", "10"), counted("2", "10", "20")];

    it("is the same, whatever came since and whenever it was committed", () => {
        const buckets = [bucket(0, "2", "5"), bucket(1, "2", "5"), bucket(2, "7", "1")];
        assert.deepEqual(judgeCounts(known, buckets), []);
        assert.deepEqual(judgeCounts([], [bucket(0, "7", "1")]), []);
    });

    it("is otherwise by rows that are gone, came or were altered, or by a count that is gone", () => {
        const kinds = (buckets: readonly Bucket[], counts = known): string[] =>
            judgeCounts(counts, buckets).map(({ kind, detail }) => `${kind}: ${detail}`);
        assert.deepEqual(kinds([bucket(0, "1", "3"), bucket(1, "2", "6")]), [
            "log rows are gone since they were counted: 1 of 2 rows counted at T1",
            "log rows are altered since they were counted: some of 2 rows counted after T1 and at T2",
        ]);
        assert.deepEqual(kinds([bucket(null, "0", "0")]).length, 2);
        assert.deepEqual(kinds([bucket(0, "3", "9"), bucket(1, "2", "5")]), [
            "log rows among those that were counted: 1 beside the 2 counted at T1",
        ]);
        assert.deepEqual(kinds([bucket(0, "4", "10")], [counted("2", "10", "20")]), [
            "a count is missing: of what was counted up to T2 a part is missing in the ledger",
        ]);
    });

    it("and deletes that PostgreSQL counted are differences that can be acknowledged", () => {
        assert.deepEqual(judgeDeletes("0", null), []);
        const evidence = (...given: [string, string | null]): string | undefined =>
            judgeDeletes(...given)[0]?.evidence;
        assert.equal(evidence("1", null), evidence("1", null));
        assert.notEqual(evidence("1", null), evidence("2", null));
        assert.notEqual(evidence("1", null), evidence("1", "2026-11-26"));
    });
});
