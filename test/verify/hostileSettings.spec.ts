import assert from "node:assert/strict";
import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import { prepareSession, SESSION_SETTINGS } from "../../database/session";
import { ACCEPTED, COMPOUND, TYPE_DDL } from "../../testing/pipeline/typeCases";
import { deploy } from "../../testing/trailDatabase";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { readTables } from "../../verify/readTables";

/** What an administrator may have set, on either side, at whatever level. */
const HOSTILE: Readonly<Record<string, string>> = {
    search_path: "elsewhere",
    DateStyle: "SQL, DMY",
    IntervalStyle: "sql_standard",
    TimeZone: "Asia/Kolkata",
    extra_float_digits: "-5",
    bytea_output: "escape",
    xmloption: "document",
    xmlbinary: "hex",
    array_nulls: "off",
    quote_all_identifiers: "on",
    standard_conforming_strings: "off",
    transform_null_equals: "on",
    row_security: "off",
};
/** What ends or refuses the work of a session. */
const CUTTING: Readonly<Record<string, string>> = {
    default_transaction_isolation: "serializable",
    default_transaction_read_only: "on",
    statement_timeout: "1s",
    lock_timeout: "1ms",
    idle_in_transaction_session_timeout: "1ms",
    idle_session_timeout: "1s",
    transaction_timeout: "1s",
    wal_sender_timeout: "100ms",
};

const CASES = [...ACCEPTED, ...COMPOUND].map((one, at) => ({
    ...one,
    // DMS takes no hyphen in the name of a column.
    name: `c${at} ${one.type.replaceAll("-", "minus ")}`,
}));
const ROUNDS = Math.max(...CASES.map(({ values }) => values.length));
/** The test's own statements mean what they say. */
const PLAIN = Object.entries({ ...SESSION_SETTINGS, search_path: "public" })
    .map(([name, value]) => `SET ${name} = ${escapeLiteral(value)}`)
    .join("; ");
const DDL = `${PLAIN}; ${TYPE_DDL}; CREATE TABLE public.typed (
    id integer PRIMARY KEY,
    ${CASES.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`).join(", ")}
)`;

function insert(first: number): string {
    const row = (round: number): string =>
        CASES.map(({ values }) => escapeLiteral(values[round % values.length] ?? "")).join(", ");
    const rows = Array.from({ length: ROUNDS }, (_, round) => `(${first + round}, ${row(round)})`);
    return `INSERT INTO public.typed VALUES ${rows.join(", ")}`;
}

describe("hostile settings of both databases", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(
            `${DDL}; ${insert(0)}`,
            [{ schema: "public", table: "typed" }],
            HOSTILE,
        );
    });
    after(async () => {
        await (world as World | undefined)?.close();
    });

    /** A session of the test's own, which nothing cuts. */
    async function undisturbed(): Promise<Client> {
        const client = await world.session();
        await prepareSession(client, { search_path: "public" });
        return client;
    }

    it("change no value of any type on its way, and cut no session", async () => {
        const source = await undisturbed();
        const first = await world.verify();
        assert.ok(first.complete, JSON.stringify(first));

        // From now on for every new session; those of DMS begin anew.
        for (const [name, value] of Object.entries({ ...HOSTILE, ...CUTTING })) {
            for (const place of [
                "DATABASE source",
                "DATABASE audit",
                "ROLE postgres",
                "ROLE master",
                "ROLE audit_trail_dms_source",
                "ROLE audit_trail_dms_target",
            ]) {
                await source.query(`ALTER ${place} SET ${name} = ${escapeLiteral(value)}`);
            }
        }
        await world.stopReplication();
        await world.resumeReplication();
        await source.query(insert(100));
        await source.query("UPDATE public.typed SET id = id WHERE id = 1");
        await source.query("DELETE FROM public.typed WHERE id = 2");
        const second = await world.verify();
        assert.ok(second.complete, JSON.stringify(second));
        assert.equal(tableOf(second, "public.typed").rows, 2 * ROUNDS - 1);
    });

    it("change no default that older rows have", async () => {
        const source = await undisturbed();
        await source.query(`
            ALTER TABLE public.typed
                ADD COLUMN due date DEFAULT '2026-03-04',
                ADD COLUMN at timestamptz DEFAULT '2026-03-04 05:06:07.000008+00',
                ADD COLUMN span interval DEFAULT '-1 day +2 hours',
                ADD COLUMN size float8 DEFAULT 0.1234567890123456,
                ADD COLUMN paid money DEFAULT -1234.5,
                ADD COLUMN raw bytea DEFAULT '\\xdeadbeef',
                ADD COLUMN days date[] DEFAULT '{2026-03-04,NULL}'`);
        const reader = await world.session();
        await prepareSession(reader);
        const master = await world.auditSession();
        await prepareSession(master);
        const tables = await readTables(reader, master, world.definitions);
        world.definitions = tables.map((table) => {
            assert.ok("columns" in table);
            return table;
        });
        await deploy(master, world.definitions);
        await world.stopReplication();
        await world.resumeReplication();
        const report = await world.verify();
        assert.ok(report.complete, JSON.stringify(report));
        const { rows } = await source.query(
            "SELECT due::text, at::text, span::text, size::text, paid::text, raw::text, days::text FROM public.typed LIMIT 1",
        );
        const staged = await master.query(
            "SELECT DISTINCT due::text, at::text, span::text, size::text, paid::text, raw::text, days::text FROM public.typed_staging",
        );
        assert.deepEqual(staged.rows, rows);
    });

    it("a default that staging has otherwise is a difference, though the log is silent", async () => {
        await world.forge("UPDATE public.typed_staging SET due = '2026-04-03'");
        const { differences } = tableOf(await world.verify(), "public.typed");
        assert.deepEqual(
            [...new Set(differences.map(({ kind }) => kind))],
            ["staging differs where the log is silent"],
        );
        await world.forge("UPDATE public.typed_staging SET due = '2026-03-04'");
    });

    it("that reach DMS's sessions are named", async () => {
        const source = await undisturbed();
        await source.query(
            "ALTER ROLE audit_trail_dms_source IN DATABASE source SET datestyle = 'German'",
        );
        const report = await world.verify();
        assert.deepEqual(failedChecks(report), ["DMS sessions"]);
        assert.match(
            JSON.stringify(report.checks),
            /audit_trail_dms_source has not DateStyle = ISO, MDY in its sessions/u,
        );
    });
});
