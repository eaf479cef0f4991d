import assert from "node:assert/strict";
import { bytesText } from "../../preflight/amounts";
import type { Finding } from "../../preflight/finding";
import { lobFindings, lobScript } from "../../preflight/lobSizes";
import { reportLines } from "../../preflight/reportText";
import { capacityFindings, serverFindings } from "../../preflight/serverChecks";
import type { RoleFacts, ServerFacts } from "../../preflight/sourceFacts";
import { tableVolume } from "../../preflight/volume";
import { volumeLines } from "../../preflight/volumeText";

const ME: RoleFacts = {
    name: "postgres",
    is_superuser: false,
    can_log_in: true,
    can_make_roles: true,
    can_replicate: false,
    can_make_schemas: true,
    is_rds_superuser: true,
    is_rds_replication: true,
};

/** A source as the program makes one on Aurora. */
const GOOD: ServerFacts = {
    database: "appdb",
    version: "17.7",
    version_number: 170_007,
    is_in_recovery: false,
    encoding: "UTF8",
    is_aurora: true,
    is_managed: true,
    is_limitless: false,
    is_encrypted: true,
    has_trail: false,
    extensions: ["plpgsql"],
    settings: {
        wal_level: "logical",
        ssl: "on",
        wal_sender_timeout: "0",
        max_replication_slots: "20",
        max_wal_senders: "20",
    },
    pending_restart: [],
    overrides: [],
    me: ME,
    dms: null,
};

function told(facts: Partial<ServerFacts>): string[] {
    return serverFindings({ ...GOOD, ...facts }).map(
        ({ severity, check }) => `${severity} ${check}`,
    );
}

describe("preflight's decisions", () => {
    it("take the versions that DMS documents and this program is tested with", () => {
        assert.deepEqual(told({}), []);
        assert.deepEqual(told({ version: "14.22", version_number: 140_022 }), ["must version"]);
        assert.deepEqual(told({ version: "18.1", version_number: 180_001 }), ["must version"]);
        assert.deepEqual(told({ version_number: 150_010 }), []);
    });

    it("take a time-out of 0, and one from 10 seconds to 5 minutes", () => {
        const withTimeout = (ms: string): string[] =>
            told({ settings: { ...GOOD.settings, wal_sender_timeout: ms } });
        assert.deepEqual(withTimeout("9999"), ["must wal_sender_timeout"]);
        assert.deepEqual(withTimeout("10000"), []);
        assert.deepEqual(withTimeout("30000"), []);
        assert.deepEqual(withTimeout("300000"), ["note wal_sender_timeout"]);
    });

    it("tell a restart that is waited for by what waits", () => {
        assert.deepEqual(told({ pending_restart: ["max_connections"] }), ["note pending restart"]);
        assert.deepEqual(told({ pending_restart: ["max_connections", "wal_level"] }), [
            "must pending restart",
        ]);
    });

    it("count what is free, and need none where DMS reads already", () => {
        const slot = {
            name: "a",
            plugin: "test_decoding",
            database: "appdb",
            is_active: true,
            is_lost: false,
            held_bytes: "0",
        };
        const free = (most: string, isOurs: boolean): string[] =>
            capacityFindings(
                { ...GOOD, settings: { ...GOOD.settings, max_replication_slots: most } },
                { senders: 1, slots: [{ ...slot, is_read_by_dms: isOurs }] },
            ).map(({ severity, check }) => `${severity} ${check}`);
        assert.deepEqual(free("1", false), ["must max_replication_slots"]);
        assert.deepEqual(free("2", false), ["note max_replication_slots"]);
        assert.deepEqual(free("3", false), []);
        assert.deepEqual(free("1", true), []);
    });

    it("are folded where there are many of one kind, on lines that fit a terminal", () => {
        const findings = Array.from({ length: 1000 }, (_, index): Finding => ({
            check: "tables",
            severity: "must",
            found: `The table "odd\nname ${index}" has no primary key.`,
            wanted: "A key.",
            mend: "Add one.",
            source: "https://example.com",
        }));
        const lines = reportLines({
            ready: false,
            database: "appdb",
            version: "17.7",
            server: "Aurora",
            tables: [],
            findings,
            lobSizes: [],
            volume: undefined,
        });
        assert.ok(lines.length < 40, String(lines.length));
        assert.ok(lines.every((line) => line.length <= 80 && !/\p{Cc}/u.test(line)));
        assert.ok(lines.includes('  and 995 more of the check "tables": add --json.'));
        assert.equal(lines.at(-1), "Not ready: 1000 things must be mended.");
    });

    it("judge large objects by their bytes, and say what was looked at", () => {
        const seen = (bytes: number | undefined, percent: number): string[] =>
            lobFindings([{ table: "a.b", column: "c", bytes, percent }], 64).map(
                ({ severity, found }) => `${severity} ${found}`,
            );
        assert.deepEqual(seen(65_536, 100), []);
        assert.match(seen(65_537, 100).join(""), /^must The largest value of all rows of/);
        assert.match(seen(99_999, 3).join(""), /in a sample of 3 % of the pages/);
        assert.match(seen(undefined, 100).join(""), /^note .* could not be found out/);
        // A cast may be one that the owner of the type has made, and would run as whoever looks.
        const { sql } = lobScript(
            { schema: "a", table: "b" },
            { name: "c", type: "a.mood[]" },
            100,
        );
        assert.doesNotMatch(sql, /CAST|::text\b(?! AS bytes)/u);
    });

    it("estimate a load, and what a log grows by", () => {
        const facts = {
            ...{ schema: "a", table: "b", owner: "c", is_mine: true, has_full_identity: false },
            ...{ live_rows: "1000", bytes: String(100 * 1024 * 1024) },
            ...{ inserted: "10", updated: "20", deleted: "0" },
        };
        const volume = tableVolume(facts, 86_400);
        assert.equal(volume.loadSeconds, 10);
        assert.equal(volume.changesPerDay, 30);
        // Ten images of inserts and forty of updates, twice as large as a row, and 300 bytes for each of thirty log rows.
        assert.equal(Math.round(volume.logBytesPerDay), Math.round(50 * 2 * 104_857.6 + 9000));
        assert.equal(tableVolume(facts, 0).changesPerDay, 0);
        const tables = Array.from({ length: 12 }, () => volume);
        const linesAfter = (statisticsSeconds: number): string[] =>
            volumeLines({
                ...{ tables, walBytesPerDay: 1e9, walBytesPerDayNow: 2e9, statisticsSeconds },
            });
        const lines = linesAfter(86_400);
        assert.doesNotMatch(lines.join(" "), /too short/);
        assert.match(linesAfter(7).join(" "), /too short\s+to plan with/);
        assert.ok(lines.every((line) => line.length <= 80));
        assert.ok(lines.some((line) => line.startsWith("  2 more ")));
    });

    it("say bytes with two or three digits", () => {
        assert.deepEqual([0, 1023, 1024, 10 * 1024, 3.4 * 1024 ** 3].map(bytesText), [
            "0 bytes",
            "1023 bytes",
            "1.0 kB",
            "10 kB",
            "3.4 GB",
        ]);
    });
});
