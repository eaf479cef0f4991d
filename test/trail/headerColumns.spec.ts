import assert from "node:assert/strict";
import { withBrokenValues } from "../../testing/brokenValues";
import { deploy, ITEMS, type Trail, trailServer } from "../../testing/trailDatabase";
import { HEADER_COLUMNS, type HeaderColumn, HEADERS } from "../../trail/headerColumns";
import { consistencyScripts, countScripts } from "../../verify/tableScripts";

/** What a later version of the program may have. */
const SENT_AT: HeaderColumn = {
    name: "audit_trail_sent_at",
    expression: "$AR_H_TIMESTAMP",
    dataType: { type: "datetime", precision: 6 },
    stagingType: "timestamp(6) without time zone",
    isCarried: true,
};
const COLUMNS = [...ITEMS.columns.map(({ name }) => name), ...HEADER_COLUMNS];

describe("a header column that a later version takes over into the log", function () {
    this.timeout(60_000);
    let trail: Trail;
    let lsn = 0x1000;

    before(async () => {
        trail = await trailServer([ITEMS]);
    });
    after(async () => {
        await trail.stop();
    });

    /** Inserts a row as DMS does; with the header, if there is one. */
    async function insert(id: number, sentAt?: string): Promise<void> {
        lsn += 0x10;
        const position = `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
        await trail.dms.query(
            `INSERT INTO items_staging (item_id, name, audit_trail_operation, audit_trail_commit_timestamp,
                    audit_trail_stream_position, audit_trail_change_seq${sentAt === undefined ? "" : ", audit_trail_sent_at"})
                VALUES ($1, 'a', 'I', '2026-11-23 10:00Z', $2, $3${sentAt === undefined ? "" : ", $4"})`,
            [id, position, String(lsn), ...(sentAt === undefined ? [] : [sentAt])],
        );
    }

    /** The log's rows, and the hash of the rows as verify counts them. */
    async function counted(): Promise<{ rows: number; hash: string }> {
        const scripts = countScripts(ITEMS);
        const { rows: found } = await trail.superuser.query<{ name: string }>(scripts.columns.sql);
        const script = scripts.count(found.map(({ name }) => name)).sql;
        const { rows } = await trail.superuser.query<{ log_rows: string; hash_sum: string }>(
            script,
            [[], []],
        );
        return {
            rows: rows.reduce((sum, row) => sum + Number(row.log_rows), 0),
            hash: rows.map(({ hash_sum }) => hash_sum).join(),
        };
    }

    /** What verify says of log and staging together. */
    async function problems(): Promise<string[]> {
        const { logChunk } = consistencyScripts(ITEMS, [...COLUMNS, SENT_AT.name]);
        const { rows } = await trail.superuser.query<{ kind: string }>(logChunk.sql, [
            ...[null, null, "1"],
        ]);
        return rows.map(({ kind }) => kind);
    }

    async function sentAt(): Promise<(string | null)[]> {
        const { rows } = await trail.reader.query<{ sent_at: string | null }>(
            "SELECT sent_at::text FROM items_audit_log ORDER BY audit_id",
        );
        return rows.map((row) => row.sent_at);
    }

    it("is in new rows and in those that are brought back, and verify compares it", async () => {
        await insert(1);
        const before = await counted();
        const headers = HEADERS as HeaderColumn[];
        headers.push(SENT_AT);
        (HEADER_COLUMNS as string[]).push(SENT_AT.name);
        try {
            await deploy(trail.master, [ITEMS]);
            assert.deepEqual(await counted(), before, "a row from before has another hash");

            await insert(2, "2026-11-23 10:00:00.25");
            await withBrokenValues(trail.superuser, () => insert(3, "2026-11-23 10:00:00.5"));
            await trail.operator.query(
                "SELECT audit_trail.bring_back(unlogged_id) FROM audit_trail.unlogged_change",
            );
            assert.deepEqual(await sentAt(), [
                null,
                "2026-11-23 10:00:00.25",
                "2026-11-23 10:00:00.5",
            ]);
            const { rows: images } = await trail.reader.query<{ names: string }>(
                "SELECT DISTINCT jsonb_object_keys(new_row_data) AS names FROM items_audit_log ORDER BY 1",
            );
            assert.deepEqual(
                images.map(({ names }) => names),
                ["item_id", "name", "price"],
            );
            assert.deepEqual(await problems(), []);

            const after = await counted();
            await trail.superuser.query(`
                ALTER TABLE items_audit_log DISABLE TRIGGER USER;
                UPDATE items_audit_log SET sent_at = sent_at + interval '1 second' WHERE row_key = '{"item_id": 2}';
                ALTER TABLE items_audit_log ENABLE ALWAYS TRIGGER append_only`);
            assert.deepEqual(await problems(), ["log and staging have other headers"]);
            assert.equal(after.rows, 3);
            assert.notEqual((await counted()).hash, after.hash);
        } finally {
            headers.pop();
            (HEADER_COLUMNS as string[]).pop();
        }
    });
});
