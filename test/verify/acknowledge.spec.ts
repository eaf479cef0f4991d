import assert from "node:assert/strict";
import { renderSql } from "../../database/sqlTemplate";
import { until } from "../../testing/until";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";
import { Database } from "../../verify/database";
import { type Overview, overviewLines, readOverview } from "../../verify/overview";

const ITEMS = "public.items";
const DDL = `
    CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100));
    INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 10) AS n;
`;

describe("verify and what somebody has explained:", function () {
    this.timeout(60_000);
    let world: World;

    const acknowledge = async (parameters: readonly unknown[]): Promise<void> => {
        const list = parameters.map((_, at) => `$${at + 1}`).join(", ");
        await world.trail.operator.query(`SELECT audit_trail.acknowledge(${list})`, [
            ...parameters,
        ]);
    };
    const explain = async (reason: string): Promise<void> => {
        const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
        for (const { key, kind, finding } of differences) {
            await acknowledge(["public", "items", key, kind, finding, reason]);
        }
    };

    /** Removes all that the audit side has of a deleted key. */
    const life = (id: number): string =>
        `DELETE FROM items_audit_log WHERE row_key = '{"item_id": ${id}}';
         DELETE FROM audit_trail.public_items_tombstone WHERE row_key = '{"item_id": ${id}}'`;

    /** Begins all counts anew. */
    const forget = async (): Promise<void> => {
        await world.forge("SELECT");
        assert.ok((await world.verify({}, ITEMS)).complete);
    };

    const overview = async (): Promise<Overview> => {
        const source = await Database.prepare(await world.session(), "source");
        const audit = await Database.prepare(await world.auditSession(), "audit");
        return (await readOverview(source, audit)) ?? assert.fail("not deployed");
    };

    before(async () => {
        world = await World.open(DDL, [{ schema: "public", table: "items" }]);
        await world.source.query("UPDATE items SET name = 'first'");
        await world.source.query("UPDATE items SET name = 'second'");
        assert.ok((await world.verify({}, ITEMS)).complete);
    });
    after(async () => {
        await world.close();
    });

    it("a difference, until the same key has another one of the same kind", async () => {
        await world.forge("UPDATE items_staging SET name = 'forged' WHERE item_id = 1");
        await explain("forged by a test");
        const report = await world.verify({}, ITEMS);
        assert.ok(report.complete, JSON.stringify(report));
        assert.deepEqual(
            tableOf(report, ITEMS).acknowledged.differences.map(({ key, kind, by, reason }) => [
                ...[key, kind, by, reason],
            ]),
            [['{"item_id": 1}', "log and staging differ", "operator", "forged by a test"]],
        );
        await world.forge("UPDATE items_staging SET name = 'forged again' WHERE item_id = 1");
        const again = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.deepEqual(
            again.differences.map(({ kind }) => kind),
            ["log and staging differ"],
        );
        await world.forge("UPDATE items_staging SET name = 'second' WHERE item_id = 1");
    });

    it("a row that the trail does not have, until the source has another value", async () => {
        await world.stopReplication();
        await world.forge(
            `UPDATE items_staging SET name = 'lost' WHERE item_id = 2;
             UPDATE items_audit_log SET new_row_data = jsonb_set(new_row_data, '{name}', '"lost"')
                 WHERE row_key = '{"item_id": 2}' AND new_row_data ->> 'name' = 'second'`,
        );
        await world.resumeReplication();
        await explain("lost in an exercise");
        assert.ok((await world.verify({}, ITEMS)).complete);
        await world.evade(
            "items",
            "SET LOCAL session_replication_role = replica; ALTER TABLE items SET UNLOGGED; UPDATE items SET name = 'other' WHERE item_id = 2; ALTER TABLE items SET LOGGED",
        );
        const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.deepEqual(
            differences.map(({ key, kind }) => [key, kind]),
            [['{"item_id": 2}', "different row"]],
        );
        await explain("known");
    });

    it("a break in the log, for ever, because that row of the log stays what it is", async () => {
        await world.forge(
            `DELETE FROM items_audit_log WHERE row_key = '{"item_id": 3}' AND new_row_data ->> 'name' = 'first'`,
        );
        await explain("removed by a test");
        await world.source.query("UPDATE items SET name = 'third' WHERE item_id = 3");
        const report = await world.verify({}, ITEMS);
        assert.ok(report.complete, JSON.stringify(report));
    });

    it("a gap, and none of the same kind that comes later", async () => {
        const gap = "INSERT INTO audit_trail.gap (kind) VALUES ('slot recreated')";
        await world.forge(gap);
        const last = async (): Promise<string | undefined> =>
            (
                await world.trail.reader.query<{ id: string }>(
                    "SELECT max(gap_id)::text AS id FROM audit_trail.gap",
                )
            ).rows[0]?.id;
        const report = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.deepEqual(failedChecks(report), ["gaps"]);
        const { rows: audited } = await world.trail.master.query(
            renderSql("sql/status/audited.sql").sql,
        );
        assert.deepEqual(audited, [{ schema: "public", table: "items" }]);
        const { openGaps, ...rest } = await overview();
        await acknowledge([await last(), "planned"]);
        assert.equal((await overview()).openGaps, openGaps - 1);
        assert.deepEqual([rest.tables, rest.slots.length, rest.unloggedChanges], [1, 1, 0]);
        assert.equal(typeof rest.slots[0]?.lagBytes, "number");
        assert.match(rest.lastVerifyMarker ?? "", /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/u);
        const lines = overviewLines({ openGaps, ...rest });
        assert.ok(
            lines.every((line) => line.length <= 78),
            lines.join("\n"),
        );
        const explained = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.ok(explained.complete, JSON.stringify(explained));
        assert.deepEqual(
            explained.acknowledged.gaps.map(({ kind, reason }) => [kind, reason]),
            [["slot recreated", "planned"]],
        );
        await world.forge(gap);
        assert.deepEqual(failedChecks(tableOf(await world.verify({}, ITEMS), ITEMS)), ["gaps"]);
        await acknowledge([await last(), "planned as well"]);
    });

    it("only by an operator, for what there is, with a reason, and for good", async () => {
        for (const [parameters, refusal] of [
            [["1000000", "why"], /no gap 1000000/u],
            [["1", " "], /needs a reason/u],
            [["public", "items", "{}", "kind", "0123", "why"], /'0123' is not what verify prints/u],
            [["public", "none", "{}", "kind", "0123456789abcdef", "why"], /is not audited/u],
        ] as const) {
            await assert.rejects(acknowledge(parameters), refusal);
        }
        for (const client of [world.trail.reader, world.trail.dms]) {
            await assert.rejects(
                client.query("SELECT audit_trail.acknowledge(1, 'why')"),
                /permission denied/u,
            );
        }
        for (const statement of [
            "UPDATE audit_trail.acknowledgement SET reason = 'x'",
            "DELETE FROM audit_trail.acknowledgement",
            "TRUNCATE audit_trail.acknowledgement",
        ]) {
            await assert.rejects(world.trail.superuser.query(statement), /append-only/u);
        }
        const { rows } = await world.trail.reader.query<{ n: string }>(
            "SELECT count(*) AS n FROM audit_trail.acknowledgement WHERE acknowledged_by = 'operator'",
        );
        assert.ok(Number(rows[0]?.n) >= 5);
    });

    it("rows of the log that were counted and are gone, of last month and of this one", async () => {
        await world.source.query(
            "INSERT INTO items SELECT n, 'short' FROM generate_series(21, 23) n",
        );
        await world.source.query("DELETE FROM items WHERE item_id IN (21, 22)");
        assert.ok((await world.verify({}, ITEMS)).complete);
        await world.forge(
            `UPDATE items_audit_log SET commit_timestamp = commit_timestamp - interval '1 month',
                 transaction_id = audit_trail.microseconds(commit_timestamp - interval '1 month')
             WHERE row_key = '{"item_id": 21}'`,
        );
        assert.ok((await world.verify({}, ITEMS)).complete);
        for (const [id, gone] of [
            [21, 2],
            [22, 4],
        ] as const) {
            await world.forgeInSight(life(id));
            const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
            assert.deepEqual(
                differences.map(({ kind, detail }) => [kind, detail.split(/ of|,/u)[0]]),
                [
                    ["deletes in the log", String(gone)],
                    ["log rows are gone since they were counted", String(gone)],
                ],
            );
            await explain("erased by order");
            assert.ok((await world.verify({}, ITEMS)).complete);
        }
    });

    it("neighbours altered alike, and a row slipped in among those that were counted", async () => {
        await forget();
        for (const [forgery, kind] of [
            [
                `UPDATE items_audit_log SET new_row_data = jsonb_set(new_row_data, '{name}', '"alike"')
                     WHERE row_key = '{"item_id": 5}' AND new_row_data ->> 'name' = 'first';
                 UPDATE items_audit_log SET old_row_data = jsonb_set(old_row_data, '{name}', '"alike"')
                     WHERE row_key = '{"item_id": 5}' AND old_row_data ->> 'name' = 'first'`,
                "log rows are altered since they were counted",
            ],
            [
                `INSERT INTO items_audit_log (
                     operation, row_key, new_row_data, commit_timestamp, transaction_id, stream_position, change_seq,
                     recorded_at, applied_xid
                 )
                 SELECT 'I', '{"item_id": 99}', '{"item_id": 99, "name": "x"}', commit_timestamp, transaction_id,
                     stream_position, change_seq, recorded_at, applied_xid
                 FROM items_audit_log WHERE row_key = '{"item_id": 23}'`,
                "log rows among those that were counted",
            ],
        ] as const) {
            await world.forgeInSight(forgery);
            const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
            assert.ok(
                differences.some((one) => one.kind === kind),
                JSON.stringify(differences),
            );
            await explain("known");
        }
    });

    it("what maintenance had counted, although nobody had verified since it was written", async () => {
        await forget();
        await world.source.query("INSERT INTO items VALUES (26, 'a'), (27, 'a'), (28, 'a')");
        await world.source.query("DELETE FROM items WHERE item_id > 25");
        await until(async () => {
            const { rowCount } = await world.trail.reader.query(
                `SELECT FROM items_audit_log WHERE row_key ->> 'item_id' IN ('26', '27', '28') AND operation = 'D'`,
            );
            return rowCount === 3;
        });
        const counted = async (): Promise<string[]> => {
            const { rows } = await world.trail.reader.query<{ log_rows: string }>(
                "SELECT log_rows FROM audit_trail.log_count WHERE table_name = 'items' AND counted_by = 'operator'",
            );
            return rows.map(({ log_rows }) => log_rows);
        };
        // Nothing is open for long here, and what is holds the count up.
        await until(async () => {
            await world.trail.operator.query("CALL audit_trail.maintain()");
            return (await counted()).length === 1;
        });
        assert.deepEqual(await counted(), ["6"]);
        assert.ok((await world.verify({}, ITEMS)).complete);
        await world.forgeInSight(life(27));
        await world.trail.superuser.query("SELECT pg_stat_reset()");
        const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.deepEqual(
            differences.map(({ kind, detail }) => [kind, detail.split(" of")[0]]),
            [["log rows are gone since they were counted", "2"]],
        );
        await explain("erased by order");
    });

    it("the life of a key that nobody had counted, by PostgreSQL's statistics", async () => {
        await forget();
        await world.source.query("INSERT INTO items VALUES (24, 'short')");
        await world.source.query("DELETE FROM items WHERE item_id = 24");
        await until(async () => {
            const { rows } = await world.trail.reader.query(
                `SELECT FROM items_audit_log WHERE row_key = '{"item_id": 24}' AND operation = 'D'`,
            );
            return rows.length === 1;
        });
        await world.forgeInSight(life(24));
        const report = await world.verify({}, ITEMS);
        assert.deepEqual(
            tableOf(report, ITEMS).differences.map(({ kind, detail }) => [
                kind,
                detail.split(",")[0],
            ]),
            [["deletes in the log", "2"]],
        );
        assert.match(
            report.checks.find(({ name }) => name === "statistics")?.detail ?? "",
            /^somebody reset PostgreSQL's statistics/u,
        );
        await explain("erased by order");
        await world.forgeInSight(
            `ALTER TABLE audit_trail.log_count DISABLE TRIGGER append_only;
             DELETE FROM audit_trail.log_count WHERE count_id = (SELECT max(count_id) FROM audit_trail.log_count);
             ALTER TABLE audit_trail.log_count ENABLE ALWAYS TRIGGER append_only`,
        );
        assert.deepEqual(failedChecks(await world.verify({}, ITEMS)), ["ledgers"]);
        await forget();
    });

    it("rows that anybody's open transaction keeps from being counted, which is a note", async () => {
        await world.trail.reader.query("BEGIN; SELECT pg_current_xact_id()");
        await world.source.query("INSERT INTO items VALUES (25, 'short')");
        assert.deepEqual(tableOf(await world.verify({}, ITEMS), ITEMS).notes, []);
        await world.forgeInSight(
            `UPDATE items_audit_log SET recorded_at = recorded_at - interval '2 hours' WHERE row_key = '{"item_id": 25}'`,
        );
        const report = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.ok(report.complete, JSON.stringify(report));
        assert.match(report.notes.join(), /^1 log rows, .* cannot be counted while a transaction/u);
        await world.trail.reader.query("COMMIT");
        assert.deepEqual(tableOf(await world.verify({}, ITEMS), ITEMS).notes, []);
    });

    it("a commit clock that steps back, which is a note and needs no explanation", async () => {
        await world.source.query("UPDATE items SET name = 'fourth' WHERE item_id = 4");
        await world.source.query("UPDATE items SET name = 'fifth' WHERE item_id = 4");
        assert.ok((await world.verify({}, ITEMS)).complete);
        const earlier = (row: string): string => `
            UPDATE items_audit_log
                SET commit_timestamp = commit_timestamp - interval '2 seconds', transaction_id = transaction_id - 2000000
                WHERE row_key = '{"item_id": 4}' AND new_row_data ->> 'name' = '${row}';`;
        await world.forge(
            `${earlier("fifth")}
             UPDATE items_staging SET audit_trail_commit_timestamp = audit_trail_commit_timestamp - interval '2 seconds' WHERE item_id = 4`,
        );
        const report = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.ok(report.complete, JSON.stringify(report));
        assert.deepEqual(report.notes, ['1 x commit clock stepped back, first at {"item_id": 4}']);
        await world.forge(
            `UPDATE items_audit_log SET stream_position = '00000000/00000001'
                 WHERE row_key = '{"item_id": 4}' AND new_row_data ->> 'name' = 'fifth'`,
        );
        const { differences } = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.ok(differences.some(({ kind }) => kind === "commit time goes back"));
    });
});
