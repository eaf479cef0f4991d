import assert from "node:assert/strict";
import type { Client } from "pg";
import { definitionOf, type Trail, trailServer } from "../../testing/trailDatabase";

const AT = "2026-11-23 10:00:00.123456";
const DOCUMENTS = definitionOf(
    "public",
    "documents",
    { id: "integer", name: "character varying(100)", body: "text" },
    ["id"],
);

describe("a large column that arrives by a second step", function () {
    this.timeout(60_000);
    let trail: Trail;
    let dms: Client;
    let lsn = 0x1000;
    let key = 0;

    before(async () => {
        trail = await trailServer([DOCUMENTS]);
        ({ dms } = trail);
    });
    after(async () => {
        await trail.stop();
    });
    beforeEach(() => {
        key += 1;
    });

    async function resume(): Promise<void> {
        dms = await trail.reconnectDms();
    }

    function position(): string {
        lsn += 0x10;
        return `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
    }

    /** The first step of an insert, perhaps again: then the row is there, and the policy INSERT_RECORD removes it first. */
    async function insert(at: string, again = false): Promise<void> {
        await dms.query("BEGIN");
        if (again) {
            await dms.query("DELETE FROM documents_staging WHERE id = $1", [key]);
        }
        await dms.query("INSERT INTO documents_staging VALUES ($1, 'a', NULL, 'I', $2, $3, $3)", [
            key,
            AT,
            at,
        ]);
        await dms.query("COMMIT");
    }

    /** The first step of an update, which leaves the large column alone or clears it. */
    async function update(name: string, at: string, set = ""): Promise<void> {
        await dms.query(
            `UPDATE documents_staging SET ${set} name = $2, audit_trail_operation = 'U', audit_trail_commit_timestamp = $3, audit_trail_stream_position = $4, audit_trail_change_seq = $4
                WHERE id = $1`,
            [key, name, AT, at],
        );
    }

    /** The second step, with the headers of the first one or without. */
    async function complete(body: string, at?: string): Promise<void> {
        await dms.query(
            `UPDATE documents_staging SET body = $2${at === undefined ? "" : ", audit_trail_commit_timestamp = $3, audit_trail_stream_position = $4, audit_trail_change_seq = $4"}
                WHERE id = $1`,
            at === undefined ? [key, body] : [key, body, AT, at],
        );
    }

    async function logged(): Promise<unknown[]> {
        const { rows } = await trail.reader.query<{ line: unknown }>(
            `SELECT json_build_array(trim(operation), old_row_data ->> 'body', new_row_data ->> 'body', remarks) AS line
                FROM documents_audit_log WHERE row_key = jsonb_build_object('id', $1::int) ORDER BY audit_id`,
            [key],
        );
        return rows.map(({ line }) => line);
    }

    async function staged(): Promise<unknown> {
        const { rows } = await dms.query<{ body: unknown }>(
            "SELECT body FROM documents_staging WHERE id = $1",
            [key],
        );
        return rows[0]?.body;
    }

    it("takes no transaction id of its own in the transaction of the first step, with or without headers", async () => {
        const first = key + 1;
        await dms.query("BEGIN");
        for (let count = 0; count < 70; count += 1) {
            key += 1;
            const at = position();
            await dms.query(
                "INSERT INTO documents_staging VALUES ($1, 'a', NULL, 'I', $2, $3, $3)",
                [key, AT, at],
            );
            await complete("body", count % 2 === 0 ? at : undefined);
        }
        await dms.query("COMMIT");
        const { rows } = await trail.reader.query(
            `SELECT operation::text, new_row_data ->> 'body' AS body, count(*)::int AS rows, count(DISTINCT xmin::text)::int AS ids
                FROM documents_audit_log WHERE (row_key ->> 'id')::int >= $1 GROUP BY 1, 2`,
            [first],
        );
        assert.deepEqual(rows, [{ operation: "I", body: "body", rows: 70, ids: 1 }]);
    });

    for (const headers of [true, false]) {
        const how = headers ? "with headers" : "without headers";
        const LOGGED = [
            ["I", null, null, null],
            ["U", null, "body", ["completes large column"]],
        ];

        it(`in a target transaction of its own is logged as an update of its own, ${how}, and not again`, async () => {
            const at = position();
            await insert(at);
            await complete("body", headers ? at : undefined);
            assert.deepEqual(await logged(), LOGGED);
            for (let run = 0; run < 2; run += 1) {
                await resume();
                await insert(at, true);
                await complete("body", headers ? at : undefined);
                assert.deepEqual(await logged(), LOGGED);
                assert.equal(await staged(), "body");
            }
        });

        it(`in a target transaction of its own is not lost where the first step alone was applied before a stop, ${how}`, async () => {
            const at = position();
            await insert(at);
            await resume();
            await insert(at, true);
            await complete("body", headers ? at : undefined);
            assert.deepEqual(await logged(), LOGGED);
            assert.equal(await staged(), "body");
            await resume();
            await insert(at, true);
            await complete("body", headers ? at : undefined);
            assert.deepEqual(await logged(), LOGGED);
            assert.equal(await staged(), "body");
        });

        it(`in a target transaction of its own follows an update as well, ${how}`, async () => {
            const [first, second] = [position(), position()];
            await insert(first);
            await complete("body", headers ? first : undefined);
            await update("b", second);
            await complete("other", headers ? second : undefined);
            const steps = [
                ...LOGGED,
                ["U", "body", "body", null],
                ["U", "body", "other", ["completes large column"]],
            ];
            assert.deepEqual(await logged(), steps);
            await resume();
            await insert(first, true);
            await complete("body", headers ? first : undefined);
            await update("b", second);
            await complete("other", headers ? second : undefined);
            assert.deepEqual(await logged(), steps);
            assert.equal(await staged(), "other");
        });

        it(`in a target transaction of its own is not lost after an update whose first step alone was applied before a stop, ${how}`, async () => {
            const [first, second] = [position(), position()];
            await insert(first);
            await complete("body", headers ? first : undefined);
            await update("b", second, "body = NULL,");
            await resume();
            await update("b", second, "body = NULL,");
            await complete("other", headers ? second : undefined);
            assert.deepEqual((await logged()).slice(2), [
                ["U", "body", null, null],
                ["U", null, "other", ["completes large column"]],
            ]);
            assert.equal(await staged(), "other");
        });
    }
});
