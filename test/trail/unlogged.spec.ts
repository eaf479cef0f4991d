import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Client } from "pg";
import { withBrokenValues } from "../../testing/brokenValues";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { definitionOf, deploy, type Trail, trailDatabase } from "../../testing/trailDatabase";

const ODD = definitionOf("public", "odd", { id: "text", document: "json", note: "text" }, ["id"]);
/** Fits into staging's index and not into that of the tombstones; without a pattern, so that it cannot be compressed. */
const LONG = Array.from({ length: 60 }, (_, i) =>
    createHash("sha512").update(String(i)).digest("base64"),
)
    .join("")
    .slice(0, 2690);

describe("an unlogged change", function () {
    this.timeout(60_000);
    let server: ScratchServer;
    let databases = 0;
    let trail: Trail;
    let dms: Client;
    let lsn = 0x1000;
    let commits = 0;
    let id = LONG;

    before(async () => {
        server = await scratchServer();
    });
    after(async () => {
        await server.stop();
    });
    beforeEach(async () => {
        id = LONG;
        databases += 1;
        trail = await trailDatabase(server, `audit${String(databases)}`, [ODD]);
        ({ dms } = trail);
    });
    afterEach(async () => {
        await trail.stop();
    });

    async function change(sql: string, operation: string): Promise<void> {
        lsn += 0x10;
        commits += 1;
        const at = `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
        const time = new Date(Date.UTC(2026, 10, 23, 10) + commits * 1000).toISOString();
        await dms.query(sql, [id, operation, time, at]);
    }
    const insert = (document: string): Promise<void> =>
        change(
            `INSERT INTO odd_staging (id, document, note, audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq)
                VALUES ($1, ${document}, 'a', $2, $3, $4, $4)`,
            "I",
        );
    const update = (operation: string, set = "note = note || 'b'"): Promise<void> =>
        change(
            `UPDATE odd_staging SET ${set}, audit_trail_operation = $2, audit_trail_commit_timestamp = $3, audit_trail_stream_position = $4, audit_trail_change_seq = $4
                WHERE id = $1`,
            operation,
        );

    async function bringBack(client: Client = trail.operator): Promise<string> {
        const { rows } = await client.query<{ id: string }>(
            `SELECT audit_trail.bring_back(u.unlogged_id) AS id
                FROM (SELECT max(unlogged_id) AS unlogged_id FROM audit_trail.unlogged_change) AS u`,
        );
        return rows[0]?.id ?? "";
    }

    async function setAside(): Promise<string | undefined> {
        const { rows } = await trail.reader.query<{ id: string }>(
            "SELECT audit_id AS id FROM audit_trail.unlogged_change ORDER BY unlogged_id DESC LIMIT 1",
        );
        return rows[0]?.id;
    }

    async function logged(): Promise<unknown[]> {
        const { rows } = await trail.reader.query<{ line: unknown }>(
            `SELECT json_build_array(trim(l.operation), l.old_row_data ->> 'note', l.new_row_data ->> 'note', l.remarks) AS line
                FROM odd_audit_log AS l ORDER BY l.audit_id`,
        );
        return rows.map(({ line }) => line);
    }

    /** Makes changes fail for a reason of their value, for as long as `attempt` takes. */
    async function failing(attempt: () => Promise<void>): Promise<void> {
        await withBrokenValues(trail.superuser, attempt);
    }

    it("comes back as a row of the log at the place that was set aside for it", async () => {
        await insert("NULL");
        await update("D");
        assert.equal((await logged()).length, 1);
        assert.equal(await bringBack(), await setAside());
        assert.deepEqual(await logged(), [
            ["I", null, "a", null],
            ["D", "a", null, ["brought back"]],
        ]);
        const { rows } = await trail.reader.query(
            "SELECT row_data ->> 'note' AS note FROM audit_trail.as_of('public', 'odd', '2027-01-01')",
        );
        assert.deepEqual(rows, []);
        const { rows: ids } = await trail.reader.query(
            `SELECT transaction_id = audit_trail_time AS is_microseconds FROM odd_audit_log,
                LATERAL (SELECT (extract(epoch FROM commit_timestamp) * 1000000)::bigint AS audit_trail_time) AS t`,
        );
        assert.deepEqual(ids, [{ is_microseconds: true }, { is_microseconds: true }]);
    });

    it("stands between its neighbours, whose images it joins, whatever its values are", async () => {
        await insert(`'{"a": "\\u0000"}'`);
        await failing(() => update("U"));
        await update("U");
        await bringBack();
        assert.deepEqual(await logged(), [
            ["I", null, "a", ["value kept as text"]],
            ["U", "a", "ab", ["brought back"]],
            ["U", "ab", "abb", ["value kept as text"]],
        ]);
        const { rows } = await trail.reader.query(
            `SELECT bool_and(before IS NULL OR before = old_row_data) AS joins FROM (
                SELECT l.old_row_data, lag(l.new_row_data) OVER (ORDER BY l.audit_id) AS before FROM odd_audit_log AS l) AS l`,
        );
        assert.deepEqual(rows, [{ joins: true }]);
        const { rows: then } = await trail.reader.query(
            "SELECT row_data ->> 'note' AS note FROM audit_trail.as_of('public', 'odd', '2026-11-23 10:00:00Z'::timestamptz + $1::int * interval '1 s')",
            [commits - 1],
        );
        assert.deepEqual(then, [{ note: "ab" }]);
    });

    it("comes back after the table has got another column", async () => {
        await insert("NULL");
        await failing(() => update("U"));
        const [first] = ODD.columns;
        assert.ok(first);
        const more = { ...first, name: "later", type: "integer", attnum: 4 };
        await deploy(trail.master, [{ ...ODD, columns: [...ODD.columns, more] }]);
        await bringBack();
        assert.deepEqual((await logged()).at(-1), ["U", "a", "ab", ["brought back"]]);
        const { rows } = await trail.reader.query(
            "SELECT new_row_data ? 'later' AS has_later, new_row_data ? 'operation' AS has_header FROM odd_audit_log ORDER BY audit_id DESC LIMIT 1",
        );
        assert.deepEqual(rows, [{ has_later: false, has_header: false }]);
    });

    it("is no gap any more", async () => {
        await insert("NULL");
        await failing(() => update("U"));
        const unlogged = async (): Promise<unknown[]> =>
            (
                await trail.reader.query<{ kind: string; hides_changes: boolean }>(
                    "SELECT kind, hides_changes FROM audit_trail.known_gap ORDER BY recorded_at",
                )
            ).rows;
        assert.deepEqual(await unlogged(), [{ kind: "unlogged change", hides_changes: true }]);
        await bringBack();
        assert.deepEqual(await unlogged(), []);
    });

    it("comes back with the old row that a conflict policy had taken away", async () => {
        id = "short";
        await insert("NULL");
        await failing(async () => {
            await dms.query("BEGIN");
            await dms.query("DELETE FROM odd_staging");
            await change(
                `INSERT INTO odd_staging (id, note, audit_trail_operation, audit_trail_commit_timestamp, audit_trail_stream_position, audit_trail_change_seq)
                    VALUES ($1, 'ab', $2, $3, $4, $4)`,
                "U",
            );
            await dms.query("COMMIT");
        });
        await bringBack();
        assert.deepEqual((await logged()).at(-1), ["U", "a", "ab", ["brought back"]]);
    });

    it("comes back once, also for two who call at a time", async () => {
        await insert("NULL");
        await failing(() => update("U"));
        const results = await Promise.allSettled([bringBack(), bringBack(trail.master)]);
        assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
        await assert.rejects(bringBack(), /has been brought back already/u);
        assert.equal((await logged()).length, 2);
    });

    it("does not come back with an operation that the log does not know", async () => {
        await insert("NULL");
        await update("X");
        await assert.rejects(bringBack(), /has the operation 'X', and not I, U or D/u);
        await assert.rejects(
            trail.operator.query("SELECT audit_trail.bring_back(0)"),
            /There is no unlogged change 0/u,
        );
    });

    it("comes back for operators alone", async () => {
        await insert("NULL");
        await update("D");
        for (const client of [trail.reader, dms]) {
            await assert.rejects(client.query("SELECT audit_trail.bring_back(1)"), {
                code: "42501",
            });
        }
    });
});
