import assert from "node:assert/strict";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { hasUnverified, VERIFICATION } from "../../verify/report";

const ITEMS = "public.items";
const DOCUMENTS = "public.documents";
const KIB = 1024;

/** What a ledger's lock is told by. */
const HOLDER =
    /process \d+ \(application "archive", transaction since \d{4}-[\d:TZ-]+\) has locked audit_trail\./u;

/** Each ledger, and what is left of verifying a table while somebody has locked it. */
const LEDGERS: Readonly<Record<string, "no rows" | "its rows">> = {
    audited_table: "no rows",
    audited_column: "no rows",
    acknowledgement: "no rows",
    apply_session: "no rows",
    gap: "no rows",
    audited_partition: "its rows",
    log_count: "its rows",
    public_items_tombstone: "its rows",
    brought_back: "its rows",
    database_user: "its rows",
    gap_kind: "its rows",
    own_write: "its rows",
    schema_version: "its rows",
    slot_observation: "its rows",
    unlogged_change: "its rows",
};

const DDL = `
    CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100));
    INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 100) AS n;
    CREATE TABLE documents (id integer PRIMARY KEY, body text, scan bytea);
`;

interface Gap {
    readonly table_name: string | null;
    readonly kind: string;
    readonly detail: Record<string, unknown>;
}

describe("verify keeps the gap ledger:", function () {
    this.timeout(60_000);
    let world: World;

    const gaps = async (): Promise<Gap[]> =>
        (
            await world.trail.reader.query<Gap>(
                "SELECT table_name, kind, detail FROM audit_trail.gap ORDER BY gap_id",
            )
        ).rows;
    const kinds = async (): Promise<string[]> => (await gaps()).map(({ kind }) => kind);

    before(async () => {
        world = await World.open(DDL, [
            { schema: "public", table: "items" },
            { schema: "public", table: "documents" },
        ]);
    });
    after(async () => {
        await world.close();
    });

    it("nothing on a trail that nothing happened to", async () => {
        for (let run = 0; run < 2; run += 1) {
            const report = await world.verify();
            assert.ok(report.complete, JSON.stringify(report));
        }
        assert.deepEqual(await gaps(), []);
    });

    it("and says who has locked a ledger, of what needs it, and goes on with the rest", async function () {
        // As many verifications as there are ledgers.
        this.timeout(180_000);
        const { superuser } = world.trail;
        const left: Record<string, string> = {};
        await superuser.query("SET application_name = 'archive'");
        for (const ledger of Object.keys(LEDGERS)) {
            const relation = `audit_trail.${ledger}`;
            await superuser.query(`BEGIN; LOCK TABLE ${relation} IN ACCESS EXCLUSIVE MODE`);
            const outcome = await world
                .verify({ lockTimeoutMs: 50 }, ITEMS)
                .finally(() => superuser.query("ROLLBACK"));
            const table = tableOf(outcome, ITEMS);
            for (const { name, detail, ok } of [...outcome.checks, ...table.checks]) {
                assert.ok(ok || (HOLDER.test(detail) && detail.includes(relation)), name + detail);
            }
            // One sentence for all that could not be made, whatever their number; definitions say what they could not look at.
            for (const { checks } of [outcome, table]) {
                const [unmade, ...others] = checks.filter(({ name }) => name === VERIFICATION);
                assert.deepEqual(others, []);
                const sentences = unmade?.findings?.filter((one) => one.includes("in vain")) ?? [];
                assert.ok(sentences.length <= 1, sentences.join("\n"));
            }
            // What reads no ledger is always checked.
            const made = [...outcome.checks, ...table.checks].map(({ name }) => name);
            for (const name of ["source functions", "DMS control tables", "source guards"]) {
                const needsChoice = name === "source guards" && ledger === "audited_column";
                assert.equal(made.includes(name), !needsChoice, `${ledger}: ${made.join()}`);
            }
            assert.equal(hasUnverified(outcome), !outcome.complete);
            left[ledger] = table.comparedUpTo === null ? "no rows" : "its rows";
        }
        assert.deepEqual(left, LEDGERS);
        assert.ok((await world.verify()).complete);
    });

    it("a task that was stopped and resumed, which makes no table incomplete", async () => {
        await world.stopReplication();
        await world.source.query("UPDATE items SET name = 'changed' WHERE item_id <= 10");
        await world.resumeReplication();
        for (let run = 0; run < 2; run += 1) {
            const report = await world.verify();
            assert.ok(report.complete, JSON.stringify(report));
        }
        assert.deepEqual(await kinds(), ["task stopped"]);
    });

    it("what was lost while nobody read it, although the rows were changed again since", async () => {
        await world.stopReplication();
        await world.verify({ markerTimeoutMs: 100 });
        await world.source.query("UPDATE items SET name = 'lost' WHERE item_id = 50");
        // As after the audit database was set back: the slot is further than the trail.
        await world.source.query(
            "SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) FROM pg_replication_slots",
        );
        await world.resumeReplication();
        await world.source.query("UPDATE items SET name = 'found' WHERE item_id = 50");
        for (let run = 0; run < 2; run += 1) {
            const report = await world.verify();
            assert.deepEqual(tableOf(report, ITEMS).differences, []);
            assert.deepEqual(failedChecks(tableOf(report, ITEMS)), ["gaps"]);
        }
        const [gap, ...others] = (await gaps()).filter(({ kind }) => kind === "marker missing");
        assert.deepEqual(others, []);
        assert.deepEqual(gap?.detail["markers"], 1);
        const { rows } = await world.trail.operator.query<{ id: string }>(
            "SELECT audit_trail.acknowledge(max(gap_id), 'the slot was moved on') AS id FROM audit_trail.gap WHERE kind = 'marker missing'",
        );
        assert.equal(rows.length, 1);
        assert.ok((await world.verify()).complete);
    });

    it("a large value that DMS has cut, once", async () => {
        await world.source.query(
            `INSERT INTO documents VALUES (1, repeat('ä', 64 * ${KIB}), NULL),
                 (2, 'short', convert_to(repeat('x', 100 * ${KIB}), 'UTF8')), (3, 'short', 'short')`,
        );
        for (let run = 0; run < 2; run += 1) {
            const report = tableOf(await world.verify({}, DOCUMENTS), DOCUMENTS);
            assert.deepEqual(
                report.differences.map(({ key, detail }) => [key, detail]),
                [
                    ['{"id": 1}', "columns: body (cut by DMS)"],
                    ['{"id": 2}', "columns: scan (cut by DMS)"],
                ],
            );
        }
        const cut = (await gaps()).filter(({ kind }) => kind === "lob truncated");
        assert.deepEqual(
            cut.map(({ table_name, detail }) => [table_name, detail]),
            [
                ["documents", { row_key: { id: 1 }, column: "body" }],
                ["documents", { row_key: { id: 2 }, column: "scan" }],
            ],
        );
        await world.source.query("UPDATE documents SET body = 'short', scan = 'short'");
        const report = tableOf(await world.verify({}, DOCUMENTS), DOCUMENTS);
        assert.deepEqual(report.differences, []);
        assert.deepEqual(failedChecks(report), ["gaps"]);
    });

    it("no cut value where another value only begins alike", async () => {
        await world.source.query("UPDATE documents SET body = repeat('x', 10)");
        // The update is in the trail before a row of it is forged.
        const clean = tableOf(await world.verify({}, DOCUMENTS), DOCUMENTS);
        assert.deepEqual(clean.differences, []);
        const before = (await gaps()).length;
        await world.forge(
            `UPDATE documents_staging SET body = 'xxx' WHERE id = 3;
             UPDATE documents_audit_log SET new_row_data = jsonb_set(new_row_data, '{body}', '"xxx"')
                 WHERE row_key = '{"id": 3}' AND audit_id = (SELECT max(audit_id) FROM documents_audit_log WHERE row_key = '{"id": 3}')`,
        );
        const report = tableOf(await world.verify({}, DOCUMENTS), DOCUMENTS);
        assert.deepEqual(
            report.differences.map(({ detail }) => detail),
            ["columns: body"],
        );
        assert.equal((await gaps()).length, before);
    });

    it("tombstones that were forgotten are not missed, others are", async () => {
        await world.source.query("DELETE FROM items WHERE item_id IN (91, 92)");
        assert.ok(tableOf(await world.verify({}, ITEMS), ITEMS).complete);
        const aged = (id: number, days: number): string => `
            UPDATE items_audit_log SET recorded_at = now() - interval '${days} days'
                WHERE row_key = '{"item_id": ${id}}' AND operation = 'D';
            UPDATE audit_trail.public_items_tombstone SET removed_at = now() - interval '${days} days'
                WHERE row_key = '{"item_id": ${id}}';`;
        await world.forge(aged(91, 40) + aged(92, 30));
        const { rows } = await world.trail.operator.query(
            "SELECT audit_trail.maintain_table('public', 'items', '35 days') AS forgotten",
        );
        assert.deepEqual(rows, [{ forgotten: "1" }]);
        const report = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.ok(report.complete, JSON.stringify(report));

        await world.source.query("INSERT INTO items VALUES (91, 'again')");
        assert.ok(tableOf(await world.verify({}, ITEMS), ITEMS).complete);
        await world.forge("DELETE FROM audit_trail.public_items_tombstone");
        assert.deepEqual(
            tableOf(await world.verify({}, ITEMS), ITEMS).differences.map(({ kind }) => kind),
            ["deleted without tombstone"],
        );
    });

    it("a column that the source got, until DMS knows it", async () => {
        const columns = async (): Promise<string[]> => {
            const { checks } = tableOf(await world.verify({}, ITEMS), ITEMS);
            return checks.flatMap(({ name, ok, detail }) =>
                name === "columns" && !ok ? [detail] : [],
            );
        };
        await world.alterSource("ALTER TABLE items ADD COLUMN colour text");
        assert.match(
            (await columns()).join(),
            /^staging has no column colour: deploy, which also resumes/u,
        );
        await world.redeploy();
        assert.match(
            (await columns()).join(),
            /^staging got the column colour after the DMS task/u,
        );
        await world.stopReplication();
        await world.resumeReplication();
        await world.source.query("UPDATE items SET colour = 'red' WHERE item_id < 5");
        assert.deepEqual(await columns(), []);
        const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.equal(
            differences.find(({ kind }) => kind === "different row"),
            undefined,
        );
        await world.alterSource("ALTER TABLE items DROP COLUMN colour");
        await world.redeploy();
        assert.deepEqual(await columns(), []);
        assert.ok((await kinds()).includes("shape change"));
    });

    it("a marker's event that somebody took out of the ledger", async () => {
        await world.source.query(
            "INSERT INTO audit_trail.marker (kind, table_schema, table_name) VALUES ('truncate', 'public', 'documents')",
        );
        assert.deepEqual(failedChecks(tableOf(await world.verify(), DOCUMENTS)), ["gaps"]);
        await world.forge(
            `ALTER TABLE audit_trail.gap DISABLE TRIGGER append_only;
             DELETE FROM audit_trail.gap WHERE kind = 'truncate';
             ALTER TABLE audit_trail.gap ENABLE ALWAYS TRIGGER append_only`,
        );
        const report = await world.verify();
        assert.deepEqual(failedChecks(report), ["markers"]);
        assert.match(
            report.checks.find(({ name }) => name === "markers")?.detail ?? "",
            /^the gap ledger has no entry for the truncate of marker \d+$/u,
        );
    });

    it("nothing of the slots of others, and a slot that is gone, once", async () => {
        const before = await kinds();
        const other = (what: string): Promise<unknown> =>
            world.source.query(`SELECT pg_${what.replace("(", "_replication_slot('another'")}`);
        await other("create_logical(, 'test_decoding')");
        const running = await world.verify();
        assert.deepEqual(failedChecks(running), ["markers"]);
        assert.match(running.checks[0]?.detail ?? "", /^awsdms_\S+ is \d+ bytes behind$/u);
        await other("drop()");
        assert.deepEqual(failedChecks(await world.verify()), ["markers"]);
        await world.stopReplication();
        await other("create_logical(, 'test_decoding')");
        const stopped = await world.verify({ markerTimeoutMs: 100 });
        assert.match(stopped.checks[0]?.detail ?? "", /^awsdms_\S+ is not in use/u);
        assert.deepEqual(await kinds(), before);

        await world.dropSlot();
        for (let run = 0; run < 2; run += 1) {
            const report = await world.verify({ markerTimeoutMs: 100 });
            assert.match(report.checks[0]?.detail ?? "", /no slot of a DMS task/u);
        }
        assert.deepEqual(
            (await gaps())
                .slice(before.length)
                .map(({ kind, detail }) => [kind, detail["slots_after"]]),
            [["slot recreated", []]],
        );
        await other("drop()");
    });
});
