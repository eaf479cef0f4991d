import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Client } from "pg";
import { withBrokenValues } from "../../testing/brokenValues";
import { definitionOf, ITEMS, type Trail, trailServer } from "../../testing/trailDatabase";
import type { TableDefinition } from "../../trail/tableDefinition";

const AT = "2026-11-23 10:00:00.123456";

/** Key type and value columns that can be hard to log. */
const ODD: TableDefinition = definitionOf("public", "odd", { id: "text", document: "json" }, [
    "id",
]);

describe("the log's trigger", () => {
    let trail: Trail;
    let dms: Client;
    let lsn = 0x1000;
    let key = 0;

    before(async function () {
        this.timeout(60_000);
        trail = await trailServer([ITEMS, ODD]);
        ({ dms } = trail);
    });

    after(async () => {
        await trail.stop();
    });

    beforeEach(() => {
        key += 1;
    });

    /** Ends DMS's session: what comes now may have come before. */
    async function resume(): Promise<void> {
        dms = await trail.reconnectDms();
    }

    function position(): string {
        lsn += 0x10;
        return `00000000/${lsn.toString(16).toUpperCase().padStart(8, "0")}`;
    }

    async function insert(
        name: string,
        operation: string | null = "I",
        at = position(),
        seq = at,
    ): Promise<void> {
        await dms.query("INSERT INTO items_staging VALUES ($1, $2, 1.50, $3, $4, $5, $6)", [
            key,
            name,
            operation,
            AT,
            at,
            seq,
        ]);
    }

    async function update(
        name: string | null,
        operation: string,
        at = position(),
        seq = at,
    ): Promise<void> {
        await dms.query(
            `UPDATE items_staging SET item_id = $1, name = $2, audit_trail_operation = $3, audit_trail_commit_timestamp = $4,
                audit_trail_stream_position = $5, audit_trail_change_seq = $6 WHERE item_id = $1`,
            [key, name, operation, AT, at, seq],
        );
    }

    /** As the policy INSERT_RECORD does where the row is there. */
    async function removeAndInsert(name: string, at: string): Promise<void> {
        await dms.query("BEGIN");
        await dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]);
        await insert(name, "I", at);
        await dms.query("COMMIT");
    }

    /** Operation, old name and new name of every log row of the current key. */
    async function logged(): Promise<unknown[]> {
        const { rows } = await trail.reader.query<{ line: unknown }>(
            `SELECT json_build_array(trim(operation), old_row_data ->> 'name', new_row_data ->> 'name') AS line
                FROM items_audit_log WHERE row_key = jsonb_build_object('item_id', $1::int) ORDER BY audit_id`,
            [key],
        );
        return rows.map(({ line }) => line);
    }

    async function staged(): Promise<unknown[]> {
        const { rows } = await dms.query<{ name: unknown }>(
            "SELECT name FROM items_staging WHERE item_id = $1",
            [key],
        );
        return rows.map(({ name }) => name);
    }

    async function gaps(): Promise<unknown[]> {
        const { rows } = await trail.reader.query<{ kind: unknown }>(
            "SELECT kind FROM audit_trail.gap WHERE detail #> '{row_key,item_id}' = to_jsonb($1::int) ORDER BY gap_id",
            [key],
        );
        return rows.map(({ kind }) => kind);
    }

    it("keeps the seed's story: update, then delete", async () => {
        await insert("a", "I", "", "");
        await update("b", "U");
        await update(null, "D");
        assert.deepEqual(await logged(), [
            ["B", null, "a"],
            ["U", "a", "b"],
            ["D", "b", null],
        ]);
        assert.deepEqual([await staged(), await gaps()], [[], []]);
    });

    it("logs rows that COPY loads as the baseline", async () => {
        await trail.superuser.query("GRANT pg_execute_server_program TO audit_trail_dms_target");
        const program = dms.escapeLiteral(`echo '${key},a,1.50,I,${AT},"",""'`);
        await dms.query(`COPY items_staging FROM PROGRAM ${program} (FORMAT csv)`);
        assert.deepEqual(await logged(), [["B", null, "a"]]);
    });

    it("logs an update that changes nothing", async () => {
        await insert("a");
        await update("a", "U");
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["U", "a", "a"],
        ]);
    });

    it("completes the baseline's large columns in place, in a later transaction by a second baseline row", async () => {
        await dms.query("BEGIN");
        await insert("", "I", "", "");
        await update("a", "I", "", "");
        await dms.query("COMMIT");
        assert.deepEqual(await logged(), [["B", null, "a"]]);
        await update("b", "I", "", "");
        assert.deepEqual((await logged()).at(-1), ["B", null, "b"]);
    });

    it("shows a missed delete: an insert over a row that is still there", async () => {
        await insert("a");
        await dms.query("BEGIN");
        await dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]);
        await insert("b");
        await dms.query("COMMIT");
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["I", null, "b"],
        ]);
        assert.deepEqual(await gaps(), ["insert over existing row"]);
    });

    it("shows an update and a delete of rows that staging lacks", async () => {
        await insert("a", "U");
        assert.deepEqual(
            [await logged(), await gaps()],
            [[["U", null, "a"]], ["row missing before update"]],
        );
        await update(null, "D");
        await insert("a", "D");
        assert.deepEqual((await logged()).slice(1), [
            ["D", "a", null],
            ["D", null, null],
        ]);
        assert.deepEqual((await gaps()).at(-1), "row missing before delete");
        assert.deepEqual(await staged(), []);
    });

    it("uses the row that a conflict policy took away as the old row", async () => {
        await insert("a");
        await dms.query("BEGIN");
        await dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]);
        await insert("b", "U");
        await dms.query("COMMIT");
        assert.deepEqual((await logged()).at(-1), ["U", "a", "b"]);
        assert.deepEqual([await staged(), await gaps()], [["b"], []]);
    });

    it("shows a delete that carries no flag", async () => {
        await insert("a");
        await dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]);
        assert.deepEqual(
            [await logged(), await gaps()],
            [[["I", null, "a"]], ["unflagged delete"]],
        );
    });

    it("shows a primary key that changes under it, and keeps the old key known", async () => {
        await insert("a");
        await dms.query(
            `UPDATE items_staging SET item_id = -item_id, audit_trail_operation = 'U', audit_trail_stream_position = '${position()}', audit_trail_change_seq = '1'
                WHERE item_id = ${key}`,
        );
        const { rows } = await trail.reader.query(
            `SELECT old_row_data -> 'item_id' AS old, new_row_data -> 'item_id' AS new, (SELECT kind FROM audit_trail.gap
                WHERE detail -> 'row_key' = l.row_key) AS kind FROM items_audit_log AS l WHERE row_key = '{"item_id": -${key}}'`,
        );
        assert.deepEqual(rows, [{ old: key, new: -key, kind: "primary key update" }]);
    });

    it("logs a change without commit time or position rather than lose it, and says so", async () => {
        await insert("a");
        await dms.query(
            "UPDATE items_staging SET name = 'b', audit_trail_operation = 'U', audit_trail_commit_timestamp = NULL, audit_trail_stream_position = NULL, audit_trail_change_seq = 'x' WHERE item_id = $1",
            [key],
        );
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["U", "a", "b"],
        ]);
        assert.deepEqual(await gaps(), ["commit timestamp missing"]);
    });

    it("logs changes with positions of another form once, also when they come again", async () => {
        await insert("a", "I", "first", "1");
        await update("b", "U", "second", "1");
        await resume();
        await update("b", "U", "second", "2");
        await update("c", "U", "third", "3");
        await update("d", "U");
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["U", "a", "b"],
            ["U", "b", "c"],
            ["U", "c", "d"],
        ]);
    });

    it("knows older changes again after a change whose position it cannot compare", async () => {
        const [first, second] = [position(), position()];
        await insert("a", "I", first);
        await update("b", "U", "!not an LSN");
        await update("c", "U", second);
        await resume();
        await removeAndInsert("a", first);
        await update("b", "U", "!not an LSN");
        await update("c", "U", second);
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["U", "a", "b"],
            ["U", "b", "c"],
        ]);
        assert.deepEqual(await staged(), ["c"]);
    });

    for (const [form, write] of Object.entries({
        "small letters": (at: string) => at.toLowerCase(),
        "small letters by turns": (at: string, n: number) => (n % 2 ? at : at.toLowerCase()),
        "another text before it": (at: string, n: number) => `${at}.${n}.${at}`,
    })) {
        it(`compares positions by their number, also in ${form}`, async () => {
            // Small letters sort behind all capitals and digits.
            lsn = (lsn | 0xff) + 1;
            const start = lsn;
            const positions = [0xa0, 0xb0, 0xc0, 0xd0].map((last, n) =>
                write(`00000000/${(start + last).toString(16).toUpperCase().padStart(8, "0")}`, n),
            );
            lsn = start + 0x100;
            const [first, ...later] = positions;
            const apply = async (): Promise<void> => {
                await removeAndInsert("0", String(first));
                for (const [n, at] of later.entries()) {
                    await update(String(n + 1), "U", at);
                }
            };
            await apply();
            await resume();
            await apply();
            assert.deepEqual(await logged(), [
                ["I", null, "0"],
                ["U", "0", "1"],
                ["U", "1", "2"],
                ["U", "2", "3"],
            ]);
            assert.deepEqual([await staged(), await gaps()], [["3"], []]);
        });
    }

    it("logs what comes after a position that is only a part of one", async () => {
        await insert("a", "I", "/", "1");
        await update("b", "U");
        await update("c", "U", "AB/CD");
        await update("d", "U");
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["U", "a", "b"],
            ["U", "b", "c"],
            ["U", "c", "d"],
        ]);
    });

    for (const odd of ["00000000/000000/0", "00000000/0000000/", "0000000G/00000000"]) {
        it(`logs what comes after the position ${odd}, which only looks like one`, async () => {
            await insert("a", "I", odd, "1");
            // Small letters: judged in the other function, by numbers.
            await update("b", "U", "00000000/00abcdef");
            assert.deepEqual(await logged(), [
                ["I", null, "a"],
                ["U", "a", "b"],
            ]);
        });
    }

    it("knows older changes again after a delete without position", async () => {
        const first = position();
        await insert("a", "I", first);
        await update(null, "D", "", "x");
        await resume();
        await insert("a", "I", first);
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["D", "a", null],
        ]);
        assert.deepEqual(await staged(), []);
    });

    it("knows a replay after the replication connection was made anew, by another text around the same position", async () => {
        const at = position();
        await insert("a");
        await update("b", "U", at);
        await resume();
        await update("b", "U", `00000000/00000001.7.${at}`, "another");
        assert.deepEqual((await logged()).length, 2);
        assert.deepEqual(await gaps(), []);
    });

    // An id for each change would have the server freeze all its tables for nothing, and make every snapshot a slow one.
    it("takes one transaction id for all changes of a transaction", async () => {
        const first = key;
        await dms.query("BEGIN");
        for (let count = 0; count < 70; count += 1) {
            key += 1;
            await insert("a");
            await update("b", "U");
            await update(null, "D");
            await insert("c");
        }
        await dms.query("COMMIT");
        const { rows } = await trail.reader.query(
            `SELECT count(*)::int AS rows, count(DISTINCT xmin::text)::int AS ids
                FROM items_audit_log WHERE (row_key ->> 'item_id')::int > $1`,
            [first],
        );
        assert.deepEqual(rows, [{ rows: 280, ids: 1 }]);
    });

    it("takes one transaction id for all rows of the full load that a transaction has", async () => {
        const first = key + 1;
        key += 70;
        await dms.query(
            `INSERT INTO items_staging SELECT g, 'a', 1, 'I', '${AT}', NULL, NULL FROM generate_series($1::int, $2::int) AS g`,
            [first, key],
        );
        const { rows } = await trail.reader.query(
            `SELECT operation::text, count(*)::int AS rows, count(DISTINCT xmin::text)::int AS ids
                FROM items_audit_log WHERE (row_key ->> 'item_id')::int BETWEEN $1 AND $2 GROUP BY 1`,
            [first, key],
        );
        assert.deepEqual(rows, [{ operation: "B", rows: 70, ids: 1 }]);
    });

    it("fires in a session that disables triggers", async () => {
        await trail.superuser.query(
            "GRANT SET ON PARAMETER session_replication_role TO audit_trail_dms_target",
        );
        await dms.query("SET session_replication_role = replica");
        try {
            await insert("a");
            await update("b", "U");
            await update(null, "D");
            assert.equal((await logged()).length, 3);
            await insert("a");
            await dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]);
            assert.deepEqual(await gaps(), ["unflagged delete"]);
        } finally {
            await dms.query("RESET session_replication_role");
        }
    });

    it("cannot be passed by writing staging out of another trigger", async () => {
        await trail.superuser.query("GRANT CREATE ON SCHEMA public TO audit_trail_dms_target");
        await dms.query(`
            CREATE TABLE IF NOT EXISTS detour (id integer);
            CREATE OR REPLACE FUNCTION detour() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                UPDATE public.items_staging SET name = 'b', audit_trail_operation = 'U', audit_trail_stream_position = '${position()}', audit_trail_change_seq = '2'
                    WHERE item_id = NEW.id;
                RETURN NULL;
            END $$;
            CREATE OR REPLACE TRIGGER detour AFTER INSERT ON detour FOR EACH ROW EXECUTE FUNCTION detour();
        `);
        for (const setting of ["", "0"]) {
            key += 1;
            await insert("a");
            await dms.query("BEGIN");
            await dms.query("SELECT set_config('audit_trail.own_write', $1, true)", [setting]);
            await dms.query("INSERT INTO detour VALUES ($1)", [key]);
            await dms.query("COMMIT");
            assert.deepEqual((await logged()).at(-1), ["U", "a", "b"]);
        }
    });

    it("cannot be passed in a transaction in which it has written staging itself", async () => {
        const at = position();
        await insert("a");
        await update("a", "U", at);
        await resume();
        await dms.query("BEGIN");
        await update("a", "U", at);
        const { rows } = await dms.query<{ token: unknown }>(
            "SELECT current_setting('audit_trail.own_write', true) AS token",
        );
        await dms.query("INSERT INTO detour VALUES ($1)", [key]);
        await dms.query("COMMIT");
        assert.deepEqual(rows, [{ token: "" }]);
        assert.deepEqual(await logged(), [
            ["I", null, "a"],
            ["U", "a", "a"],
            ["U", "a", "b"],
        ]);
    });

    it("writes the same key whatever the session's settings are", async () => {
        await dms.query(
            "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'SQL, DMY'; SET search_path = pg_temp",
        );
        try {
            await dms.query(
                "INSERT INTO public.items_staging VALUES ($1, 'a', 1, 'I', '23/11/2026 10:00:00', $2, '1')",
                [key, position()],
            );
        } finally {
            await dms.query("RESET timezone; RESET datestyle; RESET search_path");
        }
        const { rows } = await trail.reader.query(
            `SELECT count(*)::int AS n FROM items_audit_log
                WHERE row_key = '{"item_id": ${key}}' AND commit_timestamp = '2026-11-23 10:00:00Z'`,
        );
        assert.deepEqual(rows, [{ n: 1 }]);
    });

    it("records that staging was emptied", async () => {
        await insert("a");
        await dms.query("TRUNCATE items_staging");
        const { rows } = await trail.reader.query(
            `SELECT table_schema, table_name, from_timestamp = '${AT}Z' AS since_last_change FROM audit_trail.gap WHERE kind = 'reload'`,
        );
        assert.deepEqual(rows, [
            { table_schema: "public", table_name: "items", since_last_change: true },
        ]);
        await dms.query("TRUNCATE odd_staging");
        const { rows: first } = await trail.reader.query(
            "SELECT FROM audit_trail.gap WHERE kind = 'reload' AND table_name = 'odd'",
        );
        assert.deepEqual(first, [], "the first load of a table is no reload");
    });

    describe("never fails DMS's statement", () => {
        /** As text: a row that jsonb refuses cannot be taken apart. */
        async function unlogged(part: string): Promise<unknown[]> {
            const { rows } = await trail.reader.query<{ sqlstate: string }>(
                "SELECT sqlstate FROM audit_trail.unlogged_change WHERE strpos(new_row::text, $1) > 0 ORDER BY unlogged_id",
                [part],
            );
            return rows.map(({ sqlstate }) => sqlstate);
        }

        it("for an operation it does not know", async () => {
            await insert("a", "X");
            await update("b", "insert");
            await dms.query(
                "UPDATE items_staging SET name = 'c', audit_trail_operation = NULL WHERE item_id = $1",
                [key],
            );
            assert.deepEqual(await unlogged(`"item_id":${key},`), ["P0001", "P0001", "P0001"]);
            assert.deepEqual(await staged(), ["c"]);
        });

        it("for a position that only looks like an LSN", async () => {
            await insert("a");
            await update("b", "U", "unlikely/position");
            assert.deepEqual(await unlogged(`"item_id":${key},`), []);
            assert.deepEqual((await logged()).at(-1), ["U", "a", "b"]);
        });

        it("for a text that jsonb cannot hold, which the log keeps as text", async () => {
            const document = '{"a": "\\u0000"}';
            await dms.query(
                `INSERT INTO odd_staging VALUES ('nul-character', '${document}', 'I', '${AT}', '${position()}', '1')`,
            );
            for (const [operation, value] of [
                ["U", `'${document}'`],
                ["U", `'{"a": 1e999999}'`],
                ["U", `'["\\ud800"]'`],
                ["D", "document"],
            ]) {
                await dms.query(
                    `UPDATE odd_staging SET document = ${String(value)}, audit_trail_operation = '${String(operation)}', audit_trail_stream_position = '${position()}', audit_trail_change_seq = '2' WHERE id = 'nul-character'`,
                );
            }
            assert.deepEqual(await unlogged("nul-character"), []);
            const { rows } = await trail.reader.query(
                `SELECT trim(operation) AS operation, old_row_data ->> 'document' AS old, new_row_data ->> 'document' AS new
                    FROM odd_audit_log WHERE row_key = '{"id": "nul-character"}' ORDER BY audit_id`,
            );
            assert.deepEqual(rows, [
                { operation: "I", old: null, new: document },
                { operation: "U", old: document, new: document },
                { operation: "U", old: document, new: '{"a": 1e999999}' },
                { operation: "U", old: '{"a": 1e999999}', new: '["\\ud800"]' },
                { operation: "D", old: '["\\ud800"]', new: null },
            ]);
        });

        it("for a json column that DMS has added since the deployment", async () => {
            const set = async (value: string): Promise<void> => {
                const at = position();
                await dms.query(
                    `UPDATE items_staging SET later = $2, audit_trail_operation = 'U', audit_trail_commit_timestamp = '${AT}',
                        audit_trail_stream_position = $3, audit_trail_change_seq = $3 WHERE item_id = $1`,
                    [key, value, at],
                );
            };
            await insert("a");
            await trail.superuser.query("ALTER TABLE items_staging ADD COLUMN later json");
            try {
                const values = ['"\\u0000"', "1e999999", "[1]"];
                for (const value of values) {
                    await set(value);
                }
                const { rows } = await trail.reader.query<{ later: string }>(
                    `SELECT new_row_data ->> 'later' AS later FROM items_audit_log
                        WHERE row_key = jsonb_build_object('item_id', $1::int) AND operation = 'U' ORDER BY audit_id`,
                    [key],
                );
                assert.deepEqual(
                    rows.map(({ later }) => later),
                    values,
                );
                assert.deepEqual(await unlogged(`"item_id":${key},`), []);
            } finally {
                await trail.superuser.query("ALTER TABLE items_staging DROP COLUMN later");
            }
        });

        it("for a commit time that is no time of day", async () => {
            await insert("a");
            for (const time of ["infinity", "-infinity", "294276-12-31 23:59:59.999999"]) {
                await dms.query(
                    `UPDATE items_staging SET audit_trail_commit_timestamp = $2::timestamp, audit_trail_operation = 'U',
                        audit_trail_stream_position = $3, audit_trail_change_seq = $3 WHERE item_id = $1`,
                    [key, time, position()],
                );
            }
            assert.equal((await unlogged(`"item_id":${key},`)).length, 3);
            await update("b", "U");
            assert.deepEqual((await logged()).at(-1), ["U", "a", "b"]);
        });

        for (const [length, refused] of [
            [1990, []],
            [2400, []],
            [2690, ["54000"]],
        ] as const) {
            it(`for a key of ${String(length)} bytes, too long or not for the trail's index of deleted keys`, async () => {
                // Fits into staging's index; without a pattern, so that it cannot be compressed.
                const long = Array.from({ length: 60 }, (_, i) =>
                    createHash("sha512")
                        .update(String(length + i))
                        .digest("base64"),
                )
                    .join("")
                    .slice(0, length);
                await dms.query(
                    `INSERT INTO odd_staging VALUES ($1, NULL, 'I', '${AT}', '${position()}', '1')`,
                    [long],
                );
                assert.deepEqual(await unlogged(long), []);
                await dms.query(
                    `UPDATE odd_staging SET audit_trail_operation = 'D', audit_trail_stream_position = '${position()}', audit_trail_change_seq = '2' WHERE id = $1`,
                    [long],
                );
                assert.deepEqual(await unlogged(long), refused);
                const { rows } = await trail.superuser.query(
                    "SELECT FROM audit_trail.public_odd_tombstone WHERE row_key = jsonb_build_object('id', $1::text)",
                    [long],
                );
                assert.equal(rows.length, refused.length === 0 ? 1 : 0);
                const { rows: kept } = await dms.query("SELECT FROM odd_staging WHERE id = $1", [
                    long,
                ]);
                assert.deepEqual(kept, [], "a delete that cannot be logged stays a delete");
            });
        }
    });

    // Then DMS has to stop or to try again; going on would lose the change.
    describe("fails DMS's statement with the error of the log", () => {
        async function failing(code: string, attempt: () => Promise<unknown>): Promise<void> {
            await trail.superuser.query(`
                CREATE FUNCTION public.broken() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE 'no room' USING ERRCODE = '${code}'; END $$;
                CREATE TRIGGER broken BEFORE INSERT ON items_audit_log FOR EACH ROW EXECUTE FUNCTION public.broken()`);
            try {
                await attempt();
            } finally {
                await trail.superuser.query("DROP FUNCTION public.broken() CASCADE");
            }
        }

        async function kept(): Promise<number> {
            const { rows } = await trail.reader.query<{ n: number }>(
                "SELECT count(*)::int AS n FROM audit_trail.unlogged_change",
            );
            return rows[0]?.n ?? -1;
        }

        for (const code of [
            "53100",
            "57P01",
            "58030",
            "08006",
            "40P01",
            "40001",
            "55P03",
            "XX000",
            "42P01",
        ]) {
            it(`at once for ${code}, which says nothing of the change`, async () => {
                const before = await kept();
                await failing(code, async () => {
                    await assert.rejects(insert("a"), { code, message: "no room" });
                });
                assert.equal(await kept(), before);
                assert.deepEqual(await staged(), []);
                await insert("a");
                assert.deepEqual(await staged(), ["a"]);
            });
        }

        it("when the change cannot be kept either", async () => {
            const attempt = async (): Promise<void> => {
                await trail.master.query(
                    "ALTER TABLE audit_trail.unlogged_change RENAME TO hidden",
                );
                try {
                    await assert.rejects(insert("a"), { code: "22012", message: "no room" });
                } finally {
                    await trail.master.query(
                        "ALTER TABLE audit_trail.hidden RENAME TO unlogged_change",
                    );
                }
            };
            await withBrokenValues(trail.superuser, attempt, "22012");
            assert.deepEqual(await staged(), []);
        });

        it("for what others have put on the log, whatever it raises", async () => {
            await failing("23514", async () => {
                await assert.rejects(insert("a"), { code: "23514", message: "no room" });
            });
            assert.deepEqual(await staged(), []);
        });

        it("when a plain delete cannot be recorded as a gap", async () => {
            await insert("a");
            await trail.master.query("ALTER TABLE audit_trail.gap RENAME TO hidden");
            try {
                await assert.rejects(
                    dms.query("DELETE FROM items_staging WHERE item_id = $1", [key]),
                    { code: "42P01" },
                );
            } finally {
                await trail.master.query("ALTER TABLE audit_trail.hidden RENAME TO gap");
            }
            assert.deepEqual(await staged(), ["a"]);
        });
    });
});
